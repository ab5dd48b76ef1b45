"""Turns evidence into a queue that people can review: budgets, ranks and empirical p-values.

No threshold here is a quantity of traffic. The budget is a number of alerts; ranks and shuffled
data decide what is rare enough to use one.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

GROUP_SHARE = 0.5  # of the alerts, at most, for groups of accounts; what they leave goes to single accounts
DRAWS = 2_000  # random groups that an observed group is compared with
SEED = 20_240_817


def budget(alerts_per_1000: float, organization_days: int) -> float:
    """Alerts that fit, given how many active organisation-days were judged."""
    return alerts_per_1000 * organization_days / 1000


def whole_alerts(allowed: float) -> int:
    """Cases to show: the budget, rounded half up. Below half an alert nothing is shown."""
    return math.floor(allowed + 0.5)


def group_alerts(alerts: int) -> int:
    """How many of them may be groups."""
    return math.ceil(alerts * GROUP_SHARE)


def share_of(alerts: int, share: float) -> int:
    """So many of the alerts, rounded up: one alert alone goes to the first in the queue."""
    return math.ceil(alerts * share)


def surprise_of(p: float) -> float:
    """Score of a case: -log10 of its p-value; 3 means one in a thousand."""
    return round(-math.log10(p), 6)


def random_group_p(values: NDArray[np.float64], members: Sequence[int]) -> float:
    """How often a random group of that size has a mean at least as high as the members'.

    `values` is one number per account, in a fixed order; (1 + hits) / (1 + draws), so never 0.
    """
    generator = np.random.default_rng([SEED, len(members)])
    draws = generator.integers(0, len(values), size=(DRAWS, len(members)))
    means = values[draws].mean(axis=1)
    seen = values[np.asarray(members, dtype=np.int64)].mean()
    return float((1 + np.count_nonzero(means >= seen - 1e-12)) / (1 + DRAWS))
