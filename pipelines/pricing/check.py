"""What a price row may say: errors that stop a run, warnings that a reader should look at.

Every rule is set-based SQL over the text rows that `book.read_rows` gives, and every finding
names file, line and field. What an open-ended row and a correction mean is told in docs/prices.md
and decided in the dbt model `price_rates`; the same two rules stand here in `BOUNDED`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import duckdb

from pipelines.errors import MeterhouseError
from pipelines.landing.contract import MODEL_TIERS, SERVICE_TIERS
from pipelines.pricing.book import TYPED, UNITS
from pipelines.sql import literal

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong (error) or odd (warning) with one price row."""

    severity: Literal["error", "warning"]
    file: str
    line: int
    field: str
    cause: str


def _choice(name: str, known: tuple[str, ...]) -> tuple[str, str, str]:
    bad = f"{name} not in ({', '.join(literal(value) for value in known)})"
    return name, bad, f"'unknown {name} ''' || {name} || '''; known: {', '.join(known)}'"


def _bad_instant(name: str) -> str:
    shape = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?Z$"
    shaped = f"regexp_full_match({name}, {literal(shape)})"
    return f"(not {shaped} or try_cast({name} as timestamp) is null)"


def _instant(name: str, *, optional: bool) -> tuple[str, str, str]:
    given = f"{name} <> '' and " if optional else ""
    return (
        name,
        f"{given}{_bad_instant(name)}",
        f"'''' || {name} || ''' is not an instant like 2026-01-31T00:00:00Z'",
    )


def _text(name: str) -> tuple[str, str, str]:
    bad = f"{name} = '' or trim({name}) <> {name} or contains({name}, '|')"
    return name, bad, f"'{name} is empty, has blanks around it or a | in it'"


# Field, condition under which the row is wrong, SQL text that says why. The first one is told.
_ROW_RULES: tuple[tuple[str, str, str], ...] = (
    _text("card"),
    _text("provider"),
    _text("model"),
    (
        "model",
        "model like 'ft:%'",
        "'model ' || model || ' is tuned; name its base model, with model_tier fine_tuned'",
    ),
    _choice("model_tier", MODEL_TIERS),
    _choice("service_tier", SERVICE_TIERS),
    _choice("unit", UNITS),
    ("price", "starts_with(price, '-')", "'price ' || price || ' is negative'"),
    (
        "price",
        r"not regexp_full_match(price, '\d{1,12}(\.\d{1,6})?')",
        "'''' || price || ''' is not a decimal (at most 12 digits before, 6 after the point)'",
    ),
    ("per", "per <> '1000000'", "'per is ''' || per || '''; prices are per 1000000 tokens'"),
    (
        "currency",
        "not regexp_full_match(currency, '[A-Z]{3}')",
        "'''' || currency || ''' is not a currency of three capital letters'",
    ),
    (
        "context_from",
        r"not regexp_full_match(context_from, '\d{1,18}')",
        "'''' || context_from || ''' is not a whole number of tokens'",
    ),
    _instant("valid_from", optional=False),
    _instant("valid_to", optional=True),
    (
        "valid_to",
        "valid_to <> '' and try_cast(valid_to as timestamp) <= try_cast(valid_from as timestamp)",
        "'valid_to ' || valid_to || ' is not after valid_from ' || valid_from",
    ),
    _instant("known_from", optional=True),
    _text("source"),
    (
        "checked_on",
        r"""not regexp_full_match(checked_on, '\d{4}-\d{2}-\d{2}')
            or try_cast(checked_on as date) is null""",
        "'''' || checked_on || ''' is not a date like 2026-01-31'",
    ),
)

_KEY = "card, provider, model, model_tier, service_tier, unit, currency, context_from"

# Typed rows with file, line and their end in force (null = open). A row that repeats a start
# with later knowledge replaces the earlier one; a row ends where the next of its key begins.
BOUNDED = f"""
    with typed as (
        select file, line, {TYPED} from rows
    ),
    standing as (
        select * from typed
        qualify row_number() over (
            partition by {_KEY}, valid_from order by known_from desc, line
        ) = 1
    ),
    followed as (
        select
            *,
            lead(valid_from) over following as next_from,
            lead(known_from) over following as next_known_from,
            lead(line) over following as next_line,
            lead(file) over following as next_file
        from standing
        window following as (partition by {_KEY} order by valid_from)
    )
    select *, least(coalesce(valid_to, next_from), coalesce(next_from, valid_to)) as ends_at
    from followed
"""


