"""Organisations made of customers: smaller, later, of weeks that were never one customer's.

A customer's trace is two weeks long, and repeating it would make tomorrow known. So each organisation is put together
of weeks of different customers of the same profile, brought to its own size and answer lengths; what a week does within
itself and against its customer's usual level stays as it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pipelines.watch.bench.customers import SLOTS, WINDOWS, Floats, ReasoningLengths

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from pipelines.watch.bench.customers import Customers

WEEK = 7
# Of the organisations: those that join while we look, and those of a reasoning model.
NEWCOMERS, REASONING = 0.15, 0.15
# Decades by which an organisation is at most smaller than the customer it is made of.
THINNEST = 3.0


@dataclass(slots=True)
class Fleet:
    """Organisations by row. Days count from the first day of history.

    source         the customer whose copies are not independent of each other (unit of the bootstrap)
    rates          organisations x days x 144: expected requests of a ten-minute slot
    input_mean     organisations x days x 4: mean input tokens of a request, by six hours
    output_mean    the same of output tokens
    output_spread  standard deviation of ln(output tokens) of one request, about
    first_day      the day on which it joins; 0 for those that were there before
    """

    source: NDArray[np.int32]
    source_names: tuple[str, ...]
    rates: Floats
    input_mean: Floats
    output_mean: Floats
    output_spread: Floats
    reasoning: NDArray[np.bool_]
    first_day: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.source)

    @property
    def days(self) -> int:
        """Days of every organisation."""
        return int(self.rates.shape[1])


def split(customers: Customers, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Customers for teaching and setting thresholds, and customers held out: two random halves."""
    order = np.random.default_rng([seed, 2]).permutation(len(customers.names))
    half = len(order) // 2
    return np.sort(order[:half]), np.sort(order[half:])


def split_lengths(lengths: ReasoningLengths, seed: int) -> tuple[ReasoningLengths, ReasoningLengths]:
    """The same of the customers of reasoning models: lengths of one half are never another's."""
    order = np.random.default_rng([seed, 6]).permutation(len(lengths.names))
    half = len(order) // 2
    first, second = (
        ReasoningLengths(
            tuple(lengths.names[n] for n in rows),
            lengths.input_mean[rows],
            lengths.output_mean[rows],
            lengths.output_spread[rows],
        )
        for rows in (np.sort(order[:half]), np.sort(order[half:]))
    )
    return first, second


def profiles(customers: Customers) -> NDArray[np.int64]:
    """A number for each customer; those that share it may stand for each other.

    Four profiles: answers shorter or longer than the middle customer's, and traffic in less or more than half of the
    slots of the days on which there is any.
    """
    answers = np.median(customers.output_mean, axis=(1, 2))
    active = customers.requests > 0
    days = active.any(axis=2)
    filled = active.sum(axis=(1, 2)) / np.maximum(days.sum(axis=1) * SLOTS, 1)
    found: NDArray[np.int64] = 2 * (answers > np.median(answers)).astype(np.int64) + (filled > 0.5)
    return found


def make_fleet(
    customers: Customers,
    reasoning: ReasoningLengths,
    chosen: NDArray[np.int64],
    rng: Generator,
    *,
    organizations: int,
    weeks: int,
    thinnest: float = THINNEST,
) -> Fleet:
    """Organisations made of the chosen customers alone, each up to `thinnest` decades smaller than its customer."""
    profile = profiles(customers)[chosen]
    daily = customers.requests.sum(axis=2)
    usual = np.array([np.median(d[d > 0]) if (d > 0).any() else 0 for d in daily])
    own_input, own_output = (np.median(m, axis=(1, 2)) for m in (customers.input_mean, customers.output_mean))
    able = chosen[usual[chosen] > 0]
    sources = rng.permutation(np.resize(rng.permutation(able), organizations))
    rates = np.zeros((organizations, weeks * WEEK, SLOTS), np.float32)
    inputs = np.zeros((organizations, weeks * WEEK, WINDOWS), np.float32)
    outputs = np.zeros_like(inputs)
    for row, source in enumerate(sources):
        same = profile[np.searchsorted(chosen, able)] == profile[np.searchsorted(chosen, source)]
        size = usual[source] * 10 ** -rng.uniform(0, thinnest)
        for week, (customer, part) in enumerate(
            _weeks(rng, int(source), able[same], able[~same], weeks, customers.days // WEEK)
        ):
            here, there = slice(week * WEEK, (week + 1) * WEEK), slice(part * WEEK, (part + 1) * WEEK)
            rates[row, here] = customers.requests[customer, there] * (size / usual[customer])
            inputs[row, here] = customers.input_mean[customer, there] / own_input[customer]
            outputs[row, here] = customers.output_mean[customer, there] / own_output[customer]
        # Where midnight lies is not known of any trace.
        rates[row] = np.roll(rates[row].ravel(), rng.integers(SLOTS)).reshape(-1, SLOTS)
    thinks = rng.random(organizations) < REASONING
    donors = rng.integers(len(reasoning.names), size=organizations)
    spread = np.where(thinks, reasoning.output_spread[donors], customers.output_spread[sources])
    own = np.exp(rng.normal(0, 0.2, (2, organizations, 1, 1)))
    for means, usual_length, donor_means in (
        (inputs, own_input, reasoning.input_mean),
        (outputs, own_output, reasoning.output_mean),
    ):
        np.multiply(
            means,
            np.where(thinks[:, None, None], donor_means[donors][:, None, :], usual_length[sources][:, None, None]),
            out=means,
        )
    joins = rng.random(organizations) < NEWCOMERS
    first = np.where(joins, rng.integers(1, weeks * WEEK - 2, organizations), 0)
    rates[np.arange(weeks * WEEK)[None, :] < first[:, None]] = 0
    return Fleet(
        source=sources.astype(np.int32),
        source_names=customers.names,
        rates=rates,
        input_mean=np.maximum(inputs * own[0], 1).astype(np.float32),
        output_mean=np.maximum(outputs * own[1], 1).astype(np.float32),
        output_spread=spread.astype(np.float32),
        reasoning=thinks,
        first_day=first.astype(np.int32),
    )


def _weeks(
    rng: Generator, source: int, alike: NDArray[np.int64], others: NDArray[np.int64], weeks: int, parts: int
) -> list[tuple[int, int]]:
    """Customer and week of its trace for each week of an organisation, no week twice.

    The source comes first, then others of its profile; where these are too few, theirs of another week and customers of
    other profiles.
    """
    alike, others = rng.permutation(alike[alike != source]), rng.permutation(others)
    near, far = [source, *alike.tolist()], others.tolist()
    first = dict(zip([*near, *far], rng.integers(parts, size=len(near) + len(far)).tolist(), strict=True))
    pairs = [(c, (first[c] + turn) % parts) for turn in range(parts) for c in near]
    pairs += [(c, first[c]) for c in far]
    if len(pairs) < weeks:
        raise ValueError(f"{len(near) + len(far)} customers make no organisation of {weeks} weeks")
    return pairs[:weeks]
