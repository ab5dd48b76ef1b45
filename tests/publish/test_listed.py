"""Charged beside listed where days do not tell enough (call fees, a moved alias), and what is no price of tokens."""

from __future__ import annotations

import shutil
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import duckdb

from dashboards import tables, tiles
from dashboards.pages import models
from pipelines.home import Home
from pipelines.publish.facts import load_facts
from pipelines.settings import Settings
from tests.publish.fixture import change_rated

if TYPE_CHECKING:
    from pathlib import Path

    from dashboards.page import Tile
    from pipelines.publish.facts import Facts

HIT = "hash(event_id) % 3 = 0"
SWITCH = "2026-05-01"


def read_facts(folder: Path, tmp_path: Path) -> Facts:
    return load_facts(folder, Home(tmp_path / "home"), Settings())


def listed(facts: Facts, family: str, tier: str = "base") -> dict[str, Any]:
    (row,) = [r for r in facts.list_value if (r["family"], r["model_tier"]) == (family, tier)]
    return row


def test_call_fees_are_for_calls_that_the_gateway_did_not_answer(published: Path, tmp_path: Path) -> None:
    fee = f"case when status < 400 and not ({HIT}) and model = 'gpt-4o-mini' then 0.001 else 0 end"
    folder = change_rated(
        published,
        tmp_path / "p",
        f"""select * replace ((revenue_amount + {fee})::decimal(38, 18) as revenue_amount) from t
        where model <> 'gpt-4o-mini' or service_tier = 'standard'""",
    )
    with duckdb.connect() as con:
        con.execute(f"create table r as from '{folder}/price_rates.parquet'")
        con.execute("update r set price_requests = 0.001 where model = 'gpt-4o-mini'")
        con.execute(f"copy r to '{folder}/price_rates.parquet'")
        con.execute(f"create table e as from read_parquet('{folder}/usage_events/*/*.parquet')")
        shutil.rmtree(folder / "usage_events")
        con.execute(
            f"""copy (select * replace ({HIT} as gateway_cache_hit) from e) to '{folder}/usage_events'
            (format parquet, partition_by (usage_date), write_partition_columns true)"""
        )
    row = listed(read_facts(folder, tmp_path), "gpt-4o-mini")
    assert row["list_value"] == row["revenue"] > 0


def test_an_alias_that_moved_is_listed_as_each_request_was_priced(published: Path, tmp_path: Path) -> None:
    """`chat` is gpt-4o before the switch and gpt-4o-mini after it; both are charged at list."""
    folder = change_rated(
        published,
        tmp_path / "p",
        f"""select * replace (
            case
                when model = 'gpt-4o' and charge_date < '{SWITCH}' then 'chat'
                when model = 'gpt-4o-mini' and charge_date >= '{SWITCH}' then 'chat'
                else model
            end as model
        ) from t where service_tier = 'standard'""",
    )
    with duckdb.connect() as con:
        con.execute(f"create table r as from '{folder}/price_rates.parquet'")
        con.execute(
            f"""copy (
                from r union all by name
                select * replace (
                    rate_id || 'a' as rate_id, 'chat' as model,
                    case when priced_as = 'gpt-4o' then valid_from else timestamp '{SWITCH}' end as valid_from,
                    case when priced_as = 'gpt-4o' then timestamp '{SWITCH}' else valid_to end as valid_to
                ) from r where model in ('gpt-4o', 'gpt-4o-mini') and model_tier = 'base'
            ) to '{folder}/price_rates.parquet'"""
        )
        tokens = con.execute(
            f"select sum(total_tokens)::bigint from '{folder}/spend_daily.parquet' where model = 'chat'"
        ).fetchone()
    facts = read_facts(folder, tmp_path)
    row = listed(facts, "chat")
    assert row["list_value"] == row["revenue"] > 0
    assert (row["tokens"],) == tokens
    assert row["input_rate"] == Decimal("0.00000015")  # of the model it stands for now
    (card,) = [c for c in models.page(facts, "platform").context["cards"] if c.id == "effective"]
    assert "chat: an alias that moved" in card.how


def test_hours_and_calls_are_known_beside_tokens(published: Path, facts: Facts) -> None:
    with duckdb.connect() as con:
        wanted = con.execute(
            f"""select sum(case service_tier when 'batch' then 0.5 else 1 end::decimal(2, 1)
                * (hosting_hours * 1.7 + web_search_calls * 0.025))
            from read_parquet('{published}/rated_usage/*/*.parquet')"""
        ).fetchone()
    assert (facts.total["beside"],) == wanted
    assert 0 < facts.total["beside"] * 2 < facts.total["revenue"]
    assert tables.effective_price(facts.total) is not None


def test_the_tile_has_no_price_of_tokens_and_no_change_of_it(facts: Facts) -> None:

    def tile(row: dict[str, Any]) -> Tile:
        assert facts.daily is not None
        (made,) = [t for t in tiles.tiles(facts, "finance", row, facts.daily) if t.term == "effective-price"]
        return made

    assert tile(facts.total).delta
    hours = tile({**facts.total, "beside": facts.total["revenue"]})
    assert (hours.value, hours.delta) == ("\u2013", "")
    assert hours.note == "most of the amount is for hours and calls"
    before = tile({**facts.total, "prior_beside": facts.total["prior_revenue"]})
    assert (before.value, before.delta, before.note) == (tile(facts.total).value, "", "")


def test_there_is_no_price_of_tokens_where_hours_make_most_of_the_amount() -> None:
    row = {"revenue": Decimal(10), "beside": Decimal(5), "priced_tokens": 2_000_000}
    assert tables.effective_price(row) == Decimal(5)
    assert tables.effective_price({**row, "beside": Decimal(6)}) is None
    assert tables.effective_price({**row, "beside": None}) == Decimal(5)
