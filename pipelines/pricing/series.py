"""What a source of list prices says, in our own words: series of prices, and what of it we cannot take.

Every source (a package, another project's file, a CSV) is read into these; what of them gets into a
book is decided in `importer.py` alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from decimal import Decimal

MILLION = 1_000_000
Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """From the instant `starts` on (None: no date is given) `per` cost `price` (None: no longer sold).

    `said` becomes the row's source. Where `known_from` and `checked_on` are empty, the day of the
    import stands in.
    """

    starts: str | None
    price: Decimal | None
    said: str
    per: int = MILLION
    known_from: str = ""
    checked_on: str = ""


@dataclass(frozen=True, slots=True)
class Series:
    """All that a source says of one key, in order of time; an undated change comes first.

    `entry` is the source's own name of where it stands.
    """

    provider: str
    model: str
    entry: str
    unit: str
    changes: tuple[Change, ...]
    card: str = "list"
    model_tier: str = "base"
    service_tier: str = "standard"
    region: str = ""
    currency: str = "USD"
    context_from: int = 0

    @property
    def key(self) -> Key:
        """The key of its rows, in the order of `RATES.key`."""
        return (
            self.card, self.provider, self.model, self.model_tier, self.service_tier, self.region, self.unit,
            self.currency, str(self.context_from),
        )  # fmt: skip

    def __str__(self) -> str:
        """Its key in words, without what is usual."""
        words = (
            self.provider, self.model, self.model_tier if self.model_tier != "base" else "", self.service_tier,
            self.region, self.unit, f"from {self.context_from} tokens" if self.context_from else "",
        )  # fmt: skip
        return " ".join(word for word in words if word)


@dataclass(frozen=True, slots=True, order=True)
class LeftOut:
    """Something a source says that does not get into the book, and why."""

    reason: str
    entry: str


@dataclass(slots=True)
class Source:
    """A source as read. `name` is how the `source` of its rows begins.

    `says_ends` is true of sources that say themselves from when to when a price holds; what others
    no longer mention stays in the book.
    """

    name: str
    series: list[Series] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    says_ends: bool = False


def million_price(price: Decimal, per: int) -> Decimal:
    """The price of a million, exact, to compare prices of different blocks."""
    return price * (MILLION // per)


def price_text(price: Decimal) -> str:
    """Plain decimal text with at least two places: 2.50, 0.075, 30.00."""
    places = max(2, -int(price.normalize().as_tuple().exponent))
    return f"{price:.{places}f}"


def inexact(price: Decimal) -> str | None:
    """Why a price cannot stand in a row, else None."""
    if price.is_signed() and price:
        return "its price is negative"
    if price != round(price, 6):
        return "its price has more than six decimals"
    return None
