"""What a row of the serving hours may say: how many hours of GPUs served a model on a day."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.landing.contract import MODEL_TIERS
from pipelines.pricing.findings import Finding, ask
from pipelines.pricing.rules import FOREVER, Rule, base_model, choice, day, decimal, not_negative, text
from pipelines.pricing.tables import SERVING_HOURS

if TYPE_CHECKING:
    import duckdb

RULES: tuple[Rule, ...] = (
    day("usage_date", optional=False),
    text("provider"),
    text("model"),
    base_model("model"),
    choice("model_tier", MODEL_TIERS),
    not_negative("gpu_hours"),
    decimal("gpu_hours", 12, 6),
    text("source"),
    day("checked_on", optional=True),
)

_TWICE = f"""
    select file, line, 'usage_date' as field,
        'the hours of this day and model are given twice, here and on line ' || first_line || ' of ' || first_file
            as cause
    from (
        select
            file, line,
            first(file) over same_day as first_file,
            first(line) over same_day as first_line,
            row_number() over same_day as place
        from serving_hours_typed
        window same_day as (partition by {", ".join(SERVING_HOURS.key)} order by file, line)
    ) as placed
    where place > 1
"""

_NO_RATE = f"""
    select hours.file, hours.line, 'model' as field,
        'no card has a gpu_hour rate for ' || hours.provider || ' ' || hours.model || ' ' || hours.model_tier
        || ' on ' || hours.usage_date as cause
    from serving_hours_typed as hours
    anti join rates_bounded as rates
        on
            rates.unit = 'gpu_hour'
            and hours.provider = rates.provider
            and hours.model = rates.model
            and hours.model_tier = rates.model_tier
            and hours.usage_date >= rates.valid_from
            and hours.usage_date < coalesce(rates.ends_at, {FOREVER})
"""


def prepare(con: duckdb.DuckDBPyConnection) -> None:
    """Nothing is needed: rows of this table have a day, and no end."""


def errors(con: duckdb.DuckDBPyConnection) -> list[Finding]:
    """What is wrong between rows, each of which is right by itself."""
    return ask(con, "error", _TWICE, "Add the hours up in one row and run again.")


def warnings(con: duckdb.DuckDBPyConnection) -> list[Finding]:
    """Hours that cost nothing, because no card says what an hour costs."""
    return ask(con, "warning", _NO_RATE, "Add a row with unit gpu_hour to the card of the cost side.")
