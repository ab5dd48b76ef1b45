"""What one field of a price table may hold, as SQL over its text; and where rows end.

A rule is a field, the condition under which a row breaks it, and SQL text that says why. Which
field has which rule belongs in `check_*.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.pricing.currencies import CURRENCIES
from pipelines.pricing.units import ALL, BLOCKS
from pipelines.sql import literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from pipelines.pricing.tables import PriceTable

FOREVER = "timestamp '9999-12-31 00:00:00'"


@dataclass(frozen=True, slots=True)
class Rule:
    """`bad` is true of a row whose `field` is wrong, `cause` is SQL text that says why."""

    field: str
    bad: str
    cause: str

    def where(self, condition: str) -> Rule:
        """The same rule for those rows only of which `condition` is true."""
        return Rule(self.field, f"({condition}) and ({self.bad})", self.cause)


def one_of(values: Iterable[str]) -> str:
    """A list of text literals in brackets."""
    return f"({', '.join(literal(value) for value in values)})"


def choice(name: str, known: Sequence[str]) -> Rule:
    """One of the known words."""
    said = literal(", ".join(known))
    return Rule(name, f"{name} not in {one_of(known)}", f"'unknown {name} ''' || {name} || '''; known: ' || {said}")


def text(name: str) -> Rule:
    """Something, without blanks around it or the sign that keys are joined by."""
    bad = f"{name} = '' or trim({name}) <> {name} or contains({name}, '|')"
    return Rule(name, bad, f"'{name} is empty, has blanks around it or a | in it'")


def optional_text(name: str) -> Rule:
    """As text, or nothing."""
    bad = f"trim({name}) <> {name} or contains({name}, '|')"
    return Rule(name, bad, f"'{name} has blanks around it or a | in it'")


def base_model(name: str) -> Rule:
    """Not the id of a tuned model: that would never be looked up."""
    return Rule(name, f"{name} like 'ft:%'", f"'{name} ' || {name} || ' is tuned; name its base model'")


def empty(name: str, kind: str) -> Rule:
    """Nothing, because rows of this kind have no such field."""
    return Rule(name, f"{name} <> ''", f"{name!r} || ' must be empty for ' || {kind}")


def not_negative(name: str) -> Rule:
    """No minus sign: told apart from what is no number at all."""
    return Rule(name, f"starts_with({name}, '-')", f"'{name} ' || {name} || ' is negative'")


def decimal(name: str, before: int, after: int) -> Rule:
    """Plain digits, at most so many before and after the point."""
    return Rule(
        name,
        f"not regexp_full_match({name}, '\\d{{1,{before}}}(\\.\\d{{1,{after}}})?')",
        f"'''' || {name} || ''' is not a decimal (at most {before} digits before, {after} after the point)'",
    )


def currency(name: str) -> Rule:
    """A currency of ISO 4217."""
    meant = f"upper(trim({name}))"
    return Rule(
        name,
        f"{name} not in {one_of(CURRENCIES)}",
        f"'''' || {name} || ''' is not a currency: that is three capital letters of ISO 4217, '"
        f" || case when {meant} in {one_of(CURRENCIES)} then 'here ' || {meant} else 'as USD' end",
    )


def instant(name: str, *, optional: bool) -> Rule:
    """An instant in UTC, to the microsecond at most."""
    shape = literal(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?Z")
    given = f"{name} <> '' and " if optional else ""
    return Rule(
        name,
        f"{given}(not regexp_full_match({name}, {shape}) or try_cast({name} as timestamp) is null)",
        f"'''' || {name} || ''' is not an instant like 2026-01-31T00:00:00Z'",
    )


def day(name: str, *, optional: bool) -> Rule:
    """A calendar day."""
    given = f"{name} <> '' and " if optional else ""
    return Rule(
        name,
        f"{given}(not regexp_full_match({name}, '\\d{{4}}-\\d{{2}}-\\d{{2}}') or try_cast({name} as date) is null)",
        f"'''' || {name} || ''' is not a date like 2026-01-31'",
    )


def lifetime(*, checked: bool) -> tuple[Rule, ...]:
    """The columns that say when a row holds and who said so; `checked` wants the day of that too."""
    return (
        instant("valid_from", optional=False),
        instant("valid_to", optional=True),
        Rule(
            "valid_to",
            "valid_to <> '' and try_cast(valid_to as timestamp) <= try_cast(valid_from as timestamp)",
            "'valid_to ' || valid_to || ' is not after valid_from ' || valid_from",
        ),
        instant("known_from", optional=True),
        text("source"),
        day("checked_on", optional=not checked),
    )


def price_block() -> tuple[Rule, ...]:
    """A price, exact in its type: a block that its unit is sold in, and below a million for one."""
    known = " or ".join(f"(unit = {literal(u.name)} and per in {one_of(map(str, BLOCKS[u.dimension]))})" for u in ALL)
    said = " ".join(f"when {literal(u.name)} then {literal(' or '.join(map(str, BLOCKS[u.dimension])))}" for u in ALL)
    dear = " or ".join(
        f"(per = '{per}' and length(split_part(price, '.', 1)) > {digits})" for per, digits in (("1", 6), ("1000", 9))
    )
    return (
        not_negative("price"),
        decimal("price", 12, 6),
        Rule(
            "per",
            f"not ({known})",
            f"'per is ''' || per || ''', which is no block of unit ' || unit || ': ' || case unit {said} end",
        ),
        Rule("price", dear, "'price ' || price || ' per ' || per || ' is above 999999 for a single ' || unit"),
    )


def broken_rows(rows: str, rules: Iterable[Rule]) -> str:
    """Query for file, line, field and cause of each row of the view `rows`; the first broken rule is told."""
    branches = " ".join(
        f"when {rule.bad} then {{'field': {literal(rule.field)}, 'cause': {rule.cause}}}" for rule in rules
    )
    return f"""
        select file, line, found.field as field, found.cause as cause
        from (select file, line, case {branches} end as found from {rows}) as rows
        where found is not null
    """


def typed(table: PriceTable, rows: str, known_at: datetime | None = None) -> str:
    """Query for the view `rows` in the types of its table, with file and line, as known at an instant."""
    known = "" if known_at is None else f"where known_from <= timestamp {literal(known_at.replace(tzinfo=None))}"
    return f"select * from (select file, line, {table.typed} from {rows} as rows) as typed {known}"


def bounded(key: Sequence[str], rows: str) -> str:
    """Query for the typed table `rows`, each with its end in force: `ends_at`, null while open.

    A row that repeats a start with later knowledge replaces the earlier one; a row ends where the
    next of its key begins. The same is decided in the dbt models; see docs/prices.md.
    """
    columns = ", ".join(key)
    return f"""
        with standing as (
            select * from {rows}
            qualify row_number() over (partition by {columns}, valid_from order by known_from desc, line) = 1
        ),
        followed as (
            select
                *,
                lead(valid_from) over following as next_from,
                lead(known_from) over following as next_known_from,
                lead(line) over following as next_line,
                lead(file) over following as next_file
            from standing
            window following as (partition by {columns} order by valid_from)
        )
        select *, least(coalesce(valid_to, next_from), coalesce(next_from, valid_to)) as ends_at
        from followed
    """


def same_start(key: Sequence[str], rows: str, what: str) -> str:
    """Query for typed rows that say the same start of the same key again, with no later knowledge."""
    columns = ", ".join(key)
    return f"""
        select file, line, 'valid_from' as field,
            {literal(what)} || ' starts twice at ' || strftime(valid_from, '%Y-%m-%dT%H:%M:%SZ')
            || ', here and on line ' || first_line || ' of ' || first_file as cause
        from (
            select
                file, line, valid_from,
                first(file) over same_start as first_file,
                first(line) over same_start as first_line,
                row_number() over same_start as place
            from {rows}
            window same_start as (partition by {columns}, valid_from, known_from order by file, line)
        ) as placed
        where place > 1
    """


def overlap(rows: str) -> str:
    """Query for bounded rows that are closed and reach into the next one, which is known no later."""
    return f"""
        select file, line, 'valid_to' as field,
            'the row overlaps the one on line ' || next_line || ' of ' || next_file
            || ', which starts at ' || strftime(next_from, '%Y-%m-%dT%H:%M:%SZ') as cause
        from {rows}
        where valid_to > next_from and next_known_from <= known_from
    """


def meet(one: str, other: str) -> str:
    """Condition that two bounded rows are in force at some instant together."""
    return (
        f"{one}.valid_from < coalesce({other}.ends_at, {FOREVER})"
        f" and {other}.valid_from < coalesce({one}.ends_at, {FOREVER})"
    )
