"""A site whose totals do not agree is never published."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import duckdb
import pytest

from pipelines.errors import MeterhouseError
from pipelines.home import Home
from pipelines.publish import site as site_module
from pipelines.publish.ledger import KEYS, gaps, require_equal, stages
from pipelines.publish.site import build_site
from pipelines.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.publish.facts import Facts

LARGEST = "rowid = (select rowid from t where revenue_amount is not null order by hosting_hours desc, rowid limit 1)"


def snapshot(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize(
    ("change", "key"),
    [
        (f"delete from t where {LARGEST}", "requests"),
        (f"update t set total_tokens = total_tokens + 1 where {LARGEST}", "tokens"),
        (f"update t set hosting_hours = hosting_hours - 0.000001 where {LARGEST}", "meters"),
        (f"update t set revenue_amount = revenue_amount + 0.000000000000000001 where {LARGEST}", "revenue"),
        (f"update t set cost_amount = cost_amount - 0.000000000000000001 where {LARGEST}", "cost"),
        (f"update t set billing_currency = 'EUR' where {LARGEST}", "revenue"),
    ],
)
def test_gap_stops_the_site_and_leaves_the_old_one(published: Path, tmp_path: Path, change: str, key: str) -> None:
    home = Home(tmp_path / "home")
    build_site(published, home, Settings())
    before = snapshot(home.site)
    broken = tmp_path / "published"
    shutil.copytree(published, broken)
    with duckdb.connect() as con:
        con.execute(f"create table t as from '{broken / 'spend_daily.parquet'}'")
        con.execute(change)
        con.execute(f"copy t to '{broken / 'spend_daily.parquet'}' (format parquet)")
    with pytest.raises(MeterhouseError, match=f"would not show what was metered.* {key}, ") as error:
        build_site(broken, home, Settings())
    assert "Daily spend" in str(error.value)
    assert snapshot(home.site) == before


def test_gap_between_marts_and_a_page_stops_the_site(
    published: Path, facts: Facts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = replace(facts, organizations=facts.organizations[1:])
    monkeypatch.setattr(site_module, "load_facts", lambda *_: lost)
    home = Home(tmp_path / "home")
    with pytest.raises(MeterhouseError, match="Page: organisations, all rows"):
        build_site(published, home, Settings())
    assert not home.site.exists()


def test_every_stage_has_every_figure_it_can_have(facts: Facts, published: Path) -> None:
    require_equal(facts, published)
    made = stages(facts)
    assert len(made) == 6
    assert [set(KEYS) - set(stage) for stage in made] == [set()] * 5 + [{"meters"}]
    assert made[0]["meters"] > 0
    assert all(not gaps(stage, made[0]) for stage in made)
