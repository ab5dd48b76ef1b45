"""Campaigns of every make, for teaching only: each trait of a harvest is drawn for itself.

Those of the bench follow what is known of real ones; a detector that was taught by these alone would know them, not
harvesting. Nothing here is in any figure of the bench.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pipelines.watch.bench.customers import SLOTS
from pipelines.watch.bench.everyday import MODELS, NEW_MODEL
from pipelines.watch.bench.harvest import harvesting
from pipelines.watch.bench.pieces import Habits, Piece
from pipelines.watch.bench.scene import EVASIVE, HISTORY, PLAIN, Planted, Scene, spread_out


def assorted(scene: Scene, label: str) -> None:
    """Hours to four weeks of 30 to 100,000 answers a day: new or old account, key, template, hours, pace, lengths."""
    rng = scene.rng
    length = int(rng.integers(1, min(29, scene.days - HISTORY + 1)))
    first = scene.start(length)
    amount = 10 ** rng.uniform(2, 5)
    if rng.random() < 0.3:
        base = Habits(
            networks=(scene.pools.take("networks"), 1), region=int(rng.integers(6)), model=str(rng.choice(MODELS))
        )
        organization = scene.newcomer(first - int(rng.integers(0, 5)), base)
    else:
        organization = scene.host(0.2 * amount, 30 * amount, first, length)
        base = scene.habits[organization]
    habits = replace(
        harvesting(scene, base, EVASIVE if rng.random() < 0.5 else PLAIN),
        model=NEW_MODEL if rng.random() < 0.1 else str(rng.choice(MODELS)) if rng.random() < 0.5 else base.model,
    )
    hours = scene.hours_of(organization) if rng.random() < 0.5 else np.full(SLOTS, 1 / SLOTS)
    if rng.random() < 0.3:
        # A job of some hours.
        begin, width = int(rng.integers(SLOTS)), int(rng.integers(6, 72))
        hours = np.where((np.arange(SLOTS) - begin) % SLOTS < width, 1.0, 0.0)
    amounts = amount * rng.gamma(shape := 10 ** rng.uniform(0, 2), 1 / shape, length)
    amounts *= rng.random(length) < rng.uniform(0.4, 1.6)
    requests = spread_out(rng, amounts, hours / hours.sum(), 10 ** rng.uniform(-0.5, 1.5))
    keys = int(rng.choice([1, 1, 2, 4]))
    own = organization < len(scene.fleet) and rng.random() < 0.5
    fleet = scene.fleet
    usual = (
        float(fleet.output_mean[organization].mean())
        if organization < len(fleet)
        else float(10 ** rng.normal(1.8, 0.4))
    )
    # Answers that are worth keeping are longer than those of products, by much or little.
    answered = max(usual * 10 ** rng.uniform(0.1, 1), float(10 ** rng.uniform(1.8, 3.2)))
    given = float(10 ** rng.uniform(1.8, 3.5))
    for part in np.moveaxis(rng.multinomial(requests, np.full(keys, 1 / keys)), -1, 0):
        scene.pieces.append(
            Piece(
                organization, 0 if own else scene.pools.take("keys"), label, first, part, given, answered,
                float(rng.uniform(0.2, 0.9)), habits,
            )
        )  # fmt: skip
    scene.planted.append(Planted(label, "assorted", "plain", (organization,), first, first + length - 1))
