"""The page of formats says what the mappings say."""

from __future__ import annotations

import pytest

from pipelines.landing.formats import load_formats
from pipelines.landing.lineage.text import shown, told
from pipelines.reference_formats import formats_page

SECTIONS = {text.split("\n", 1)[0]: text for text in formats_page().split("\n## ")[1:]}


def test_every_format_has_a_section_with_what_its_head_says() -> None:
    assert list(SECTIONS) == list(load_formats())
    azure = SECTIONS["azure"]
    assert "- Recognised by: `time`, `resourceId`, `category` or `records`\n" in azure
    assert "- A line may hold many records: `records[*]`\n" in azure
    assert "they hold a key or a person: `callerIpAddress`, `userId`, `objectId`\n" in azure


def test_the_comment_of_a_mapping_is_a_paragraph_in_which_names_are_no_emphasis() -> None:
    assert "\n\nOpenAI's reference of the fine-tuning job: `trained_tokens` is the number" in SECTIONS["openai_jobs"]
    assert "leaves out every `input_*`, `output` every `output_*`, and `total` is" in SECTIONS["langfuse"]


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("openai", "| `provider` | `provider` or `'openai'` |  |"),
        (
            "openai",
            "| `finish_reason` | `choices[].finish_reason`†, `incomplete_details.reason`† or `'stop'` | `status`† |",
        ),
        # Inside a page of many records as by itself.
        ("azure", "| `organization_id` | `properties.apimSubscriptionId` | "),
        ("otel", "| `end_user_id` | `attributes[user.id]`, `attributes[enduser.id]` |  |"),
        ("otel", "`resourceSpans[].resource.attributes[service.name]`"),
        ("bedrock", "| the text of the record"),
        ("mapped", "| `event_id` | `event_id`, the whole record |  |"),
    ],
)
def test_columns_are_told_with_the_names_of_the_source(name: str, row: str) -> None:
    assert row in SECTIONS[name]


def test_a_format_with_no_names_of_its_own_has_no_table() -> None:
    assert not told(load_formats()["canonical"]).rows
    assert SECTIONS["canonical"].endswith("Every column is the field of the column's own name.\n")


def test_names_with_a_dot_are_told_from_paths() -> None:
    assert shown(("metadata", "a.b", "[]", "c")) == 'metadata."a.b"[].c'
