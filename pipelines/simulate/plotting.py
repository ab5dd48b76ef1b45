"""How many campaigns and look-alikes a home of that size gets, and how large they are together.

What each of them does belongs in `campaigns.py` and `look_alikes.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.simulate.campaigns import bulk, hydra, low_and_slow, pivot
from pipelines.simulate.look_alikes import (
    content_generation,
    early_adopter,
    labelling_backfill,
    load_test,
    nightly_batch,
    product_launch,
)
from pipelines.simulate.stage import Plots, Stage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.random import Generator

    from pipelines.simulate.population import Organization
    from pipelines.simulate.streams import Codes, Stream

FEWEST_DAYS, FEWEST_FOR_CAMPAIGNS, FEWEST_FOR_LOOK_ALIKES = 4, 50, 20
LARGEST_SHARE = 0.25  # of all requests, for everything planted with a budget of its own


def newcomers(organizations: int, *, days: int, campaigns: bool) -> int:
    """How many of that many organisations exist only for a campaign."""
    if not campaigns or days < FEWEST_DAYS or organizations < FEWEST_FOR_CAMPAIGNS:
        return 0
    return _times(organizations) * _heads(organizations) + _bulks(organizations) // 2


def _times(organizations: int) -> int:
    return max(1, round(organizations / 200))


def _bulks(organizations: int) -> int:
    return 2 * _times(organizations) if organizations >= 200 else 1


def _heads(organizations: int) -> int:
    return min(12, max(5, int(organizations * 0.06)))


def plant(
    rng: Generator,
    codes: Codes,
    people: Sequence[Organization],
    everyday: Sequence[Stream],
    spare_numbers: Sequence[int],
    *,
    days: int,
    campaigns: bool,
) -> Plots:
    """Campaigns (from 50 organisations on; more with more) and look-alikes (from 20 on).

    Periods shorter than 4 days get none. `everyday` streams may be cut short by a pivot.
    """
    plots, size = Plots(), len(people) + len(spare_numbers)
    stage = Stage(rng, codes, people, days, list(spare_numbers), everyday)
    if days < FEWEST_DAYS:
        return plots
    times = _times(size)
    if campaigns and size >= FEWEST_FOR_CAMPAIGNS:
        for i in range(_bulks(size)):
            bulk(stage, plots, f"bulk-{i + 1}", new_account=i % 2 == 1)
        for i in range(times):
            hydra(stage, plots, f"hydra-{i + 1}", heads=_heads(size))
        for i in range(times if size >= 100 else 0):
            low_and_slow(stage, plots, f"slow-{i + 1}")
            pivot(stage, plots, f"pivot-{i + 1}")
    if size >= FEWEST_FOR_LOOK_ALIKES:
        for i in range(times):
            product_launch(stage, plots, f"product-launch-{i + 1}")
            labelling_backfill(stage, plots, f"labelling-backfill-{i + 1}")
        for i in range(times if size >= FEWEST_FOR_CAMPAIGNS else 0):
            nightly_batch(stage, plots, f"nightly-batch-{i + 1}")
            load_test(stage, plots, f"load-test-{i + 1}")
            content_generation(stage, plots, f"content-generation-{i + 1}")
            early_adopter(stage, plots, f"early-adopter-{i + 1}")
    share = sum(plots.budgets.values())
    if share > LARGEST_SHARE:
        plots.budgets = {k: v * LARGEST_SHARE / share for k, v in plots.budgets.items()}
    return plots
