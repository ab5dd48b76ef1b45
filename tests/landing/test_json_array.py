"""A file that is one JSON array is read as its records, numbered in their order."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.landing import lines
from pipelines.landing.json_array import begins_array
from pipelines.landing.lines import LineReader
from tests.landing.homes import CANONICAL, Row, comparable, drop, event, events, land, make_home, quarantined

if TYPE_CHECKING:
    from pathlib import Path

RECORDS: list[Row] = [event("1", note='a "quote", a \\ and [{'), event("2", input_tokens=-1), event("3")]
LITELLM = {
    "call_type": "acompletion", "startTime": "2024-03-01T12:00:00Z", "prompt_tokens": 1, "completion_tokens": 1,
    "model": "gpt-4o", "custom_llm_provider": "openai", "organization_id": "acme", "metadata": {"a": [{}]},
}  # fmt: skip


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.json.gz"])
def test_array_is_read_as_its_records_are_by_line(tmp_path: Path, indent: int | None, name: str) -> None:
    home, other = (make_home(tmp_path / n, CANONICAL) for n in ("home", "other"))
    text = ("\ufeff\n" + json.dumps(RECORDS, indent=indent)).encode()
    drop(home, f"g/{name}", gzip.compress(text) if name.endswith(".gz") else text)
    drop(other, "g/a.jsonl", RECORDS)
    summary = land(home)
    assert (summary.records_read, summary.accepted, summary.quarantined) == (3, 2, 1)
    land(other)
    assert comparable(events(home)) == comparable(events(other))
    [record], [line] = quarantined(home), quarantined(other)
    assert (record["line"], record["reason"]) == (line["line"], line["reason"]) == (2, "input_tokens is negative: -1")
    assert json.loads(record["raw"]) == json.loads(line["raw"])


def test_spend_logs_saved_as_they_came_are_recognised(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    rows = [{"request_id": str(n), **LITELLM} for n in range(5)]
    drop(home, "gateway/page-1.json", json.dumps(rows[:3], indent=4))
    # Pages appended to one file.
    drop(home, "gateway/page-2.json", json.dumps(rows[2:4]) + "\n" + json.dumps(rows[4:]))
    drop(home, "gateway/page-3.json", "[]\n")
    summary = land(home)
    assert (summary.records_read, summary.accepted, summary.duplicates) == (6, 5, 1)


def test_a_conflict_in_an_array_on_one_line_is_that_record_alone(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home", CANONICAL)
    drop(home, "g/a.json", json.dumps([event("0"), event("1"), event("1", output_tokens=7), event("2")]))
    assert land(home).quarantined == 1
    [record] = quarantined(home)
    assert record["line"] in (2, 3)
    assert '"event_id": "1"' in record["raw"]


def test_derived_ids_are_those_of_the_lines(tmp_path: Path) -> None:
    entry = (
        '[[sources]]\nname = "m"\nformat = "mapped"\n[sources.columns]\noccurred_at = "at"\n'
        'input_tokens = "in"\n[sources.constants]\nprovider = "p"\nmodel = "m"\norganization_id = "o"\n'
    )
    home = make_home(tmp_path / "home", entry)
    rows: list[Row | str] = ['{"at":"2024-03-01","in":5}', '{"at":"2024-03-01","in":5}', '{"at":"2024-03-02","in":6}']
    drop(home, "m/a.jsonl", rows)
    assert land(home).accepted == 3
    drop(home, "m/b.json", f"[\n  {', '.join(map(str, rows))}\n]\n")
    summary = land(home)
    assert (summary.accepted, summary.duplicates) == (0, 3)


def test_a_record_that_is_no_json_is_refused_alone(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home", CANONICAL)
    whole = json.dumps(event("1")).encode()
    drop(home, "g/a.json", b'[{"event_id": no}, ' + whole + b", " + whole.replace(b"acme", b"ac\xffme") + b"]")
    summary = land(home)
    assert (summary.accepted, summary.quarantined) == (1, 2)
    assert [(q["line"], q["reason"]) for q in quarantined(home)] == [
        (1, "not valid JSON"), (3, "not valid JSON: it holds bytes that are not UTF-8"),
    ]  # fmt: skip


BROKEN = {
    "[{}, null]": "other than objects",
    '[{}, "text"]': "other than objects",
    "[{}, [1]]": "other than objects",
    "[{}]]": "other than objects",
    '[{}]\n{"event_id": "1"}': "other than objects",
    "[{}, {}": "not closed (cut off after record 2?)",
    '[{}, {"a": "]': "not closed (cut off after record 1?)",
    "[\n": "not closed (cut off after record 0?)",
}


@pytest.mark.parametrize("text", BROKEN)
def test_an_array_that_cannot_be_told_apart_is_one_record(tmp_path: Path, text: str) -> None:
    home = make_home(tmp_path / "home", CANONICAL)
    drop(home, "g/a.json", text)
    drop(home, "g/b.jsonl", [event("1")])
    summary = land(home)
    assert (summary.records_read, summary.accepted, summary.quarantined) == (2, 1, 1)
    [record] = quarantined(home)
    assert (record["file"], record["line"]) == ("a.json", None)
    assert record["reason"].startswith("the file cannot be read: a JSON array")
    assert BROKEN[text] in record["reason"]
    if "objects" in BROKEN[text]:
        assert "jq -c '.[]'" in record["reason"]
    drop(home, "g/a.json", json.dumps([event("2")]))
    assert land(home).accepted == 1


@pytest.mark.parametrize("first", ['["event_id"]', "[2024-03-01] started", "[1, 2]", "[", "{}"])
def test_lines_that_begin_with_a_bracket_stay_lines(tmp_path: Path, first: str) -> None:
    home = make_home(tmp_path / "home", CANONICAL)
    drop(home, "g/a.jsonl", [first, event("1")] if first != "[" else ["[x", event("1")])
    summary = land(home)
    assert (summary.accepted, summary.quarantined) == (1, 1)
    assert [q["line"] for q in quarantined(home)] == [1]
    assert not begins_array(b"")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.sampled_from('a"\\{}[],: \u00e9\n'), max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(st.sampled_from('k"\\{['), max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(
    records=st.lists(st.dictionaries(st.sampled_from(["a", 'b"', "\\"]), JSON, max_size=3), max_size=6),
    indent=st.sampled_from([None, 1]),
    escaped=st.sampled_from(["ascii", "utf-8"]),
    chunk=st.sampled_from([1, 2, 7, 64, 1 << 20]),
)
def test_any_records_in_chunks_of_any_size(
    tmp_path_factory: pytest.TempPathFactory, records: list[Row], indent: int | None, escaped: str, chunk: int
) -> None:
    path = tmp_path_factory.mktemp("array") / "a.json"
    path.write_text(json.dumps(records, indent=indent, ensure_ascii=escaped == "ascii"), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "_CHUNK", chunk)
        reader = LineReader(path)
        got = [pair for batch in reader for pair in zip(*batch.to_pydict().values(), strict=True)]
    assert [json.loads(raw) for _, raw in got] == records
    assert [n for n, _ in got] == list(range(1, len(records) + 1))
    assert reader.count() == len(records)
