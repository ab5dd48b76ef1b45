"""The one place that rounds money for people. What is stored is exact and is never rounded.

Half to even, and such that shown parts add up to the shown whole. How many places a figure gets, its symbol and
its sign belong to whoever writes it (`pipelines/publish/numbers.py` for pages).
"""

from __future__ import annotations

from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal, localcontext
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from contextlib import AbstractContextManager

# Twice the digits of DECIMAL(38,18): sums of amounts stay exact. Python's own context would cut them at 28.
EXACT = Context(prec=76)


def exact() -> AbstractContextManager[Context]:
    """A block in which sums and differences of amounts are exact."""
    return localcontext(EXACT)


def total(parts: Iterable[Decimal]) -> Decimal:
    """The exact sum."""
    with exact():
        return sum(parts, Decimal(0))


def shown(amount: Decimal, places: int) -> Decimal:
    """The amount with so many decimal places, half to even."""
    return amount.quantize(_step(places), ROUND_HALF_EVEN, EXACT)


def shown_parts(parts: Sequence[Decimal], places: int, whole: Decimal | None = None) -> list[Decimal]:
    """Parts with so many places that add up to their shown sum; each less than one step from its exact value.

    By largest remainder: all are rounded down, then those that lost most are rounded up instead, as many as the
    whole needs. Of equal remainders the earlier position is rounded up. `whole` is what is left for them where the
    other parts of a table are shown already: a number of as many places, about their sum.
    """
    if not parts:
        return []
    step = _step(places)
    made = [part.quantize(step, ROUND_FLOOR, EXACT) for part in parts]
    with exact():
        aim = shown(total(parts), places) if whole is None else whole
        each, some = divmod(int((aim - total(made)) / step), len(made))
        by_loss = sorted(range(len(made)), key=lambda place: (made[place] - parts[place], place))
        for rank, place in enumerate(by_loss):
            made[place] += step * (each + (rank < some))
    return made


def _step(places: int) -> Decimal:
    return Decimal(1).scaleb(-places)
