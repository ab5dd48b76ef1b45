"""The daily mart of regions and models: counted by hand, and equal to the other marts on a whole run."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pytest

from tests.conftest import ask
from tests.rating.models import sql_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipelines.home import Home
    from pipelines.run import RunSummary

MODELS = Path(__file__).resolve().parents[2] / "dbt_project" / "models" / "marts" / "watch"


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as con:
        con.execute(
            """
            create schema run;
            create table run.touched_days as select date '2024-05-01' as usage_date;
            create table run.settings as select 'USD' as reporting_currency;
            create table ratings (rating_id integer, region varchar, model varchar, base_model varchar,
                revenue_currency varchar, cost_currency varchar);
            insert into ratings values
                (1, 'eu', 'm', '', 'EUR', null), (2, '', 'm', null, 'EUR', null), (3, 'eu', 'ft:m', 'm', 'EUR', null),
                (4, 'eu', 'm', null, 'USD', null), (5, 'eu', 'n', null, null, null);
            create table rated_amounts (usage_date date, organization_id varchar, rating_id integer, status integer,
                output_tokens bigint, audio_output_tokens bigint default 0, image_output_tokens bigint default 0,
                revenue_amount decimal(38, 18));
            insert into rated_amounts by name
            select unnest(range(3))::integer as n, date '2024-05-01' as usage_date, 'acme' as organization_id,
                1 as rating_id, 200 as status, 5 as output_tokens, 1 as audio_output_tokens,
                2 as image_output_tokens, 0.5 as revenue_amount""".replace("unnest(range(3))::integer as n, ", "")
        )
        yield con


def add(con: duckdb.DuckDBPyConnection, rating: int, *, status: int | None = 200, amount: str = "0.5", **given: str):
    con.execute(f"""
        insert into rated_amounts by name
        select date '{given.get("day", "2024-05-01")}' as usage_date, '{given.get("who", "acme")}' as organization_id,
            {rating} as rating_id, {status or "null"}::integer as status, 5 as output_tokens,
            {amount}::decimal(38, 18) as revenue_amount""")


def rows(con: duckdb.DuckDBPyConnection) -> list[tuple]:
    return con.execute(f"from ({sql_of('activity_places_daily')}) order by all").fetchall()


def test_a_row_each_region_and_model(con: duckdb.DuckDBPyConnection) -> None:
    add(con, 1, status=429, amount="null")
    add(con, 1, status=None)
    add(con, 2)
    add(con, 3)
    add(con, 5, amount="null")
    add(con, 1, day="2024-05-02")
    found = [row[2:] for row in rows(con)]
    assert found == [
        ("eu", "ft:m", "m", 1, 0, 5, "EUR", Decimal("0.5")),
        ("eu", "m", None, 3, 1, 8 + 5 + 5, "EUR", Decimal("1.0")),
        ("eu", "n", None, 1, 0, 5, None, None),
        (None, "m", None, 1, 0, 5, "EUR", Decimal("0.5")),
    ]


def test_currencies_that_meet_are_not_added_up(con: duckdb.DuckDBPyConnection) -> None:
    add(con, 4)
    assert [row[2:] for row in rows(con)] == [("eu", "m", None, 2, 0, 13, None, None)]


def test_contract_lists_the_columns_in_order(con: duckdb.DuckDBPyConnection) -> None:
    made = [r[0] for r in con.execute(f"describe {sql_of('activity_places_daily')}").fetchall()]
    text = (MODELS / "activity_places_daily.yml").read_text().split("    columns:")[1]
    assert [line.split("name: ")[1] for line in text.splitlines() if "- name: " in line] == made


def test_it_adds_up_to_the_days_of_organisations(finished: tuple[Home, RunSummary]) -> None:
    places = """select usage_date, organization_id, sum(requests), sum(failed), sum(output_tokens), sum(revenue_amount)
        from marts.activity_places_daily group by all"""
    days = "select usage_date, organization_id, requests, failed, output_tokens, revenue_amount"
    assert ask(finished[0], f"({places}) except ({days} from marts.activity_daily)") == []
    assert ask(finished[0], f"({days} from marts.activity_daily) except ({places})") == []
    assert ask(finished[0], "select count(*) from marts.activity_places_daily") > [(0,)]
