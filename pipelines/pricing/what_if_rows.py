"""Which rows of a comparison are shown, rounded such that they contradict neither themselves nor each other.

In every row the difference is what is shown otherwise less what is shown as booked, and the rows of every table add up
to the totals. Where so few decimal places cannot say that truly, there are more; a row whose difference they do not
show is left to the others. What is compared is found in
`what_if.py`, how rows are laid out belongs in `what_if_text.py`.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from pipelines.money import exact, shown, shown_parts, total
from pipelines.pricing.figures import count
from pipelines.pricing.what_if import LEVELS, Difference

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipelines.pricing.what_if import WhatIf

# Rows of a table and side, before the others are added up.
MOST = 15
# From this amount on, cents are enough.
_LARGE = 100
_EVERY_PLACE = 18
_NOTHING = Decimal(0)


class _Table(NamedTuple):
    """Rows that make up the whole: so many that are named, then what others come to together and what is the same."""

    rows: list[Difference]
    named: int


def shown_rows(found: WhatIf) -> dict[str, list[Difference]]:
    """Level → its rows as they are shown, totals first.

    Amounts of a side and currency have the same decimal places. What differs comes first, by size; then the others that
    differ together, those too whose difference would read as 0; then all that is the same.
    """
    made: dict[str, list[Difference]] = {level: [] for level in ("total", *LEVELS)}
    for whole in found.level("total"):
        levels = {
            level: [one for one in found.level(level) if (one.side, one.currency) == (whole.side, whole.currency)]
            for level in LEVELS
            if level != "total"
        }
        for level, rows in _shown({level: rows for level, rows in levels.items() if rows}, whole).items():
            made[level] += rows
    return made


def _shown(levels: dict[str, list[Difference]], whole: Difference) -> dict[str, list[Difference]]:
    """Rows of each level, the total's too, without any named one whose difference would read as 0."""
    named = {level: rows[:MOST] for level, rows in levels.items()}
    while True:
        tables = {"total": _Table([whole], 1)}
        tables |= {level: _with_the_rest(named[level], rows, whole) for level, rows in levels.items()}
        made = _rounded(tables)
        told = {
            level: [one for one, rounded in zip(rows, made[level], strict=False) if _is_told(one, rounded)]
            for level, rows in named.items()
        }
        if told == named:
            return made
        named = told


def _is_told(one: Difference, rounded: Difference) -> bool:
    """Whether a row that differs is seen to."""
    return bool(rounded.difference) or not one.difference


def _with_the_rest(named: list[Difference], rows: list[Difference], whole: Difference) -> _Table:
    """The named rows, and what makes them up to the whole."""
    listed = list(named)
    others = [one for one in rows if one not in named]
    if others:
        old, new = _sum([one.old for one in others]), _sum([one.new for one in others])
        difference = total(one.difference for one in others)
        listed.append(replace(whole, names=(count(len(others), "other"),), old=old, new=new, difference=difference))
    with exact():
        rest = (whole.old or _NOTHING) - total(one.old for one in listed if one.old is not None)
    if rest:
        listed.append(replace(whole, names=("all that is the same",), old=rest, new=rest, difference=_NOTHING))
    return _Table([replace(one, level=rows[0].level) for one in listed], len(named))


def _sum(amounts: Sequence[Decimal | None]) -> Decimal | None:
    known = [amount for amount in amounts if amount is not None]
    return total(known) if known else None


def _rounded(tables: dict[str, _Table]) -> dict[str, list[Difference]]:
    (whole,) = tables["total"].rows
    size = max(abs(amount) for amount in (whole.old or _NOTHING, whole.new or _NOTHING))
    places = 2 if size >= _LARGE else 6
    made = {level: _round_table(table.rows, whole, places) for level, table in tables.items()}
    while places < _EVERY_PLACE and not _is_true(tables, made):
        places += 2
        made = {level: _round_table(table.rows, whole, places) for level, table in tables.items()}
    return made


def _round_table(rows: Sequence[Difference], whole: Difference, places: int) -> list[Difference]:
    """Booked amounts make up the booked whole. What is the same stays so; the rest of the other whole is for others."""
    old = shown_parts([one.old or _NOTHING for one in rows], places)
    with exact():
        same = total(before for one, before in zip(rows, old, strict=True) if not one.difference)
        left = shown(whole.new or _NOTHING, places) - same
        changed = iter(shown_parts([one.new or _NOTHING for one in rows if one.difference], places, left))
        new = [next(changed) if one.difference else before for one, before in zip(rows, old, strict=True)]
        return [
            replace(
                one,
                old=None if one.old is None else before,
                new=None if one.new is None else after,
                difference=after - before,
            )
            for one, before, after in zip(rows, old, new, strict=True)
        ]


def _is_true(tables: dict[str, _Table], made: dict[str, list[Difference]]) -> bool:
    """Whether no total that differs reads as the same, no saving as an expense, and no nothing as something.

    Of every table with differences at least one is to be seen.
    """
    for level, table in tables.items():
        differing = [n for n, one in enumerate(table.rows[: table.named]) if one.difference]
        if differing and not any(made[level][n].difference for n in differing):
            return False
    return all(
        _agree(one.difference, rounded.difference)
        and _agree(one.new, total([rounded.old or _NOTHING, rounded.difference]))
        for level, table in tables.items()
        for one, rounded in zip(table.rows, made[level], strict=True)
    )


def _agree(amount: Decimal | None, rounded: Decimal) -> bool:
    """Whether both are on the same side of 0, or the rounded one is 0."""
    return not rounded or bool(amount and (amount > 0) == (rounded > 0))
