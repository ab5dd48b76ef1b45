"""What a row of the aliases may say: which exact id another one stood for, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.pricing.findings import Finding, ask
from pipelines.pricing.rules import Rule, base_model, bounded, lifetime, meet, overlap, same_start, text
from pipelines.pricing.tables import ALIASES

if TYPE_CHECKING:
    import duckdb

RULES: tuple[Rule, ...] = (
    text("provider"),
    text("alias"),
    base_model("alias"),
    text("model"),
    base_model("model"),
    Rule("model", "model = alias", "alias || ' is an alias of itself'"),
    *lifetime(checked=True),
)

_CHAIN = f"""
    select ours.file, ours.line, 'model' as field,
        ours.model || ' is itself an alias, of ' || other.model || ' by line ' || other.line || ' of ' || other.file
            as cause
    from aliases_bounded as ours
    inner join aliases_bounded as other on ours.provider = other.provider and ours.model = other.alias
    where {meet("ours", "other")}
    qualify row_number() over (partition by ours.file, ours.line order by other.file, other.line) = 1
"""

_UNKNOWN = """
    select file, line, 'model' as field,
        'no rate of any card is for ' || provider || ' ' || model || ', which ' || alias || ' stands for' as cause
    from aliases_bounded
    anti join rates as known using (provider, model)
"""

# On a card an alias counts until the first rate of the alias itself begins there.
_OWN_RATES = """
    select
        aliases.file, aliases.line, 'alias' as field,
        'card ' || own.card || ' has rates of its own for ' || aliases.alias as told,
        own.own_from, strftime(own.own_from, '%Y-%m-%dT%H:%M:%SZ') as since,
        own.own_from <= aliases.valid_from as is_whole
    from aliases_bounded as aliases
    inner join (
        select card, provider, model, min(valid_from) as own_from from rates_typed group by all
    ) as own
        on aliases.provider = own.provider and aliases.alias = own.model
    where own.own_from < coalesce(aliases.ends_at, timestamp '9999-12-31 00:00:00')
"""

_NEVER_COUNTS = f"""
    select file, line, field, told || ' from ' || since || ' on, so there the alias never counts' as cause
    from ({_OWN_RATES}) as own
    where is_whole
"""

_STOPS_COUNTING = f"""
    select file, line, field, told || ' from ' || since || ' on, and the alias counts there only until then' as cause
    from ({_OWN_RATES}) as own
    where not is_whole
"""


def prepare(con: duckdb.DuckDBPyConnection) -> None:
    """Make the table aliases_bounded that the questions below are asked of."""
    con.execute(f"create or replace temp table aliases_bounded as {bounded(ALIASES.key, 'aliases_typed')}")


def errors(con: duckdb.DuckDBPyConnection) -> list[Finding]:
    """What is wrong between rows, each of which is right by itself."""
    found = ask(con, "error", same_start(ALIASES.key, "aliases_typed", "the same alias"))
    return (
        found
        or ask(con, "error", overlap("aliases_bounded"))
        or ask(con, "error", _CHAIN, "Name the id that has rates, and run again.")
    )


def warnings(con: duckdb.DuckDBPyConnection) -> list[Finding]:
    """Aliases that have no effect, or not for as long as they say."""
    return [
        *ask(con, "warning", _UNKNOWN, "Correct the id, or add its rates."),
        *ask(con, "warning", _NEVER_COUNTS, "Remove the alias if no other card needs it."),
        *ask(
            con,
            "warning",
            _STOPS_COUNTING,
            "Keep the alias, which prices what came before; with that instant as its valid_to it says so itself.",
        ),
    ]
