"""A home whose warehouse was built without dbt from a small world: enough for the commands that only read it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines import warehouse
from pipelines.home import Home
from pipelines.landing.contract import COLUMNS
from pipelines.landing.manifest import Commit, write_commit
from pipelines.pricing.tables import ALIASES, EXCHANGE_RATES, RATES, SERVING_HOURS, TERMS
from tests.pricing.price_books import write_rows
from tests.rating.case import filled

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

    from tests.rating.case import Case

# The version of the price tables that such a home was built with. The true one takes most of a second to make.
DIGEST = "0123456789abcdef" * 4
# Schema → models as the commands name them; the others are built along.
SCHEMAS = {
    "marts": (
        "price_rows", "price_rate_units", "price_rates", "ratings", "rated_usage", "monthly_bands", "spend_daily",
        "spread_days",
    ),
    "published": ("tuned_models", "spend_reported"),
}  # fmt: skip


def place_in_schemas(con: duckdb.DuckDBPyConnection) -> None:
    """What the harness builds side by side, under the names that dbt gives it."""
    con.execute("create schema if not exists rating")
    con.execute("create or replace table rating.model_aliases as select * from main.model_aliases")
    for schema, models in SCHEMAS.items():
        con.execute(f"create schema if not exists {schema}")
        for model in models:
            con.execute(f"create or replace table {schema}.{model} as select * from main.{model}")
    con.execute("create or replace table published.rated_usage as select * from main.rated_usage_published")


def build_home(root: Path, case: Case) -> Home:
    """The world as a home: event files with a manifest, its price tables, and the warehouse made from them."""
    home = Home(root)
    for table, rows in (
        (RATES, case.rates), (ALIASES, case.aliases), (TERMS, case.terms), (EXCHANGE_RATES, case.exchange_rates),
        (SERVING_HOURS, case.serving_hours),
    ):  # fmt: skip
        write_rows(home.prices / table.folder / "own.csv", table, [filled(table, row) for row in rows])
    with warehouse.connect(home) as con:
        case.con = con
        case.rate(*(model for models in SCHEMAS.values() for model in models), "rated_usage_published")
        con.execute("update run.settings set price_book_digest = ?", [DIGEST])
        con.execute("create table run.state as select 1::bigint as commits")
        place_in_schemas(con)
        days = [day for (day,) in con.execute("select usage_date::varchar from run.touched_days order by 1").fetchall()]
        names = ", ".join(c.name for c in COLUMNS)
        for day in days:
            (home.events / day).mkdir(parents=True)
            con.execute(f"""
                copy (select {names} from landed where occurred_at::date = '{day}')
                to '{home.events / day / "1.parquet"}' (format parquet)""")
        files = {day: f"events/{day}/1.parquet" for day in days}
        write_commit(home, Commit(1, "c1", "2024-01-01T00:00:00", files=[], events=files, touched_days=days))
    return home
