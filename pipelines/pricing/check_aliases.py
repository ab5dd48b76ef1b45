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

_HAS_RATES = """
    select aliases.file, aliases.line, 'alias' as field,
        'card ' || known.card || ' has rates of its own for ' || aliases.alias
        || ', and there the alias does not count' as cause
    from aliases_bounded as aliases
    inner join (select distinct card, provider, model from rates) as known
        on aliases.provider = known.provider and aliases.alias = known.model
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
    """Aliases that have no effect."""
    return ask(con, "warning", _UNKNOWN, "Correct the id, or add its rates.") + ask(
        con, "warning", _HAS_RATES, "Remove the alias, or end those rates with rows that have a valid_to."
    )
