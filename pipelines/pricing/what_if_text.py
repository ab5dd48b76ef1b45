"""Lays the comparison of two ratings out for people; `--csv` has every digit.

What is compared is found in `what_if.py`; which rows are shown, and how they are rounded, in `what_if_rows.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from pipelines.money import shown
from pipelines.pricing.figures import count, money
from pipelines.pricing.page import heading, lines, print_table
from pipelines.pricing.what_if_rows import shown_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from decimal import Decimal

    from rich.console import Console

    from pipelines.pricing.page import Line
    from pipelines.pricing.what_if import Difference, Moved, WhatIf

_PLACES = 6


def show(console: Console, found: WhatIf) -> None:
    """Print totals, what differs by level, and requests that gain or lose their amount."""
    heading(console, f"{count(found.requests, 'request')} of {found.days.first} to {found.days.last}, rated again")
    lines(console, _facts(found))
    if found.is_same:
        heading(console, "No amount differs.", above=1)
    for level, rows in shown_rows(found).items():
        if rows:
            _print(console, level, rows)


def _facts(found: WhatIf) -> Iterator[Line]:
    for one in found.replacements:
        yield "model", f"usage of {one.used} at the rates of {one.priced_as}"
    for moved in found.moved:
        yield from _moved(moved)
    for hours in found.idle:
        amount = money(shown(hours.amount, _PLACES), hours.currency)
        told = f"{amount}, booked for all organisations, of hours of {hours.provider}/{hours.model} would serve nobody"
        yield "GPUs", f"{told}: in no request's cost otherwise, they are saved only where the GPUs are given up"


def _moved(moved: Moved) -> Iterator[Line]:
    """What a difference of amounts leaves unsaid: requests that have an amount on one side alone, or on none."""
    if moved.newly_priced:
        yield moved.side, f"{count(moved.newly_priced, 'request')} newly priced: booked without an amount"
    if moved.newly_unpriced:
        lost = "no amount otherwise, so all that is booked for them is in the difference"
        yield moved.side, f"{count(moved.newly_unpriced, 'request')} newly unpriced: {lost}"
    for reason, requests in moved.reasons:
        yield "", f"{count(requests, 'request')}: {reason}"
    if moved.unpriced:
        yield moved.side, f"{count(moved.unpriced, 'request')} without an amount in either rating"


def _print(console: Console, level: str, rows: Sequence[Difference]) -> None:
    heading(console, "In all" if level == "total" else f"By {level}, where it differs", above=1)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("", "side", ""):
        table.add_column(name, overflow="fold")
    for name in ("booked", "otherwise", "difference"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        sign = "+" if row.difference else ""
        table.add_row(
            Text(f"  {' '.join(row.names)}"), row.side, row.currency, _amount(row.old), _amount(row.new),
            f"{row.difference:{sign},f}",
        )  # fmt: skip
    print_table(console, table)


def _amount(amount: Decimal | None) -> str:
    return "none" if amount is None else f"{amount:,f}"
