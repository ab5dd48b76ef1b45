"""Campaigns of one account that harvest answers: bulk, low and slow, launch pivot, quota riding, desensitised pipeline.

Sizes are anchored to published cases: 1,000 curated traces (s1), 52,000 pairs (Alpaca), 800,000 traces (R1). What is
common to them is an answer that is worth keeping, of prompts that were never sent before, from few templates.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from pipelines.watch.bench.customers import SLOTS
from pipelines.watch.bench.everyday import NEW_MODEL
from pipelines.watch.bench.pieces import Habits, Piece
from pipelines.watch.bench.scene import HISTORY, Evasion, Planted, Scene, spread_out

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Share of campaigns within a customer that use a key which the customer had before.
OWN_KEY = 0.4
_FLAT = np.full(SLOTS, 1 / SLOTS)


def harvesting(scene: Scene, base: Habits, evasion: Evasion) -> Habits:
    """Habits of a harvester on the account of `base`: few templates, new prompts, answers wanted whole.

    A disguised one keeps, each with even odds, its host's cache use, end users, failures, and repeats some prompts.
    """
    rng, hides = scene.rng, evasion.disguised
    templates = int(rng.integers(1, 31 if hides else 4))
    return replace(
        base,
        failed=base.failed if hides else float(rng.beta(1, 60)),
        limited=base.limited if rng.random() < 0.5 else float(rng.beta(1, 40)),
        length_finish=float(rng.beta(1, 12)),
        logprobs=0.9 if rng.random() < 0.15 else 0.0,
        multi=0.8 if rng.random() < 0.15 else 0.0,
        cold=float(rng.choice([0.0, 1.0], p=[0.8, 0.2])),
        cached=base.cached if hides and rng.random() < 0.5 else float(rng.beta(1, 6)),
        fresh=float(rng.uniform(0.6, 1.0) if hides else rng.uniform(0.9, 1.0)),
        templates=(scene.pools.take("templates", templates), templates),
        top_template=1.0 if templates == 1 else float(rng.uniform(1.2 / templates, 1.0)),
        users=base.users if hides and rng.random() < 0.5 else (0, 0),
    )


def add(
    scene: Scene,
    label: str,
    organization: int,
    first_day: int,
    requests: NDArray[np.int64],
    *,
    input_mean: float,
    output_mean: float,
    habits: Habits,
    evasion: Evasion,
) -> None:
    """Add a harvest: on a new key or, split evenly, on as many as it hides behind; of a customer also on its own."""
    own = organization < len(scene.fleet) and scene.rng.random() < OWN_KEY
    shares = np.full(evasion.keys, 1 / evasion.keys)
    parts = np.moveaxis(scene.rng.multinomial(requests, shares), -1, 0) if evasion.keys > 1 else requests[None]
    scene.pieces += [
        Piece(
            organization, 0 if own else scene.pools.take("keys"), label, first_day, part,
            input_mean * evasion.padding, max(output_mean * evasion.answers, 8.0), 0.45, habits,
        )
        for part in parts
    ]  # fmt: skip


def _hours(scene: Scene, organization: int, evasion: Evasion) -> NDArray[np.floating]:
    return scene.hours_of(organization) if evasion.own_hours else _FLAT


def bulk(scene: Scene, label: str, evasion: Evasion, variant: str) -> None:
    """3,000 to 100,000 requests a day round the clock for three to six days, half of them from a new account."""
    rng = scene.rng
    length = int(rng.integers(3, 7))
    first = scene.start(length)
    amount = 10 ** rng.uniform(3.5, 5)
    if rng.random() < 0.5:
        base = Habits(networks=(scene.pools.take("networks"), 1), region=int(rng.integers(6)), model="gpt-4o")
        organization = scene.newcomer(first, base)
    else:
        organization = scene.host(10, 30_000, first, length)
        base = scene.habits[organization]
    amounts = amount * evasion.amount * rng.uniform(0.8, 1.2, length)
    if length > 4 and rng.random() < 0.3:
        # It stops for a day and comes back.
        amounts[length // 2] = 0
    requests = spread_out(rng, amounts, _hours(scene, organization, evasion), 20.0)
    add(
        scene, label, organization, first, requests, input_mean=float(rng.uniform(150, 600)),
        output_mean=float(rng.uniform(500, 1500)), habits=harvesting(scene, base, evasion), evasion=evasion,
    )  # fmt: skip
    scene.planted.append(Planted(label, "bulk", variant, (organization,), first, first + length - 1))


def low_and_slow(scene: Scene, label: str, evasion: Evasion, variant: str) -> None:
    """300 to 2,000 requests a day for four weeks within a working customer, in its own hours."""
    rng = scene.rng
    length = scene.days - HISTORY
    organization = scene.host(1_500, 50_000, HISTORY, length)
    amounts = rng.uniform(300, 2000) * evasion.amount * rng.uniform(0.7, 1.3, length)
    requests = spread_out(rng, amounts, scene.hours_of(organization), 8.0)
    # In the product's own name, with its own network.
    habits = replace(harvesting(scene, scene.habits[organization], evasion), limited=scene.habits[organization].limited)
    add(
        scene, label, organization, HISTORY, requests, input_mean=float(rng.uniform(150, 800)),
        output_mean=float(rng.uniform(400, 1200)), habits=habits, evasion=evasion,
    )  # fmt: skip
    scene.planted.append(Planted(label, "low_and_slow", variant, (organization,), HISTORY, HISTORY + length - 1))


def launch_pivot(scene: Scene, label: str, evasion: Evasion, variant: str) -> None:
    """Within a day of a model's release half of the usual requests become long answers of it."""
    rng = scene.rng
    first = release_day(scene)
    length = min(scene.days - first, int(rng.integers(5, 13)))
    organization = scene.host(800, 60_000, first, length)
    rates = scene.fleet.rates[organization, first : first + length]
    share = 0.5 * (evasion.amount if evasion.amount < 1 else 1.0)
    requests = rng.poisson(np.minimum(rates * share, 1e7)).astype(np.int64)
    rates *= 1 - share
    habits = replace(harvesting(scene, scene.habits[organization], evasion), model=NEW_MODEL)
    add(
        scene, label, organization, first, requests, input_mean=float(rng.uniform(200, 700)),
        output_mean=float(rng.uniform(500, 1500)), habits=habits, evasion=replace(evasion, keys=1),
    )  # fmt: skip
    scene.planted.append(Planted(label, "launch_pivot", variant, (organization,), first, first + length - 1))


