"""The card of usage that suspensions and licences do not allow."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import duckdb

from pipelines.home import Home
from pipelines.publish import facts as read
from pipelines.publish.site import build_site
from pipelines.settings import Settings
from tests.publish.reading import read as page_of
from tests.publish.reading import table

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from lxml import html

FLAG = """
    select '{id}' as flag_id, '{name}' as organization_id, 'usage_after_suspension' as rule,
        timestamp '2026-05-01 10:30:00' as since, date '2026-05-02' as first_seen, date '2026-05-{day}' as last_seen,
        12::bigint as requests, 3::bigint as refused_requests, 4500::bigint as output_tokens,
        {currency}::varchar as billing_currency, {amount}::decimal(38, 18) as revenue_amount, ['m'] as models,
        []::varchar[] as regions, 'suspended from <b>then</b>' as detail"""
TWO = " union all ".join(
    FLAG.format(id=name, name=name, day=day, currency=currency, amount=amount)
    for name, day, currency, amount in (("org-a", 10, "'EUR'", "1.25"), ("<i>org-b", 11, "null", "null"))
)


def made(published: Path, place: Path, listed: str = "", **summary: int) -> html.HtmlElement:
    """The queue's page with these flags and this summary."""
    folder = shutil.copytree(published, place / "p")
    told = {"organizations": 0, "flags": 0, "flagged_organizations": 0, "unknown_region_requests": 0,
            "begun_hour_requests": 0, "faults": 0, **summary}  # fmt: skip
    with duckdb.connect() as con:
        columns = ", ".join(f"{value}::bigint as {name}" for name, value in told.items())
        con.execute(f"copy (select {columns}) to '{folder}/enforcement_summary.parquet'")
        if listed:
            con.execute(f"copy ({listed}) to '{folder}/enforcement_flags.parquet'")
    home = Home(place / "home")
    build_site(folder, home, Settings())
    for audience in ("finance", "platform", "organizations"):
        assert not any('id="enforcement"' in p.read_text() for p in (home.site / audience).rglob("*.html"))
    return page_of(home.site / "trust-safety" / "index.html")


def text(page: html.HtmlElement) -> str:
    return " ".join(page.get_element_by_id("enforcement").text_content().split())


def test_without_facts_there_is_no_card(site: Path) -> None:
    assert not page_of(site / "trust-safety" / "index.html").xpath("//*[@id='enforcement']")


def test_flags_are_listed_with_figures_and_what_is_not_known(published: Path, tmp_path: Path) -> None:
    page = made(
        published, tmp_path, TWO, organizations=7, flags=2, flagged_organizations=2, unknown_region_requests=1_234,
        begun_hour_requests=1, faults=2,
    )  # fmt: skip
    rows = table(page, "enforcement-table")
    shown = [" | ".join(str(cell) for cell in (row.values() if isinstance(row, dict) else row)) for row in rows]
    assert len(shown) == 2
    assert "<i>org-b" in shown[0]
    assert "not priced" in shown[0]
    assert "usage after suspension" in shown[1]
    assert "suspended from <b>then</b>" in shown[1]
    assert "\u20ac1.25" in shown[1]
    said = text(page)
    assert "2 flags on 2 organisations: usage after a suspension or outside a licence" in said
    assert "1,234 requests of organisations whose licence limits regions name no region" in said
    assert "1 request fell into the hour in which a suspension began and does not count" in said
    assert "2 rows or files of facts are faulty" in said
    assert "Held against the facts of 7 organisations" in said


def test_facts_that_allow_everything_are_said_to(published: Path, tmp_path: Path) -> None:
    said = text(made(published, tmp_path, organizations=1))
    assert "No usage after a suspension or outside a licence" in said
    assert "None, as far as the facts about organisations tell." in said


def test_a_file_that_did_not_count_is_told(published: Path, tmp_path: Path) -> None:
    said = text(made(published, tmp_path, faults=1))
    assert "1 row or file of facts is faulty" in said
    assert "No fact about an organisation to hold usage against" in said
    assert "No usage after" not in said


def test_many_flags_are_bounded_on_the_page(published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read, "MAX_ENFORCEMENT", 1)
    page = made(published, tmp_path, TWO, organizations=2, flags=2, flagged_organizations=2)
    assert len(table(page, "enforcement-table")) == 1
    assert "The latest 1; the other 1 are in enforcement_flags" in text(page)
