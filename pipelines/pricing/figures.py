"""How figures and instants are written in a terminal: every digit, nothing rounded, no zeros behind.

Rounding for people belongs in `pipelines/money.py`.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

FOREVER_YEAR = 9999


def digits(value: Decimal | int) -> str:
    """All digits that count, with commas between thousands: 0.0324, 1,200, 30."""
    text = f"{value:,f}" if isinstance(value, Decimal) else f"{value:,d}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def money(value: Decimal, currency: str | None) -> str:
    """An amount with its currency in front."""
    return f"{currency} {digits(value)}" if currency else digits(value)


def instant(value: datetime) -> str:
    """An instant as it stands in the price book; with a fraction only where it has one."""
    fraction = f".{value.microsecond:06d}".rstrip("0") if value.microsecond else ""
    return f"{value:%Y-%m-%dT%H:%M:%S}{fraction}Z"


def until(value: datetime | None) -> str:
    """The end of an interval."""
    return "open" if value is None or value.year >= FOREVER_YEAR else instant(value)


def count(number: int, one: str, many: str | None = None) -> str:
    """A number with its noun: 1 request, 2 requests."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def quantity(value: Decimal, one: str) -> str:
    """As `count`, of something that may have a fraction: 1 hour, 0.5 hours."""
    return f"{digits(value)} {one if value == 1 else one + 's'}"


def plain(value: Any) -> Any:
    """The same as JSON has it: decimals as exact text, instants as in the price book."""
    if isinstance(value, Decimal):
        return digits(value).replace(",", "")
    if isinstance(value, datetime):
        return instant(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, dict):
        return {name: plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    return value
