"""Lays the comparison of two ratings out for people. Shown parts add up to the shown whole; `--csv` has every digit.

What is compared is found in `what_if.py`.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from pipelines.money import shown_parts, total
from pipelines.pricing.figures import count
from pipelines.pricing.page import heading, lines, print_table
from pipelines.pricing.what_if import LEVELS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from decimal import Decimal

    from rich.console import Console

    from pipelines.pricing.page import Line
    from pipelines.pricing.what_if import Difference, WhatIf

_MOST = 15
# From this amount on, cents are enough.
_LARGE = 100


def show(console: Console, found: WhatIf) -> None:
    """Print totals, what differs by level, and requests that gain or lose their amount."""
    heading(console, f"{count(found.requests, 'request')} of {found.days.first} to {found.days.last}, rated again")
    lines(console, _facts(found))
    if found.is_same:
        heading(console, "No amount differs.", above=1)
    _print(console, "total", found.level("total"))
    for level in LEVELS:
        if level != "total" and found.level(level):
            _print(console, level, found.level(level))


def _facts(found: WhatIf) -> Iterator[Line]:
    for one in found.replacements:
        yield "model", f"usage of {one.used} at the rates of {one.priced_as}"
    for moved in found.moved:
        if moved.newly_priced or moved.newly_unpriced:
            yield moved.side, f"{moved.newly_priced:,} requests newly priced, {moved.newly_unpriced:,} newly unpriced"
        for reason, requests in moved.reasons:
            yield "", f"{count(requests, 'request')}: {reason}"


def _print(console: Console, level: str, rows: Sequence[Difference]) -> None:
    heading(console, "In all" if level == "total" else f"By {level}, where it differs", above=1)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("", "side", ""):
        table.add_column(name, overflow="fold")
    for name in ("booked", "otherwise", "difference"):
        table.add_column(name, justify="right", no_wrap=True)
    for (side, currency), group in groupby(rows, lambda row: (row.side, row.currency)):
        for name, amounts in _shown(list(group)):
            table.add_row(Text(f"  {name}"), side, currency, *amounts)
    print_table(console, table)


def _shown(rows: list[Difference]) -> list[tuple[str, list[str]]]:
    """Names and amounts of the first rows, and of the others together, such that every column adds up."""
    names = [" ".join(row.names) for row in rows[:_MOST]]
    columns = [[getattr(row, name) for row in rows] for name in ("old", "new", "difference")]
    places = 2 if max(abs(total(_known(column))) for column in columns[:2]) >= _LARGE else 6
    if rows[_MOST:]:
        names.append(f"{len(rows) - _MOST:,} others")
        columns = [[*column[:_MOST], total(_known(column[_MOST:]))] for column in columns]
    texts = [_texts(column, places, sign=column is columns[2]) for column in columns]
    return [(name, list(amounts)) for name, *amounts in zip(names, *texts, strict=True)]


def _known(column: Sequence[Decimal | None]) -> list[Decimal]:
    return [amount for amount in column if amount is not None]


def _texts(column: Sequence[Decimal | None], places: int, *, sign: bool) -> list[str]:
    parts = iter(shown_parts(_known(column), places))
    form = f"{'+' if sign else ''},.{places}f"
    return ["none" if amount is None else format(next(parts), form) for amount in column]