def release_day(scene: Scene) -> int:
    """The day on which the new model comes out: in the middle of the scored days."""
    return HISTORY + (scene.days - HISTORY) // 2


def quota_riding(scene: Scene, label: str, evasion: Evasion, variant: str) -> None:
    """For one to two weeks every slot just below the account's limit; now and then a request too many."""
    rng = scene.rng
    length = int(rng.integers(7, 15))
    first = scene.start(length)
    organization = scene.host(200, 20_000, first, length)
    ceiling = max(2.5 * scene.usual_day(organization, first), 2_000) * evasion.amount
    hours = scene.hours_of(organization) if evasion.own_hours else _FLAT
    # A limit by the minute cuts what is above it, whatever the hour.
    level = np.minimum(hours * SLOTS, 1.0) * ceiling / SLOTS
    requests = rng.binomial(np.maximum(np.rint(level * 1.03), 1).astype(np.int64), 0.97, (length, SLOTS))
    habits = replace(harvesting(scene, scene.habits[organization], evasion), limited=float(rng.uniform(0.03, 0.15)))
    add(
        scene, label, organization, first, requests.astype(np.int64), input_mean=float(rng.uniform(150, 600)),
        output_mean=float(rng.uniform(400, 1200)), habits=habits, evasion=evasion,
    )  # fmt: skip
    scene.planted.append(Planted(label, "quota_riding", variant, (organization,), first, first + length - 1))


def desensitised(scene: Scene, label: str, evasion: Evasion, variant: str) -> None:
    """Two weeks and more by a pipeline that hides: templates anew every week, two to four products, keys rotated."""
    rng = scene.rng
    length = int(rng.integers(14, min(22, scene.days - HISTORY + 1)))
    first = scene.start(length)
    organization = scene.host(500, 60_000, first, length)
    amounts = 10 ** rng.uniform(3.3, 4.3) * evasion.amount * rng.uniform(0.7, 1.3, length)
    products = int(rng.integers(2, 5))
    given, answered = float(rng.uniform(200, 900)), float(rng.uniform(350, 1000))
    hours = _hours(scene, organization, evasion)
    for begin in range(0, length, 4):
        # A key lives for four days, a template's wording for a week.
        part = amounts[begin : begin + 4]
        if begin % 8 == 0:
            wordings = [harvesting(scene, scene.habits[organization], evasion) for _ in range(products)]
        for number, habits in enumerate(wordings):
            requests = spread_out(rng, part / products, hours, 12.0)
            add(
                scene, label, organization, first + begin, requests, input_mean=given,
                output_mean=answered * float(rng.uniform(0.8, 1.2)),
                habits=replace(habits, product=f"product-{number}"), evasion=replace(evasion, keys=1),
            )  # fmt: skip
    scene.planted.append(Planted(label, "desensitised", variant, (organization,), first, first + length - 1))
