"""Honest traffic that looks like a campaign, of single customers: what a watch must not send to a reviewer.

Most change what a customer does of itself; nothing here is worth a case. `synthetic_data` is the exception: a customer
who honestly makes data for an own product does what a harvester does, and the right answer is to ask; it is scored
apart.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from pipelines.watch.bench.customers import SLOTS
from pipelines.watch.bench.everyday import NEW_MODEL, habits_of
from pipelines.watch.bench.harvest import harvesting, release_day
from pipelines.watch.bench.misuse import SUITES
from pipelines.watch.bench.pieces import Habits, Piece
from pipelines.watch.bench.scene import HISTORY, PLAIN, Planted, Scene, spread_out

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

_FLAT = np.full(SLOTS, 1 / SLOTS)


def _plant(scene: Scene, label: str, kind: str, organizations: tuple[int, ...], first: int, last: int) -> None:
    scene.planted.append(Planted(label, kind, "look_alike", organizations, first, min(last, scene.days - 1)))


def _piece(
    scene: Scene, label: str, organization: int, first: int, requests: NDArray[np.int64], given: float,
    answered: float, habits: Habits,
) -> None:  # fmt: skip
    scene.pieces.append(
        Piece(organization, scene.pools.take("keys"), label, first, requests, given, answered, 0.5, habits)
    )


def nightly_batch(scene: Scene, label: str) -> None:
    """From one day on a job of two to six hours every night, of the customer's own kind."""
    rng = scene.rng
    first = scene.start(7)
    organization = scene.host(100, 50_000, first, 7)
    begin, width, days = int(rng.integers(SLOTS)), int(rng.integers(12, 36)), scene.days - first
    hours = np.where((np.arange(SLOTS) - begin) % SLOTS < width, 1.0, 0.0)
    amounts = np.full(days, scene.usual_day(organization, first) * rng.uniform(1, 8))
    fleet = scene.fleet
    given, answered = (float(m[organization].mean()) for m in (fleet.input_mean, fleet.output_mean))
    habits = replace(scene.habits[organization], fresh=0.95, templates=(scene.pools.take("templates"), 1))
    requests = spread_out(rng, amounts, hours / hours.sum(), 10.0)
    _piece(scene, label, organization, first, requests, given, answered * float(rng.uniform(0.5, 1.5)), habits)
    _plant(scene, label, "nightly_batch", (organization,), first, scene.days - 1)


def launch(scene: Scene, label: str) -> None:
    """A product that takes off: three to twenty times the traffic within days, and it stays."""
    rng = scene.rng
    first = scene.start(10)
    organization = scene.host(100, 50_000, first, 10)
    days = np.arange(scene.days - first)
    growth = 1 + rng.uniform(2, 19) / (1 + np.exp(-(days - rng.uniform(2, 6)) / rng.uniform(0.4, 1.5)))
    scene.fleet.rates[organization, first:] *= growth[:, None].astype(np.float32)
    _plant(scene, label, "launch", (organization,), first, scene.days - 1)


def load_test(scene: Scene, label: str) -> None:
    """For an hour or three ten to a hundred times the usual pace, with the same few prompts."""
    rng = scene.rng
    first = scene.start(2)
    organization = scene.host(100, 50_000, first, 2)
    begin, width = int(rng.integers(SLOTS - 20)), int(rng.integers(6, 19))
    pace = scene.usual_day(organization, first) / SLOTS * 10 ** rng.uniform(1, 2)
    requests = np.zeros((1, SLOTS), np.int64)
    requests[0, begin : begin + width] = rng.poisson(pace, width)
    fleet = scene.fleet
    given, answered = (float(m[organization].mean()) for m in (fleet.input_mean, fleet.output_mean))
    habits = replace(scene.habits[organization], fresh=0.01, limited=float(rng.beta(2, 6)))
    _piece(scene, label, organization, first, requests, given, answered, habits)
    _plant(scene, label, "load_test", (organization,), first, first)


