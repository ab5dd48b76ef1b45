"""Why revenue changed: volume, mix, price, lines that are new and lines that ended.

Each organisation's change is split on its own and the parts are added up, so that the whole and the single
organisation tell the same story. A line is product x provider x model x tier x service tier x kind of quantity
(input tokens, hosting hours, ...). Over the lines present in both periods revenue is Q x sum(share x rate), Q all
their quantities; each factor's part is its Shapley value, the mean over all orders in which the three could have
changed. Written out for the sum over lines this needs six sums only, which SQL delivers (queries/attribution.sql):

    volume = (Q1 - Q0) x [(R0/Q0 + R1/Q1) / 3 + (A/Q0 + B/Q1) / 6]
    mix    = [Q0 x B/Q1 + R1 - R0 - Q1 x A/Q0] / 3 + [Q0 x R1/Q1 + B - A - Q1 x R0/Q0] / 6
    price  = (R1 - R0) - volume - mix

with A old quantities at new rates, B new quantities at old rates. The parts add up to the change to the last digit,
swapping the periods only flips signs, and no order is preferred.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from pipelines.money import exact, shown, total

if TYPE_CHECKING:
    from collections.abc import Iterable

# The six sums hold means, cut at the eighteenth place: smaller parts than this are what was cut, and no cause.
_PLACES = 12
_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Sums:
    """Six sums over the lines present in both periods, and the money of those in one only."""

    quantity_before: int
    quantity_now: int
    revenue_before: Decimal
    revenue_now: Decimal
    old_at_new_rates: Decimal
    new_at_old_rates: Decimal
    started: Decimal
    ended: Decimal


@dataclass(frozen=True, slots=True)
class Change:
    """The parts of a change in revenue; they add up to `total` exactly."""

    before: Decimal
    now: Decimal
    volume: Decimal
    mix: Decimal
    price: Decimal
    started: Decimal
    ended: Decimal

    @property
    def total(self) -> Decimal:
        """The change itself."""
        return self.now - self.before

    def parts(self) -> list[tuple[str, Decimal]]:
        """Name and amount of each part, in reading order."""
        return [
            ("Volume", self.volume),
            ("Mix", self.mix),
            ("Price", self.price),
            ("New", self.started),
            ("Ended", self.ended),
        ]

    def leading(self) -> tuple[str, Decimal]:
        """The part that moves furthest in the direction of the whole."""
        up = self.total >= 0
        return max(self.parts(), key=lambda part: part[1] if up else -part[1])

    def opposing(self) -> tuple[str, Decimal]:
        """The part that moves furthest against the whole; 0 when none does."""
        up = self.total >= 0
        name, amount = min(self.parts(), key=lambda part: part[1] if up else -part[1])
        against = amount < 0 if up else amount > 0
        return name, amount if against else _ZERO


def together(changes: Iterable[Change]) -> Change:
    """The change of all: every part is the sum of that part."""
    rows = [astuple(change) for change in changes]
    return Change(*(total(column) for column in zip(*rows, strict=True)))


def split(sums: Sums) -> Change:
    """Divide a change in revenue among its causes, exactly."""
    r0, r1 = sums.revenue_before, sums.revenue_now
    with exact():
        volume = mix = _ZERO
        if sums.quantity_before and sums.quantity_now:
            q0, q1 = Decimal(sums.quantity_before), Decimal(sums.quantity_now)
            a, b = sums.old_at_new_rates, sums.new_at_old_rates
            volume = (q1 - q0) * ((r0 / q0 + r1 / q1) / 3 + (a / q0 + b / q1) / 6)
            mix = (q0 * b / q1 + r1 - r0 - q1 * a / q0) / 3 + (q0 * r1 / q1 + b - a - q1 * r0 / q0) / 6
        volume, mix, price = _whole([volume, mix, r1 - r0 - volume - mix], r1 - r0)
        return Change(
            before=r0 - sums.ended,
            now=r1 + sums.started,
            volume=volume,
            mix=mix,
            price=price,
            started=sums.started,
            ended=sums.ended,
        )


def _whole(parts: list[Decimal], whole: Decimal) -> list[Decimal]:
    """Parts without what was cut: a cause that had no part stays without one, and the largest takes the rest."""
    made = [shown(part, _PLACES) for part in parts]
    largest = max(range(len(made)), key=lambda place: abs(made[place]))
    made[largest] += whole - total(made)
    return made
