"""What the simulated requests must be charged and cost: exact, in plain Python decimals.

Works on sums by (day, organisation, product, model, batch): right only because no price of a model
used here changes within a UTC day and none depends on a single request; the first is checked.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from pipelines.errors import MeterhouseError
from pipelines.simulate.catalogue import COST_SHARE
from pipelines.simulate.prices import rates_at
from pipelines.simulate.traffic import base_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from pipelines.simulate.prices import PriceRow

PRICED = ("input", "cached_input", "output")


class Rater:
    """Looks a rate up once for each card, model, batch and day."""

    def __init__(self, book: Sequence[PriceRow], start: datetime, days: int) -> None:
        self.book, self.start = book, start
        self.known: dict[tuple[str, str, str, bool, int], dict[str, Decimal]] = {}
        end = start + timedelta(days=days)
        for row in book:
            for edge in (row.valid_from, row.valid_to):
                used = (row.model, row.model_tier) in COST_SHARE
                if edge and used and start < edge < end and (edge - start).total_seconds() % 86_400:
                    raise MeterhouseError(
                        f"the price of {row.model} changes within a day ({edge.isoformat()}).",
                        way_out="Simulate another period, or make the simulator sum by hour.",
                    )

    def amount(self, card: str, model: str, *, batch: bool, day: int, tokens: Mapping[str, int]) -> Decimal | None:
        """Exact amount of tokens by unit; None when the model or a bucket in use has no rate."""
        key = (card, *tier_of(model), batch, day)
        if key not in self.known:
            at = self.start + timedelta(days=day)
            self.known[key] = rates_at(self.book, model, card=card, batch=batch, at=at)
        rates = self.known[key]
        if not rates or any(tokens[u] and u not in rates for u in PRICED):
            return None
        return sum((tokens[u] * rates[u] for u in PRICED if tokens[u]), Decimal(0))


def tier_of(model: str) -> tuple[str, str]:
    """Base model and tier of a model id."""
    return base_of(model), "fine_tuned" if model.startswith("ft:") else "base"
