"""Sentences that name a day, a number or a member: case pages, findings, tiles."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from dashboards import findings
from pipelines.publish import numbers
from pipelines.watch.reasons import _unexplained
from tests.publish.reading import read, table

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.publish.facts import Facts


def scored(**tails: float) -> dict[str, Any]:
    """A judged organisation-day, its spans as rare as given."""
    row: dict[str, Any] = {"usage_date": date(2024, 10, 9), "usual_output": 100.0}
    for days in (1, 7, 28):
        row |= {f"unexplained_{days}": 5_000, f"share_{days}": 0.83, f"tail_tokens_{days}": tails.get(f"of_{days}")}
    return row


def test_unexplained_output_names_its_day() -> None:
    reason = _unexplained(scored(of_1=0.001, of_7=0.1))
    assert reason["text"].startswith("Output on 2024-10-09 that neither")
    assert "83 % of all its output that day" in reason["text"]
    assert reason["unit"] == "output tokens on that day"


def test_unexplained_output_names_its_span() -> None:
    reason = _unexplained(scored(of_1=0.1, of_7=0.001))
    assert reason["text"].startswith("Output from 2024-10-03 to 2024-10-09 that neither")
    assert reason["unit"] == "output tokens in those 7 days"


def test_case_page_counts_members_as_it_lists_them(site: Path) -> None:
    page = read(site / "trust-safety/cases/case-001a1.html")
    title = page.xpath("string(//h2[@id='h-linked'])")
    rows = table(page, "linked-table")
    assert title == f"{len(rows)} organisations in this case: org-heron-014 and {len(rows) - 1} linked"
    assert len(rows) == 2


def test_case_page_speaks_of_linked_organizations_only_where_there_are_some(site: Path) -> None:
    step = "Review the linked organisations"
    assert step in read(site / "trust-safety/cases/case-001a1.html").text_content()
    alone = read(site / "trust-safety/cases/case-002a1.html").text_content()
    assert step not in alone
    assert "1 point that speaks against it" in alone


def test_peer_percentiles_are_written_alike(site: Path) -> None:
    page = read(site / "trust-safety/cases/case-001a1.html")
    shown = [
        r["peer percentile"]
        for name in ("reasons-table", "days-table")
        for r in table(page, name)
        if r["peer percentile"]
    ]
    assert shown
    assert all(s.replace(".", "", 1).isdigit() and s.partition(".")[2] for s in shown)
    assert numbers.percentile(Decimal("98")) == "98.0"


def test_no_codes_on_case_pages(site: Path) -> None:
    text = read(site / "trust-safety/cases/case-001a1.html").text_content()
    for code in ("fresh_output", "flat_day", "known_keys", "own_baseline"):
        assert code not in text


@pytest.mark.parametrize("audience", ["finance", "platform"])
def test_last_word_of_a_delta_is_not_left_alone(site: Path, audience: str) -> None:
    deltas = read(site / audience / "index.html").xpath("//p[starts-with(@class, 'd ')]")
    assert deltas
    for delta in deltas:
        assert delta.text_content().endswith("\u00a0prior\u00a028\u00a0d")


def test_revenue_without_a_base_is_said_in_words(facts: Facts) -> None:
    assert facts.change is not None
    nothing = replace(facts.change, before=Decimal(0))
    text = findings.revenue(replace(facts, change=nothing))
    assert text.endswith("in 28 days, none in the 28 before")
    assert "new over" not in text


def test_the_three_largest_of_a_few_are_not_a_finding(facts: Facts) -> None:
    text = findings.concentration(facts, facts.organizations[:4], "revenue", "organisations")
    assert text.startswith("The largest of 4 organisations brings ")
    assert findings.concentration(facts, facts.organizations, "revenue", "organisations").startswith("Three of 40 ")
