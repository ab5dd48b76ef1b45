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

# Only the general card of the cost side prices hours of GPUs. Hours that are filed under an alias are those of its
# model, until the alias has a rate of its own on that card.
_NO_RATE = f"""
    with own as (
        select provider, model, min(valid_from) as own_from
        from rates_bounded
        where card = getvariable('cost_card')
        group by all
    ),
    named as (
        select
            hours.*,
            case when own_from is null or own_from > usage_date then coalesce(stood.model, hours.model)
                else hours.model end as priced_as
        from serving_hours_typed as hours
        left join own on hours.provider = own.provider and hours.model = own.model
        left join aliases_bounded as stood
            on hours.provider = stood.provider and hours.model = stood.alias
                and hours.usage_date >= stood.valid_from
                and hours.usage_date < coalesce(stood.ends_at, {FOREVER})
    ),
    priced as (
        select
            named.file, named.line,
            bool_or(rates.card = getvariable('cost_card')) as has_rate,
            string_agg(distinct rates.card, ', ' order by rates.card) as others
        from named
        inner join rates_bounded as rates
            on
                rates.unit = 'gpu_hour'
                and named.provider = rates.provider
                and named.priced_as = rates.model
                and named.model_tier = rates.model_tier
                and named.usage_date >= rates.valid_from
                and named.usage_date < coalesce(rates.ends_at, {FOREVER})
        group by named.file, named.line
    )
    select named.file, named.line, 'model' as field,
        'card ' || getvariable('cost_card') || ', that of the cost side, has no gpu_hour rate for ' || named.provider
        || ' ' || named.priced_as || ' ' || named.model_tier || ' on ' || named.usage_date
        || coalesce('; one is on card ' || priced.others, '') as cause
    from named
    left join priced using (file, line)
    where not coalesce(priced.has_rate, false)
"""

_TO_COME = """
    select file, line, 'usage_date' as field,
        'the day ' || usage_date || ' is still to come: today is ' || cast(getvariable('today') as varchar) as cause
    from serving_hours_typed
    where usage_date > getvariable('today')
"""


def prepare(con: duckdb.DuckDBPyConnection) -> None:
    """Tell what day it is; rows of this table have a day, and no end."""
    con.execute("set variable today = timezone('UTC', now())::date")


def errors(con: duckdb.DuckDBPyConnection) -> list[Finding]:
    """What is wrong between rows, each of which is right by itself."""
    return ask(con, "error", _TWICE, "Add the hours up in one row and run again.")


def warnings(con: duckdb.DuckDBPyConnection) -> list[Finding]:
    """Hours that cost nothing, because the cost card does not say what one costs; and hours of a day to come."""
    return [
        *ask(con, "warning", _NO_RATE, "Add a row with unit gpu_hour to that card: no other prices hours of GPUs."),
        *ask(con, "warning", _TO_COME, "Correct the day, if it is a slip of the pen."),
    ]