def labelling(scene: Scene, label: str) -> None:
    """A backfill of labels: huge, from one template, new prompts, answers of 2 to 30 tokens."""
    rng = scene.rng
    length = int(rng.integers(1, 5))
    first = scene.start(length)
    organization = scene.host(100, 50_000, first, length)
    amounts = np.full(length, max(scene.usual_day(organization, first), 500) * 10 ** rng.uniform(0.5, 2))
    habits = replace(
        scene.habits[organization], fresh=1.0, templates=(scene.pools.take("templates"), 1), top_template=1.0, cold=1.0,
        logprobs=0.9 if rng.random() < 0.3 else 0.0, users=(0, 0),
    )  # fmt: skip
    requests = spread_out(rng, amounts, _FLAT, 20.0)
    given = float(rng.uniform(200, 1500))
    _piece(scene, label, organization, first, requests, given, float(rng.uniform(2, 30)), habits)
    _plant(scene, label, "labelling", (organization,), first, first + length - 1)


def reindex(scene: Scene, label: str) -> None:
    """An index made anew with embeddings: much input, no output."""
    rng = scene.rng
    length = int(rng.integers(1, 5))
    first = scene.start(length)
    organization = scene.host(100, 50_000, first, length)
    amounts = np.full(length, max(scene.usual_day(organization, first), 500) * 10 ** rng.uniform(0.5, 2))
    habits = replace(scene.habits[organization], fresh=1.0, model="text-embedding-3-small", cached=0.0, users=(0, 0))
    requests = spread_out(rng, amounts, _FLAT, 20.0)
    _piece(scene, label, organization, first, requests, float(rng.uniform(200, 900)), 0.0, habits)
    _plant(scene, label, "reindex", (organization,), first, first + length - 1)


def time_zone_move(scene: Scene, label: str) -> None:
    """The same traffic five to eleven hours later: the team or its users moved."""
    first = scene.start(7)
    organization = scene.host(100, 50_000, first, 7)
    rates = scene.fleet.rates[organization, first:]
    rates[:] = np.roll(rates.ravel(), int(scene.rng.integers(30, 67))).reshape(rates.shape)
    _plant(scene, label, "time_zone_move", (organization,), first, scene.days - 1)


def holiday(scene: Scene, label: str) -> None:
    """Five to twelve days away, and back at once, with what was left undone on top."""
    rng = scene.rng
    length = int(rng.integers(5, 13))
    first = scene.start(length + 4)
    organization = scene.host(100, 50_000, max(HISTORY, first), 7)
    rates = scene.fleet.rates[organization]
    rates[first : first + length] *= np.float32(rng.uniform(0, 0.03))
    rates[first + length : first + length + 2] *= np.float32(rng.uniform(1, 2.5))
    _plant(scene, label, "holiday", (organization,), first, first + length + 3)


def own_evaluation(scene: Scene, label: str) -> None:
    """Tests of the customer's own product on every change of it: runs of one size, many a day, on working days."""
    rng = scene.rng
    first = scene.start(14)
    organization = scene.host(100, 50_000, first, 14)
    days = scene.days - first
    size = int(rng.integers(20, 400))
    size += size in SUITES
    requests = np.zeros((days, SLOTS), np.int64)
    for day in range(days):
        for _ in range(int(rng.poisson(3)) if (first + day) % 7 < 5 else 0):
            # Tests are added and taken out as the product changes.
            requests[day, int(rng.integers(40, 120))] += max(1, size + int(rng.integers(-2, 3)))
        size += int(rng.integers(0, 4))
    fleet = scene.fleet
    given, answered = (float(m[organization].mean()) for m in (fleet.input_mean, fleet.output_mean))
    habits = replace(scene.habits[organization], cold=1.0, fresh=0.05, suite=size, users=(0, 0))
    _piece(scene, label, organization, first, requests, given, answered, habits)
    _plant(scene, label, "own_evaluation", (organization,), first, scene.days - 1)


