"""What a row of the rates may say: the price of one unit of one model on one card.

Terms, aliases and the other tables belong in their own `check_*.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.landing.contract import MODEL_TIERS, SERVICE_TIERS
from pipelines.pricing.findings import Finding, ask
from pipelines.pricing.rules import (
    Rule,
    bounded,
    choice,
    currency,
    lifetime,
    meet,
    optional_text,
    overlap,
    price_block,
    same_start,
    text,
)
from pipelines.pricing.tables import RATES
from pipelines.pricing.units import UNITS
from pipelines.sql import literal

if TYPE_CHECKING:
    import duckdb

_WHOLE = Rule(
    "context_from",
    r"not regexp_full_match(context_from, '\d{1,18}')",
    "'''' || context_from || ''' is not a whole number of tokens'",
)

RULES: tuple[Rule, ...] = (
    text("card"),
    text("provider"),
    text("model"),
    Rule(
        "model",
        "model like 'ft:%'",
        "'model ' || model || ' is tuned; name its base model, with model_tier fine_tuned'",
    ),
    choice("model_tier", MODEL_TIERS),
    choice("service_tier", SERVICE_TIERS),
    optional_text("region"),
    choice("unit", UNITS),
    *price_block(),
    currency("currency"),
    _WHOLE,
    # Hours of GPUs are a day's, not a request's: they have neither a tier nor a length.
    *(
        Rule(field, f"unit = 'gpu_hour' and {field} <> {literal(only)}", f"'{field} of unit gpu_hour must be {said}'")
        for field, only, said in (
            ("service_tier", "standard", "standard"),
            ("region", "", "empty"),
            ("context_from", "0", "0"),
        )
    ),
    *lifetime(checked=True),
)

_KEY = ", ".join(RATES.key)
_MODEL = ("card", "provider", "model", "model_tier", "service_tier", "region")

# A request is rated in one currency: two at a time for one model would charge it twice.
_TWO_CURRENCIES = f"""
    with mixed as (
        select {", ".join(_MODEL)} from rates_bounded group by all having count(distinct currency) > 1
    )
    select ours.file, ours.line, 'currency' as field,
        ours.currency || ' overlaps in time with ' || other.currency || ' of the same card, model, tiers and region '
        || 'on line ' || other.line || ' of ' || other.file as cause
    from rates_bounded as ours
    inner join mixed using ({", ".join(_MODEL)})
    inner join rates_bounded as other using ({", ".join(_MODEL)})
    where ours.currency > other.currency and {meet("ours", "other")}
    qualify row_number() over (partition by ours.file, ours.line order by other.file, other.line) = 1
"""


def prepare(con: duckdb.DuckDBPyConnection) -> None:
    """Make the table rates_bounded that the questions below are asked of."""
    con.execute(f"create or replace temp table rates_bounded as {bounded(RATES.key, 'rates_typed')}")


def errors(con: duckdb.DuckDBPyConnection) -> list[Finding]:
    """What is wrong between rows, each of which is right by itself."""
    found = ask(con, "error", same_start(RATES.key, "rates_typed", "the same price key"))
    return found or ask(con, "error", overlap("rates_bounded")) or ask(con, "error", _TWO_CURRENCIES)


def warnings(con: duckdb.DuckDBPyConnection) -> list[Finding]:
    """Prices that are possible and usually a slip of the pen."""
    way_out = "Compare both rows with the price list; if it really says so, nothing is to be done."
    tuned = _dearer("base", "fine_tuned", "model_tier", "the base model costs more than its tuned form")
    batch = _dearer("batch", "standard", "service_tier", "batch costs more than standard")
    return ask(con, "warning", tuned, way_out) + ask(con, "warning", batch, way_out)


def _dearer(cheap: str, dear: str, column: str, cause: str) -> str:
    """Rows with `column` = `cheap` dearer at some time than their `dear` counterpart."""
    equal = " and ".join(f"ours.{c} = other.{c}" for c in RATES.key if c != column)
    return f"""
        select ours.file, ours.line, 'price' as field,
            {literal(cause)} || ' (' || ours.price || ' against ' || other.price || ', line '
            || other.line || ' of ' || other.file || ')' as cause
        from rates_bounded as ours
        inner join rates_bounded as other on {equal}
        where ours.{column} = {literal(cheap)} and other.{column} = {literal(dear)}
            and ours.price * (1000000 // ours.per) > other.price * (1000000 // other.per)
            and {meet("ours", "other")}
    """
