"""Margin where one side is not known: by day, in the tile, and beside revenue and cost of a month."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

import duckdb

from dashboards import tiles
from dashboards.pages import overview
from dashboards.svg import spark
from pipelines.home import Home
from pipelines.publish.facts import load_facts
from pipelines.settings import Settings
from tests.publish.fixture import change_rated

if TYPE_CHECKING:
    from pathlib import Path

    from dashboards.page import Tile
    from pipelines.publish.facts import Facts


def margin_tile(facts: Facts) -> Tile:
    assert facts.daily is not None
    (tile,) = [t for t in tiles.tiles(facts, "finance", facts.total, facts.daily) if t.label == "Margin"]
    return tile


def with_cost(published: Path, tmp_path: Path, condition: str) -> tuple[Path, Facts]:
    """A copy in which requests have a cost only where `condition` holds."""
    folder = change_rated(
        published,
        tmp_path / "p",
        f"select * replace (case when {condition} then cost_amount end as cost_amount) from t",
    )
    return folder, load_facts(folder, Home(tmp_path / "home"), Settings())


def test_daily_margin_is_of_requests_with_both_sides(published: Path, tmp_path: Path) -> None:
    folder, facts = with_cost(published, tmp_path, "charge_date <> '2026-04-10' and model <> 'gpt-4o'")
    assert facts.period is not None
    assert facts.daily is not None
    by_day = dict(zip(facts.period.days, facts.daily.margin, strict=True))
    with duckdb.connect() as con:
        wanted = con.execute(
            f"""select charge_date, sum(revenue_amount - cost_amount)::decimal(38, 18)
            from read_parquet('{folder}/rated_usage/*/*.parquet') group by all"""
        ).fetchall()
    assert by_day == dict(wanted)
    assert [day.isoformat() for day, margin in by_day.items() if margin is None] == ["2026-04-10"]
    assert str(margin_tile(facts).spark).count("z") == 2  # two stretches, a gap between them


def test_no_margin_is_drawn_where_none_is_known(published: Path, tmp_path: Path) -> None:
    _, facts = with_cost(published, tmp_path, "false")
    tile = margin_tile(facts)
    assert tile.value == "not priced"
    assert not tile.spark


def test_a_day_between_gaps_is_seen() -> None:
    line = str(spark([Decimal(1), None, Decimal(2), None, Decimal(1), Decimal(2)]))
    assert line.count("h2") == 4  # two days alone, each in the area and in the line
    assert spark([None, None]) == ""


def test_months_say_where_margin_is_not_the_difference(facts: Facts) -> None:
    assert "not revenue less cost" not in overview.months_card(facts, "finance").how
    months = [{**month, "cost": month["cost"] + Decimal("0.01")} for month in facts.months]
    one_sided = replace(facts, months=months)
    assert "not revenue less cost" in overview.months_card(one_sided, "finance").how
    assert "argin" not in overview.months_card(one_sided, "trust-safety").how
