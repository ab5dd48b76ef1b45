"""Detector C, rhythm: small or new accounts that work to one clock, as heads of one job queue do.

Pure arrays: one row an account, one column a ten-minute slot of whole days. An account's own level
(mean of the two hours around a slot), its own minutes of the hour (cron jobs) and what the large
accounts do together at that moment (an outage) are taken away; what remains are its bursts and
pauses. Two accounts are compared by the self-normalised product of these: a pair that shares few
busy slots cannot score high.

How much agreement is too much is read off the same accounts with one of the two shifted by whole
days: hour of day and cron habits stay, a common queue does not. Loading and grouping belong in
`groups.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]

SLOTS = 144
SLOTS_AN_HOUR = 6
HALF_WINDOW = 6  # slots on either side of a slot that make its local level: two hours in all
CLIP = 4.0  # own standard deviations; one burst must not carry a pair
SHIFTS = (1, 2, 3)  # whole days; both directions are counted
FALSE_NEIGHBOURS = (1.0, 0.1, 0.01)  # mean number of chance neighbours at each level of agreement
LEAST_ACCOUNTS = 10
LEAST_GROUP = 3


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Heads found (row numbers), the pairs that link them with agreement, a p-value a head."""

    heads: tuple[int, ...]
    pairs: tuple[tuple[int, int, float], ...]
    p_value: dict[int, float]
    chance_agreement: float


NOTHING = Rhythm((), (), {}, 0.0)


def bursts(activity: Floats) -> Floats:
    """Residuals of `activity` (accounts x slots, whole days) in own deviations, clipped."""
    accounts, slots = activity.shape
    hours = slots // SLOTS_AN_HOUR
    width = 2 * HALF_WINDOW + 1
    ends = ((0, 0), (HALF_WINDOW + 1, HALF_WINDOW))
    sums = np.cumsum(np.pad(activity, ends), axis=1)
    counts = np.cumsum(np.pad(np.ones((1, slots)), ends), axis=1)
    level = (sums[:, width:] - sums[:, :-width]) / (counts[:, width:] - counts[:, :-width])
    minutes = activity.reshape(accounts, hours, SLOTS_AN_HOUR).sum(axis=1)
    everyone = minutes.sum(axis=0) / max(minutes.sum(), 1.0)
    # One hour's worth of everyone's habit is added to the own one.
    habit = (minutes + SLOTS_AN_HOUR * everyone) / (minutes.sum(axis=1, keepdims=True) + SLOTS_AN_HOUR)
    expected = (level.reshape(accounts, hours, SLOTS_AN_HOUR) * habit[:, None, :] * SLOTS_AN_HOUR).reshape(
        accounts, slots
    )
    busy = expected > 0
    residual = np.divide(activity - expected, np.sqrt(expected), out=np.zeros_like(expected), where=busy)
    scale = np.sqrt((residual**2).sum(axis=1) / np.maximum(busy.sum(axis=1), 1))
    clipped: Floats = np.clip(residual / np.maximum(scale, 1e-9)[:, None], -CLIP, CLIP)
    return clipped


def without_common(residual: Floats, benchmark: Floats) -> Floats:
    """Take out of every row what the benchmark accounts (at least LEAST_ACCOUNTS) do together."""
    if len(benchmark) < LEAST_ACCOUNTS:
        return residual
    common = benchmark.mean(axis=0)
    length = float(np.linalg.norm(common))
    if length < 1e-9:
        return residual
    direction = common / length
    return residual - np.outer(residual @ direction, direction)


def agreement(left: Floats, right: Floats) -> Floats:
    """Sum of products over the root of the sum of squared products, for every pair of rows."""
    scale: Floats = np.sqrt((left * left) @ (right * right).T + 1)
    products: Floats = left @ right.T
    return products / scale


def shared_rhythm(activity: Floats, benchmark: Floats, expected_false: float) -> Rhythm:
    """Accounts with more synchronous neighbours than shifted traffic ever has.

    `expected_false` is the number of accounts that may be named by chance, over all levels. At each
    level of agreement a head needs as many neighbours as at most that many accounts of the shifted
    traffic have.
    """
    accounts = len(activity)
    if accounts < LEAST_ACCOUNTS:
        return NOTHING
    rows = without_common(bursts(activity), bursts(benchmark) if len(benchmark) else benchmark).astype(np.float32)
    observed = agreement(rows, rows)
    np.fill_diagonal(observed, 0)
    shifted = []
    for days in SHIFTS:
        null = agreement(rows, np.roll(rows, days * SLOTS, axis=1))
        np.fill_diagonal(null, 0)
        shifted.append(null)
    pooled = np.concatenate([null.ravel() for null in shifted])
    heads: set[int] = set()
    links: dict[tuple[int, int], float] = {}
    p_value: dict[int, float] = {}
    weakest = 0.0
    for chance in FALSE_NEIGHBOURS:
        high = max(1, round(chance / accounts * len(pooled)))
        level = float(np.partition(pooled, len(pooled) - high)[len(pooled) - high])
        degree = (observed > level).sum(axis=1)
        null_degree = np.sort(np.concatenate([(null > level).sum(axis=axis) for null in shifted for axis in (0, 1)]))
        rounds = 2 * len(SHIFTS)
        least = LEAST_GROUP - 1
        while _at_least(null_degree, least) / rounds > expected_false / len(FALSE_NEIGHBOURS):
            least += 1
        found = np.flatnonzero(degree >= least)
        for head in found.tolist():
            p = (1 + _at_least(null_degree, int(degree[head]))) / (1 + len(null_degree))
            p_value[head] = min(p_value.get(head, 1.0), p * len(FALSE_NEIGHBOURS), 1.0)
        near = observed[np.ix_(found, found)] > level
        # A chance pair must not join two queues: linked heads have linked neighbours in common.
        common = near.astype(np.float32) @ near.astype(np.float32)
        near &= common >= max(1, (least - 1) // 2)
        for a, b in zip(*np.nonzero(np.triu(near)), strict=True):
            i, j = int(found[a]), int(found[b])
            links[i, j] = round(float(observed[i, j]), 3)
        if len(found):
            heads.update(found.tolist())
            weakest = max(weakest, level)
    pairs = tuple((i, j, value) for (i, j), value in sorted(links.items()))
    return Rhythm(tuple(sorted(heads)), pairs, p_value, round(weakest, 3))


def _at_least(ordered: NDArray[np.int_], least: int) -> int:
    return int(len(ordered) - np.searchsorted(ordered, least, side="left"))
