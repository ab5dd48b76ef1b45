"""What a row of facts may say, as rules over its text. Faulty rows are told and left out; the others count.

How files are read belongs in `read_*.py`, what is made of sound rows in `facts.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.errors import MeterhouseError
from pipelines.organizations.columns import COLUMNS, NAMES
from pipelines.organizations.rows import SEPARATOR
from pipelines.pricing.rules import Rule, broken_rows
from pipelines.sql import literal

if TYPE_CHECKING:
    import duckdb

    from pipelines.organizations.columns import Fact

LONGEST = 1000  # characters of a text or of an item of a list
_DAY = r"\d{4}-\d{2}-\d{2}"
_INSTANT = _DAY + r"[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:?\d{2})?"
# What a spreadsheet would compute. A minus, a plus or an @ may well begin a name; a call makes a formula of it.
_FORMULA = r"(?s)^\s*(=|[-+@].*[(!]).*"


def sound_rows(con: duckdb.DuckDBPyConnection, rows: str, target: str) -> list[MeterhouseError]:
    """Make the temp table `target` of those of `rows` (text, file, line) that hold to the rules; returns the faults.

    Needs the macros of the landing step.
    """
    con.execute(f"create or replace temp table broken_facts as {broken_rows(rows, _RULES)}")
    con.execute(f"""
        insert into broken_facts
        select
            file, line, 'organization_id' as field,
            'the organisation ''' || organization_id || ''' has more than one row, on lines ' || lines as cause
        from (
            select
                file, line, organization_id, count(*) over same as rows_of_it,
                array_to_string(list_sort(list(line) over same)[:10], ', ') as lines
            from {rows}
            where organization_id <> ''
            window same as (partition by organization_id)
        ) as placed
        where rows_of_it > 1 and line not in (select line from broken_facts)""")
    con.execute(f"""
        create or replace temp table {target} as
        select * from {rows} where line not in (select line from broken_facts)""")
    # An id may be anything that somebody wrote.
    found = con.execute("select file, line, field, masked(cause) from broken_facts order by line, field").fetchall()
    return [
        MeterhouseError(f"{cause}.", file=file, line=line, field=field, way_out=_WAYS_OUT[field])
        for file, line, field, cause in found
    ]


def _rules() -> tuple[Rule, ...]:
    rules = [Rule(NAMES[0], f"trim({NAMES[0]}) = ''", f"'{NAMES[0]} is empty'")]
    for column in COLUMNS:
        rules += _common(column)
        rules += {"text": _text, "list": _list, "instant": _instant, "day or instant": _instant}[column.kind](column)
    return tuple(rules)


def _common(column: Fact) -> list[Rule]:
    name = column.name
    return [
        Rule(
            name,
            f"regexp_matches({name}, {literal(_FORMULA)})",
            f"'{name} is a formula of a spreadsheet, not what it comes to'",
        ),
        Rule(
            name,
            f"regexp_matches({name}, '[\\x00-\\x1f\\x7f\\x{{2028}}\\x{{2029}}]')",
            f"'{name} has a line break or another control character in it'",
        ),
        Rule(name, f"trim({name}) <> {name}", f"'{name} has blanks around it'"),
    ]


def _text(column: Fact) -> list[Rule]:
    return [Rule(column.name, f"length({column.name}) > {LONGEST}", f"'{column.name} is longer than {LONGEST}'")]


def _list(column: Fact) -> list[Rule]:
    name = column.name
    items = f"list_transform(string_split({name}, {literal(SEPARATOR)}), lambda item: trim(item))"
    return [
        Rule(name, f"contains({name}, ',')", f"'{name} has a comma in it'"),
        Rule(name, f"{name} <> '' and list_contains({items}, '')", f"'{name} has an empty item'"),
        Rule(name, f"length({name}) > {100 * LONGEST}", f"'{name} is longer than {100 * LONGEST} characters'"),
    ]


def _instant(column: Fact) -> list[Rule]:
    name = column.name
    shape = f"{_INSTANT}|{_DAY}" if column.kind == "day or instant" else _INSTANT
    kinds = "a day like 2026-01-31 nor " if column.kind == "day or instant" else ""
    wrong = f"not regexp_full_match({name}, {literal(shape)}) or try_cast({name} as timestamptz) is null"
    said = f"''' is {'neither ' if kinds else 'not '}{kinds}an instant like 2026-01-31T12:00:00Z'"
    return [Rule(name, f"{name} <> '' and ({wrong})", f"'''' || left({name}, 40) || {said}")]


_RULES = _rules()
_WAYS_OUT = {
    **{c.name: "Correct that value, or leave it empty; until then the row does not count." for c in COLUMNS},
    **{
        c.name: "Separate items by ; and leave none empty; until then the row does not count."
        for c in COLUMNS
        if c.kind == "list"
    },
    "created_at": "Write a day or an instant in UTC; until then the row does not count.",
    "suspended_from": "Write an instant in UTC; until then the row does not count, and nothing is suspended by it.",
    "organization_id": "Give one row an organisation, with its id as in the logs; until then none of them counts.",
}