def _row_errors() -> str:
    branches = " ".join(
        f"when {condition} then {{'field': '{field}', 'cause': {cause}}}" for field, condition, cause in _ROW_RULES
    )
    return f"""
        select file, line, found.field, found.cause
        from (select file, line, case {branches} end as found from rows)
        where found is not null
        order by file, line
    """


_SAME_START = f"""
    select file, line, 'valid_from' as field,
        'the same price key starts twice at ' || strftime(valid_from, '%Y-%m-%dT%H:%M:%SZ')
        || ', here and on line ' || first_line || ' of ' || first_file as cause
    from (
        select
            file, line, valid_from,
            first(file) over same_start as first_file,
            first(line) over same_start as first_line,
            row_number() over same_start as place
        from (select file, line, {TYPED} from rows)
        window same_start as (partition by {_KEY}, valid_from, known_from order by file, line)
    )
    where place > 1
    order by file, line
"""

_OVERLAP = f"""
    select file, line, 'valid_to' as field,
        'the row overlaps the one on line ' || next_line || ' of ' || next_file
        || ', which starts at ' || strftime(next_from, '%Y-%m-%dT%H:%M:%SZ') as cause
    from ({BOUNDED})
    where valid_to > next_from and next_known_from <= known_from
    order by file, line
"""


# A request is rated in one currency: two at a time for one model would charge it twice.
_TWO_CURRENCIES = f"""
    with bounded as ({BOUNDED})
    select ours.file, ours.line, 'currency' as field,
        ours.currency || ' overlaps in time with ' || other.currency || ' of the same card, model and tiers on line '
        || other.line || ' of ' || other.file as cause
    from bounded as ours
    inner join bounded as other using (card, provider, model, model_tier, service_tier)
    where ours.currency > other.currency
        and ours.valid_from < coalesce(other.ends_at, timestamp '9999-12-31')
        and other.valid_from < coalesce(ours.ends_at, timestamp '9999-12-31')
    qualify row_number() over (partition by ours.file, ours.line order by other.file, other.line) = 1
    order by ours.file, ours.line
"""


def _dearer(cheap: str, dear: str, column: str, cause: str) -> str:
    """Rows with `column` = `cheap` dearer at some time than their `dear` counterpart."""
    same = [c.strip() for c in _KEY.split(",") if c.strip() != column]
    equal = " and ".join(f"ours.{c} = other.{c}" for c in same)
    return f"""
        select ours.file, ours.line, 'price' as field,
            {literal(cause)} || ' (' || ours.price || ' against ' || other.price || ', line '
            || other.line || ')' as cause
        from bounded as ours
        inner join bounded as other on {equal}
        where ours.{column} = {literal(cheap)} and other.{column} = {literal(dear)}
            and ours.price > other.price
            and ours.valid_from < coalesce(other.ends_at, timestamp '9999-12-31')
            and other.valid_from < coalesce(ours.ends_at, timestamp '9999-12-31')
        order by ours.file, ours.line
    """


def find_problems(rows: pa.Table) -> list[Finding]:
    """All errors of the text rows (of `book.read_rows`); where there are none, all warnings."""
    with duckdb.connect() as connection:
        connection.register("rows", rows)
        errors = _ask(connection, "error", _row_errors())
        if errors:
            return errors
        for question in (_SAME_START, _OVERLAP, _TWO_CURRENCIES):
            errors = errors or _ask(connection, "error", question)
        if errors:
            return errors
        connection.execute(f"create table bounded as {BOUNDED}")
        tuned = _dearer("base", "fine_tuned", "model_tier", "the base model costs more than its tuned form")
        batch = _dearer("batch", "standard", "service_tier", "batch costs more than standard")
        return _ask(connection, "warning", tuned) + _ask(connection, "warning", batch)


def _ask(connection: duckdb.DuckDBPyConnection, severity: Literal["error", "warning"], sql: str) -> list[Finding]:
    return [Finding(severity, *row) for row in connection.execute(sql).fetchall()]


def require_valid(rows: pa.Table) -> None:
    """Raise MeterhouseError for the first error in the text rows; warnings pass."""
    errors = [finding for finding in find_problems(rows) if finding.severity == "error"]
    if errors:
        first = errors[0]
        more = f" ({len(errors) - 1} more errors; `meterhouse prices check` lists them.)" if errors[1:] else ""
        raise MeterhouseError(
            f"{first.cause}.{more}",
            file=first.file,
            line=first.line,
            field=first.field,
            way_out="Correct that price row and run again.",
        )
