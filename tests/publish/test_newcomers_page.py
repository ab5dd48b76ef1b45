"""The card of newcomers: ten from the top, with reasons in figures, for trust and safety alone."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import duckdb

from pipelines.home import Home
from pipelines.publish.site import build_site
from pipelines.settings import Settings
from tests.publish.reading import read, table

if TYPE_CHECKING:
    from pathlib import Path

REASON = {
    "code": "began_together", "text": "Other accounts with the same <b>network", "value": 4.0, "unit": "accounts",
    "own_baseline": None, "peer_percentile": None,
}  # fmt: skip


def test_without_newcomers_there_is_no_card(site: Path) -> None:
    assert not read(site / "trust-safety" / "index.html").xpath("//*[@id='newcomers']")


def test_the_ten_highest_are_shown_with_their_reasons(published: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(published, tmp_path / "p")
    with duckdb.connect() as con:
        con.execute(f"create table newcomers as from '{folder}/newcomers.parquet'")
        for n in range(12):
            con.execute(
                """insert into newcomers by name select ? as rank, ? as organization_id,
                date '2026-05-20' as first_seen, 'trial' as programme,
                300 as requests, 4500 as output_tokens, 12 - ? as risk, 1.5 as ties_risk,
                30 as compared_with, ? as reasons""",
                [12 - n, f"<i>org-{12 - n}", n, json.dumps([REASON] * 4 if n == 11 else [])],
            )
        con.execute(f"copy newcomers to '{folder}/newcomers.parquet'")
    home = Home(tmp_path / "home")
    build_site(folder, home, Settings())
    for audience in ("finance", "platform", "organizations"):
        assert not any('id="newcomers"' in p.read_text() for p in (home.site / audience).rglob("*.html"))
    page = read(home.site / "trust-safety" / "index.html")
    rows = table(page, "newcomers-table")
    shown = [" | ".join(str(cell) for cell in (row.values() if isinstance(row, dict) else row)) for row in rows]
    assert len(shown) == 10
    assert "<i>org-1 " in shown[0]
    assert shown[0].count("same <b>network (4 accounts)") == 2 * 3  # what is shown and what is sorted by
    text = " ".join(page.get_element_by_id("newcomers").text_content().split())
    assert "12 newcomers of the last two weeks" in text
    assert "the other 2 are in" in text
    assert "no quota" in text
    assert "30 newcomers of the watch's window" in text
