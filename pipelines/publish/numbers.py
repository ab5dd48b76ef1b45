"""How a figure is written on a page: places, symbols, signs, words. What a figure means is elsewhere.

Rounding is that of `pipelines/money.py`. Money of one unit or more has two places, smaller money four, and money
under a ten-thousandth two significant digits, so that a priced amount never reads as nothing. Parts beside their
whole are rounded together (`written_parts`); a table whose written rows do not add up to its written total prints
the difference as a row (`residual`).
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from pipelines.money import exact, shown, shown_parts, total

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MINUS = "\u2212"
NOT_PRICED = "not priced"
NOTHING = "\u2013"
SYMBOLS = {"USD": "$", "EUR": "\u20ac", "GBP": "\u00a3", "JPY": "\u00a5"}
_MOST_PERCENT = Decimal(1_000)
_ONE, _HUNDRED, _MILLION = Decimal(1), Decimal(100), Decimal(1_000_000)


def places(value: Decimal) -> int:
    """How many decimal places a page gives the amount (see the module's rule)."""
    size = value.copy_abs()
    if size >= _ONE or size == 0:
        return 2
    return 4 if size >= Decimal("0.0001") else 1 - size.adjusted()


def rounded(value: Decimal) -> Decimal:
    """The amount as a page writes it."""
    return shown(value, places(value))


def written_parts(parts: Sequence[Decimal], *, least: int | None = None, most: int = 18) -> list[Decimal]:
    """Parts as written beside their whole, which is their sum.

    They have the places of the whole (`least` where given), and more only where a part would read as nothing.
    """
    wanted = places(total(parts)) if least is None else least
    made = shown_parts(parts, wanted)
    while wanted < most and any(part and not m for m, part in zip(made, parts, strict=True)):
        wanted += 1
        made = shown_parts(parts, wanted)
    return made


def sides(
    revenue: Decimal | None, cost: Decimal | None, margin: Decimal | None
) -> tuple[Decimal | None, Decimal | None, Decimal | None]:
    """The three as written side by side: wherever revenue is cost + margin, it reads so too."""
    if revenue is None or cost is None or margin is None or revenue != total([cost, margin]):
        return _rounded(revenue), _rounded(cost), _rounded(margin)
    parts = written_parts([cost, margin], least=places(revenue))
    return total(parts), parts[0], parts[1]


def _rounded(value: Decimal | None) -> Decimal | None:
    return None if value is None else rounded(value)


def money(value: Decimal | None, currency: str = "USD", *, sign: bool = False) -> str:
    """`$1,234.56`; a missing amount is "not priced", never 0. `sign` also writes a plus."""
    return NOT_PRICED if value is None else written(rounded(value), currency, sign=sign)


def written(amount: Decimal, currency: str = "USD", *, sign: bool = False) -> str:
    """An amount that is rounded already, with its symbol."""
    lead = MINUS if amount < 0 else "+" if sign and amount > 0 else ""
    return f"{lead}{symbol(currency)}{amount.copy_abs():,f}"


def symbol(currency: str) -> str:
    """`$`, or the code and a space where there is no sign in common use."""
    return SYMBOLS.get(currency, currency + "\u00a0")


def money_parts(text: str) -> tuple[str, str]:
    """An amount's text split before the decimal point, for a tile that sets the cents smaller.

    Less than one unit is not split: `$0` alone would be read as nothing.
    """
    whole, point, cents = text.partition(".")
    return (whole, point + cents) if any(digit in whole for digit in "123456789") else (text, "")


def raw(value: Decimal | int | float | None) -> str:
    """The full figure without symbol, grouping or trailing zeros: for titles, sorting and CSV."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        text = f"{value:f}"
        text = text.rstrip("0").rstrip(".") if "." in text else text
        return "0" if text in {"-0", ""} else text
    return repr(value) if isinstance(value, float) else str(value)


def residual(whole: Decimal, parts: Iterable[Decimal | None]) -> Decimal:
    """A written total less the sum of its written parts: what a table prints as its rounding row."""
    with exact():
        return whole - total(part for part in parts if part is not None)


def rounding(rest: Decimal, currency: str) -> str:
    """A residual with sign, in two places where it has no more."""
    short_rest = shown(rest, 2)
    return written(short_rest if short_rest == rest else rest.normalize(), currency, sign=True)


def count(value: int | None) -> str:
    """`1,234,567`."""
    return NOTHING if value is None else f"{value:,}".replace("-", MINUS)


def counted(n: int, one: str, many: str = "") -> str:
    """`1 file`, `1,204 files`; `many` where the plural is more than an s."""
    return f"{count(n)} {one if n == 1 else many or one + 's'}"


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
    """`13.6 %`; shares close to all or nothing get the places they need not to read 100 or 0.

    What is beyond 1,000 % either way has next to nothing below it and reads as `over 1,000 %`, `under -1,000 %`.
    """
    if value is None:
        return NOTHING
    scaled = value * _HUNDRED
    if abs(scaled) > _MOST_PERCENT:
        return f"{'over' if value > 0 else 'under'} {written_percent(_MOST_PERCENT.copy_sign(value), sign=sign)}"
    digits = 1
    distance = min(abs(scaled), abs(_HUNDRED - scaled))
    while not sign and distance != 0 and distance < Decimal("0.05").scaleb(1 - digits) and digits < 4:
        digits += 1
    return written_percent(shown(scaled, digits), sign=sign)


def percents(shares: Sequence[Decimal]) -> list[str]:
    """Shares of one whole, written so that they add up to it; with up to four places for the smallest."""
    with exact():
        return [written_percent(part) for part in written_parts([s * _HUNDRED for s in shares], least=1, most=4)]


def written_percent(value: Decimal, *, sign: bool = False) -> str:
    """A figure in percent that is rounded already."""
    lead = MINUS if value < 0 else "+" if sign and value > 0 else ""
    return f"{lead}{value.copy_abs():,f}\u00a0%"


def percentile(value: Decimal | None) -> str:
    """A rank among peers from 0 to 100, `99.7`: everywhere with one place and no sign of percent."""
    return NOTHING if value is None else f"{shown(value, 1):f}"


def change(now: Decimal | int | None, before: Decimal | int | None) -> Decimal | None:
    """Relative change now / before - 1, or None without a base: nothing before, or either below 0."""
    if now is None or not before or now < 0 or before < 0:
        return None
    return Decimal(now) / Decimal(before) - 1


def change_words(now: Decimal | int | None, before: Decimal | int | None) -> str:
    """`up 13.6 %`, `down 2.0 %`, `unchanged`, `new`: direction in words, never by colour alone.

    Where either is below 0 there is no percentage: `up`, `down`.
    """
    relative = change(now, before)
    if now is not None and before is not None and min(now, before) < 0:
        return "unchanged" if now == before else "up" if now > before else "down"
    if relative is None:
        return "new" if now else "unchanged"
    if abs(relative) < Decimal("0.0005"):
        return "unchanged"
    if relative >= 10:
        return f"up {relative + 1:,.0f}\u00d7"
    return f"{'up' if relative > 0 else 'down'} {percent(abs(relative), sign=True).removeprefix('+')}"


def margin_words(now: Decimal, before: Decimal, currency: str) -> str:
    """The change of a margin of which one side is a loss, as an amount: `loss grew by $3.10`."""
    if now == before:
        return "unchanged"
    by = money(abs(now - before), currency)
    if now < 0 and before < 0:
        return f"loss {'grew' if now < before else 'shrank'} by {by}"
    return f"down {by} to a loss" if now < before else f"up {by} from a loss"


def per_million(amount: Decimal | None, tokens: int | None) -> Decimal | None:
    """Effective price: amount per million tokens, to twelve places."""
    return per_units(amount, tokens, _MILLION)


def per_units(amount: Decimal | None, quantity: int | None, units: Decimal) -> Decimal | None:
    """What so many units come to where `quantity` of them come to `amount`, to twelve places."""
    if amount is None or not quantity:
        return None
    with exact():
        return shown(amount * units / Decimal(quantity), 12)


def listed(value: Decimal | None, currency: str = "USD") -> str:
    """A price of the book in all its digits, at least two places."""
    if value is None:
        return NOTHING
    whole, _, fraction = f"{value.normalize():,f}".partition(".")
    return f"{symbol(currency)}{whole}.{fraction.ljust(2, '0')}"


def rate(value: Decimal | None, currency: str = "USD") -> str:
    """A price per million tokens: two places from 1 on, else up to four significant digits."""
    if value is None:
        return NOTHING
    if value >= 1 or value == 0:
        return f"{symbol(currency)}{shown(value, 2):,f}"
    text = f"{shown(value, 3 - value.adjusted()):f}".rstrip("0")
    return f"{symbol(currency)}{text if len(text.partition('.')[2]) >= 2 else text + '0'}"