def retry_storm(scene: Scene, label: str) -> None:
    """Hours in which every request fails and is sent again and again."""
    rng = scene.rng
    first = scene.start(2)
    organization = scene.host(100, 50_000, first, 2)
    begin, width = int(rng.integers(SLOTS - 30)), int(rng.integers(6, 30))
    pace = scene.usual_day(organization, first) / SLOTS * 10 ** rng.uniform(0.5, 1.7)
    requests = np.zeros((1, SLOTS), np.int64)
    requests[0, begin : begin + width] = rng.poisson(pace, width)
    habits = replace(scene.habits[organization], failed=0.97, limited=float(rng.uniform(0, 0.8)), fresh=0.02)
    _piece(scene, label, organization, first, requests, float(scene.fleet.input_mean[organization].mean()), 0.0, habits)
    _plant(scene, label, "retry_storm", (organization,), first, first)


def early_adopter(scene: Scene, label: str) -> None:
    """A customer who moves to the new model as it comes out, with what it always asked."""
    rng = scene.rng
    first = release_day(scene) + int(rng.integers(0, 4))
    days = scene.days - first
    organization = scene.host(100, 60_000, first, min(7, days))
    share = float(rng.uniform(0.3, 1.0))
    rates = scene.fleet.rates[organization, first:]
    requests = rng.poisson(np.minimum(rates * share, 1e7)).astype(np.int64)
    rates *= np.float32(1 - share)
    fleet = scene.fleet
    given, answered = (float(m[organization].mean()) for m in (fleet.input_mean, fleet.output_mean))
    habits = replace(scene.habits[organization], model=NEW_MODEL)
    # A newer model answers somewhat longer.
    _piece(scene, label, organization, first, requests, given, answered * float(rng.uniform(0.9, 1.6)), habits)
    _plant(scene, label, "early_adopter", (organization,), first, scene.days - 1)


def newcomer_ramp(scene: Scene, label: str) -> None:
    """A new customer who tries things for days and then goes live."""
    rng = scene.rng
    first = scene.start(7)
    days = scene.days - first
    reasoning = rng.random() < 0.15
    habits = habits_of(rng, scene.pools, scene.world, reasoning=reasoning)
    organization = scene.newcomer(first, habits)
    live = rng.uniform(2, 6)
    amounts = 10 ** rng.uniform(0.8, 2) + 10 ** rng.uniform(2, 4.5) / (1 + np.exp(-(np.arange(days) - live) / 0.7))
    peak = rng.uniform(0, SLOTS)
    hours = np.exp(rng.uniform(0, 2) * np.cos((np.arange(SLOTS) - peak) / SLOTS * 2 * np.pi))
    answered = float(10 ** rng.uniform(2.5, 3.1) if reasoning else 10 ** rng.normal(1.8, 0.4))
    requests = spread_out(rng, amounts, hours / hours.sum(), 3.0)
    _piece(scene, label, organization, first, requests, float(10 ** rng.normal(2.8, 0.4)), answered, habits)
    _plant(scene, label, "newcomer_ramp", (organization,), first, scene.days - 1)


def synthetic_data(scene: Scene, label: str) -> None:
    """A customer who makes data for an own product, openly: bulk by another name."""
    rng = scene.rng
    length = int(rng.integers(2, 7))
    first = scene.start(length)
    organization = scene.host(300, 30_000, first, length)
    amounts = 10 ** rng.uniform(3.3, 4.7) * rng.uniform(0.8, 1.2, length)
    requests = spread_out(rng, amounts, _FLAT, 10.0)
    habits = harvesting(scene, scene.habits[organization], PLAIN)
    given, answered = float(rng.uniform(150, 900)), float(rng.uniform(200, 900))
    _piece(scene, label, organization, first, requests, given, answered, habits)
    _plant(scene, label, "synthetic_data", (organization,), first, first + length - 1)


SINGLE: dict[str, Callable[[Scene, str], None]] = {
    kind.__name__: kind
    for kind in (
        nightly_batch, launch, load_test, labelling, reindex, time_zone_move, holiday, own_evaluation, retry_storm,
        early_adopter, newcomer_ramp, synthetic_data,
    )
}  # fmt: skip
