"""How a figure is written on a page. The only place that rounds; what a figure means is elsewhere.

One rounding: half to even. Money of one unit or more has two places, smaller money four, and money
under a ten-thousandth two significant digits, so that a priced amount never reads as nothing. A
table
whose written rows do not add up to its written total prints the difference as a row (`residual`).
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

MINUS = "\u2212"
NOT_PRICED = "not priced"
NOTHING = "\u2013"
SYMBOLS = {"USD": "$", "EUR": "\u20ac", "GBP": "\u00a3", "JPY": "\u00a5"}
_ONE, _HUNDRED, _MILLION = Decimal(1), Decimal(100), Decimal(1_000_000)


def rounded(value: Decimal) -> Decimal:
    """The amount as a page writes it (see the module's rule), half to even."""
    size = abs(value)
    if size >= _ONE or size == 0:
        step = Decimal("0.01")
    elif size >= Decimal("0.0001"):
        step = Decimal("0.0001")
    else:
        step = _ONE.scaleb(value.adjusted() - 1)
    return value.quantize(step, ROUND_HALF_EVEN)


def money(value: Decimal | None, currency: str = "USD", *, sign: bool = False) -> str:
    """`$1,234.56`; a missing amount is "not priced", never 0. `sign` also writes a plus."""
    if value is None:
        return NOT_PRICED
    shown = rounded(value)
    symbol = SYMBOLS.get(currency, currency + "\u00a0")
    lead = MINUS if shown < 0 else "+" if sign and shown > 0 else ""
    return f"{lead}{symbol}{abs(shown):,f}"


def money_parts(value: Decimal | None, currency: str = "USD") -> tuple[str, str]:
    """The same text split before the decimal point, for a tile that sets the cents smaller."""
    whole, point, cents = money(value, currency).partition(".")
    return whole, point + cents


def raw(value: Decimal | int | float | None) -> str:
    """The full figure without symbol, grouping or trailing zeros: for titles, sorting and CSV."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        text = f"{value:f}"
        text = text.rstrip("0").rstrip(".") if "." in text else text
        return "0" if text in {"-0", ""} else text
    return repr(value) if isinstance(value, float) else str(value)


def residual(total: Decimal, parts: Iterable[Decimal | None]) -> Decimal:
    """Written total less the sum of the written parts: what a table prints as its rounding row."""
    return rounded(total) - sum((rounded(p) for p in parts if p is not None), Decimal(0))


def rounding(rest: Decimal, currency: str) -> str:
    """A residual with sign, in two places where it has no more."""
    short_rest = rest.quantize(Decimal("0.01"), ROUND_HALF_EVEN)
    shown = short_rest if short_rest == rest else rest.normalize()
    lead = MINUS if rest < 0 else "+"
    return f"{lead}{SYMBOLS.get(currency, currency + chr(160))}{abs(shown):,f}"


def count(value: int | None) -> str:
    """`1,234,567`."""
    return NOTHING if value is None else f"{value:,}".replace("-", MINUS)


def short(value: int | None) -> str:
    """`28.0 M`, `9.80 B`: three significant digits for tiles; the exact count goes into a title."""
    if value is None:
        return NOTHING
    for limit, unit in ((10**12, "T"), (10**9, "B"), (10**6, "M"), (10**4, "k")):
        if abs(value) >= limit:
            size = Decimal(value) / (1000 if unit == "k" else limit)
            places = 2 if abs(size) < 10 else 1 if abs(size) < 100 else 0
            return f"{size:.{places}f}\u00a0{unit}"
    return f"{value:,}"


def share(part: Decimal | int | None, whole: Decimal | int | None) -> Decimal | None:
    """part / whole as a Decimal, or None where it has no meaning."""
    if part is None or whole is None or whole == 0:
        return None
    return Decimal(part) / Decimal(whole)


def percent(value: Decimal | None, *, sign: bool = False) -> str:
    """`13.6 %`; shares close to all or nothing get the places they need not to read 100 or 0."""
    if value is None:
        return NOTHING
    scaled = value * _HUNDRED
    places = 1
    distance = min(abs(scaled), abs(_HUNDRED - scaled))
    while not sign and distance != 0 and distance < Decimal("0.05").scaleb(1 - places) and places < 4:
        places += 1
    shown = scaled.quantize(_ONE.scaleb(-places), ROUND_HALF_EVEN)
    lead = MINUS if shown < 0 else "+" if sign and shown > 0 else ""
    return f"{lead}{abs(shown):,f}\u00a0%"


def percentile(value: Decimal | None) -> str:
    """A rank among peers from 0 to 100, `99.7`: everywhere with one place and no sign of percent."""
    return NOTHING if value is None else f"{value.quantize(Decimal('0.1'), ROUND_HALF_EVEN):f}"


def change(now: Decimal | int | None, before: Decimal | int | None) -> Decimal | None:
    """Relative change now / before - 1, or None without a base."""
    if now is None or not before:
        return None
    return Decimal(now) / Decimal(before) - 1


def change_words(now: Decimal | int | None, before: Decimal | int | None) -> str:
    """`up 13.6 %`, `down 2.0 %`, `unchanged`, `new`: direction in words, never by colour alone."""
    relative = change(now, before)
    if relative is None:
        return "new" if now else "unchanged"
    if abs(relative) < Decimal("0.0005"):
        return "unchanged"
    if relative >= 10:
        return f"up {relative + 1:,.0f}\u00d7"
    return f"{'up' if relative > 0 else 'down'} {percent(abs(relative), sign=True).removeprefix('+')}"


def per_million(amount: Decimal | None, tokens: int | None) -> Decimal | None:
    """Effective price: amount per million tokens, to twelve places."""
    if amount is None or not tokens:
        return None
    return (amount * _MILLION / Decimal(tokens)).quantize(Decimal("0.000000000001"), ROUND_HALF_EVEN)


def listed(value: Decimal | None, currency: str = "USD") -> str:
    """A price of the book in all its digits, at least two places."""
    if value is None:
        return NOTHING
    whole, _, places = f"{value.normalize():,f}".partition(".")
    return f"{SYMBOLS.get(currency, currency + chr(160))}{whole}.{places.ljust(2, '0')}"


def rate(value: Decimal | None, currency: str = "USD") -> str:
    """A price per million tokens: two places from 1 on, else up to four significant digits."""
    if value is None:
        return NOTHING
    symbol = SYMBOLS.get(currency, currency + "\u00a0")
    if value >= 1 or value == 0:
        return f"{symbol}{value.quantize(Decimal('0.01'), ROUND_HALF_EVEN):,f}"
    digits = value.quantize(_ONE.scaleb(value.adjusted() - 3), ROUND_HALF_EVEN)
    text = f"{digits:f}".rstrip("0")
    return f"{symbol}{text if len(text.partition('.')[2]) >= 2 else text + '0'}"
