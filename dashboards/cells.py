"""Cells and rows of tables: the bridge between figures and what is written."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from dashboards.page import Cell
from pipelines.publish import numbers

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

BLANK = Cell("")


def text(value: object, *, href: str = "", css: str = "") -> Cell:
    """Text from data or ours; missing reads as a dash."""
    shown = numbers.NOTHING if value in {None, ""} else str(value)
    return Cell(shown, href=href, css=css)


def money(value: Decimal | None, currency: str, *, bar: Decimal | None = None, sign: bool = False) -> Cell:
    """An amount; `bar` is the largest of the column, for a bar behind the figure."""
    return shown_money(value, None if value is None else numbers.rounded(value), currency, bar=bar, sign=sign)


def shown_money(
    value: Decimal | None, shown: Decimal | None, currency: str, *, bar: Decimal | None = None, sign: bool = False
) -> Cell:
    """An amount that was rounded together with others, as `shown`."""
    if value is None or shown is None:
        return Cell(numbers.NOT_PRICED, css="np")
    css = "neg" if value < 0 and not sign else ""
    return Cell(numbers.written(shown, currency, sign=sign), numbers.raw(value), css=css, bar=_bar(value, bar))


def count(value: int | None, *, bar: int | None = None, href: str = "") -> Cell:
    """A count in full."""
    return Cell(numbers.count(value), "" if value is None else str(value), href=href, bar=_bar(value, bar))


def quantity(value: Decimal | int) -> Cell:
    """Hours or calls in full, without zeros that say nothing."""
    plain = numbers.raw(value)
    return Cell(f"{Decimal(plain):,f}", plain)


def short(value: int | None) -> Cell:
    """A count in three digits, exact in the title."""
    return Cell(numbers.short(value), "" if value is None else str(value))


def percent(value: Decimal | None, *, sign: bool = False) -> Cell:
    """A share or a change."""
    if value is None:
        return Cell(numbers.NOTHING)
    css = "neg" if value < 0 and not sign else ""
    return Cell(
        numbers.percent(value, sign=sign),
        numbers.raw(value.quantize(Decimal("0.00000001"))),
        css=css,
    )


def percentile(value: Decimal | None) -> Cell:
    """A rank among peers, 0 to 100."""
    return Cell(numbers.percentile(value), numbers.raw(value))


def rate(value: Decimal | None, currency: str) -> Cell:
    """A price per million tokens."""
    return Cell(numbers.rate(value, currency), numbers.raw(value))


def listed(value: Decimal | None, currency: str) -> Cell:
    """A price per million tokens as the book has it."""
    return Cell(numbers.listed(value, currency), numbers.raw(value))


def moved(now: Decimal | int | None, before: Decimal | int | None) -> Cell:
    """Relative change with sign; "new" where there was nothing before."""
    relative = numbers.change(now, before)
    if relative is None:
        return Cell("new" if now and not before else numbers.NOTHING)
    if relative >= 10:
        return Cell(f"\u00d7{relative + 1:,.0f}", numbers.raw(relative.quantize(Decimal("0.000001"))))
    return percent(relative, sign=True)


def day(value: date | None) -> Cell:
    """An ISO day."""
    return Cell(numbers.NOTHING if value is None else value.isoformat(), css="l")


def instant(value: datetime | None) -> Cell:
    """An instant to the second, UTC."""
    return Cell(numbers.NOTHING if value is None else f"{value:%Y-%m-%d %H:%M:%S}", css="l")


def rounding_row(
    total: Sequence[Cell],
    rows: Sequence[Sequence[Cell]],
    amounts: dict[int, list[Decimal | None]],
    currency: str,
) -> list[list[Cell]]:
    """The row that makes written parts add up to the written total; no row when they already do.

    `amounts` holds, by place of the column, the written amounts of all written rows and last the total.
    """
    row = [Cell("Rounding", css="rd")] + [BLANK] * (len(total) - 1)
    needed = False
    for place, values in amounts.items():
        whole = values[-1]
        if whole is None or not rows:
            continue
        rest = numbers.residual(whole, values[:-1])
        if rest:
            needed = True
            row[place] = rounding(rest, currency)
    return [row] if needed else []


def rounding(rest: Decimal, currency: str) -> Cell:
    """A rounding difference, with as many places as it has."""
    return Cell(numbers.rounding(rest, currency), numbers.raw(rest))


def _bar(value: Decimal | int | None, largest: Decimal | int | None) -> str:
    if value is None or not largest or value <= 0:
        return ""
    return f"{float(Decimal(value) / Decimal(largest)) * 100:.1f}"
