"""What a row of the exchange rates may say: what one unit of a currency is worth in another, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.pricing.findings import Finding, ask
from pipelines.pricing.rules import Rule, bounded, currency, decimal, lifetime, not_negative, overlap, same_start
from pipelines.pricing.tables import EXCHANGE_RATES

if TYPE_CHECKING:
    import duckdb

RULES: tuple[Rule, ...] = (
    currency("from_currency"),
    currency("to_currency"),
    Rule("to_currency", "from_currency = to_currency", "'both currencies are ' || to_currency"),
    not_negative("rate"),
    decimal("rate", 12, 6),
    Rule("rate", "try_cast(rate as decimal(18, 6)) = 0", "'the rate is 0'"),
    *lifetime(checked=True),
)


def prepare(con: duckdb.DuckDBPyConnection) -> None:
    """Make the table exchange_rates_bounded that the questions below are asked of."""
    con.execute(
        "create or replace temp table exchange_rates_bounded as " + bounded(EXCHANGE_RATES.key, "exchange_rates_typed")
    )


def errors(con: duckdb.DuckDBPyConnection) -> list[Finding]:
    """What is wrong between rows, each of which is right by itself."""
    found = ask(con, "error", same_start(EXCHANGE_RATES.key, "exchange_rates_typed", "the same pair of currencies"))
    return found or ask(con, "error", overlap("exchange_rates_bounded"))


def warnings(con: duckdb.DuckDBPyConnection) -> list[Finding]:  # noqa: ARG001 - the shape of every table's check
    """Nothing is merely odd."""
    return []
