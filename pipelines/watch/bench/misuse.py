"""Campaigns that use rather than harvest: evaluating a rival model, a stolen key, resale of access."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from pipelines.watch.bench.customers import SLOTS
from pipelines.watch.bench.harvest import add, harvesting
from pipelines.watch.bench.scene import HISTORY, Evasion, Planted, Scene, spread_out

if TYPE_CHECKING:
    from pipelines.watch.bench.pieces import Habits

# Tasks of public suites: HumanEval, GPQA diamond, GPQA, MATH-500, IFEval, AlpacaEval, GSM8K, MMLU.
SUITES = (164, 198, 448, 500, 541, 805, 1_319, 14_042)


def evaluation_loop(scene: Scene, label: str, evasion: Evasion, variant: str) -> None:
    """The same suite one to three times on most days, at temperature 0, beside a customer's own traffic.

    The evasive one leaves some tasks out, others in each run.
    """
    rng = scene.rng
    length = int(rng.integers(12, scene.days - HISTORY + 1))
    first = scene.start(length)
    organization = scene.host(300, 60_000, first, length)
    size = int(rng.choice(SUITES, p=[0.14, 0.13, 0.13, 0.14, 0.13, 0.13, 0.14, 0.06]))
    hours = scene.hours_of(organization) if evasion.own_hours else np.full(SLOTS, 1 / SLOTS)
    requests = np.zeros((length, SLOTS), np.int64)
    for day in np.flatnonzero(rng.random(length) < 0.8):
        for _ in range(int(rng.integers(1, 4))):
            # A run fills neighbouring slots at the pace of a few workers, and begins within one.
            begin, slots = int(rng.choice(SLOTS, p=hours)), int(np.ceil(size / rng.uniform(100, 600)))
            tasks = size if evasion.amount == 1 else int(rng.binomial(size, rng.uniform(0.85, 0.95)))
            edges = np.minimum(np.arange(slots) + begin, SLOTS - 1)
            pace = rng.uniform(0.9, 1.1, slots)
            pace[0] *= rng.uniform(0.2, 1.0)
            np.add.at(requests[day], edges, rng.multinomial(tasks, pace / pace.sum()))
    habits = replace(
        harvesting(scene, scene.habits[organization], evasion),
        cold=1.0, fresh=min(1.0, 1.2 / max(1, int((requests.sum(axis=1) > 0).sum()))), suite=size, limited=0.0,
        failed=0.002,
        templates=(scene.pools.take("templates"), 1), top_template=1.0,
    )  # fmt: skip
    add(
        scene, label, organization, first, requests, input_mean=float(rng.uniform(150, 1500)),
        output_mean=float(rng.uniform(20, 600)), habits=habits, evasion=replace(evasion, keys=1, amount=1.0),
    )  # fmt: skip
    scene.planted.append(Planted(label, "evaluation_loop", variant, (organization,), first, first + length - 1))


def stolen_key(scene: Scene, label: str, evasion: Evasion, variant: str) -> None:
    """A key of a customer in other hands for one to three days: five to fifty times its day, long inputs.

    It begins with an hour of probing that fails, from networks and a region never seen, on the dearest model. The
    evasive one goes slowly enough to stay within the customer's own hours.
    """
    rng = scene.rng
    length = int(rng.integers(1, 4))
    first = scene.start(length)
    organization = scene.host(20, 20_000, first, length)
    hours = scene.hours_of(organization) if evasion.own_hours else np.full(SLOTS, 1 / SLOTS)
    amounts = scene.usual_day(organization, first) * 10 ** rng.uniform(0.7, 1.7) * evasion.amount * np.ones(length)
    requests = spread_out(rng, np.maximum(amounts, 200), hours, 3.0)
    onset = int(rng.integers(0, SLOTS // 2))
    requests[0, :onset] = 0
    networks = int(rng.integers(2, 12))
    region = (scene.habits[organization].region + 1 + int(rng.integers(5))) % 6
    habits = replace(
        harvesting(scene, scene.habits[organization], evasion),
        networks=(scene.pools.take("networks", networks), networks), region=region, agent=int(rng.integers(12)),
        model="gpt-4.5", templates=(scene.pools.take("templates", 40), 40), top_template=0.1,
    )  # fmt: skip
    probing = np.zeros((1, SLOTS), np.int64)
    probing[0, max(0, onset - 4) : onset + 1] = rng.integers(3, 20)
    # On the customer's own key: its first piece gets it once the everyday traffic is drawn.
    for made, likely in ((probing, 0.7), (requests, 0.02)):
        add(
            scene, f"{label}/probing" if made is probing else label, organization, first, made,
            input_mean=float(rng.uniform(1_500, 6_000)) if made is requests else 30.0,
            output_mean=float(rng.uniform(200, 900)) if made is requests else 5.0,
            habits=replace(habits, failed=likely), evasion=replace(evasion, keys=1),
        )  # fmt: skip
        scene.pieces[-1].key = 0
    scene.planted.append(Planted(label, "stolen_key", variant, (organization,), first, first + length - 1))


def reseller(scene: Scene, label: str, evasion: Evasion, variant: str) -> None:
    """Access sold on: over one to three weeks ever more end users of all kinds and networks behind one key."""
    rng = scene.rng
    length = int(rng.integers(10, 22))
    first = scene.start(length)
    organization = scene.host(50, 20_000, first, length)
    growth = 1 / (1 + np.exp(-(np.arange(length) - length / 3) / 2))
    amounts = 10 ** rng.uniform(3.2, 4.7) * evasion.amount * growth
    hours = scene.hours_of(organization) if evasion.own_hours else np.full(SLOTS, 1 / SLOTS)
    users, templates, networks = int(rng.integers(200, 5_000)), int(rng.integers(60, 400)), int(rng.integers(40, 400))
    base: Habits = scene.habits[organization]
    tells = rng.random() < 0.5
    habits = replace(
        base,
        users=(scene.pools.take("users", users), users) if tells else (0, 0),
        templates=(scene.pools.take("templates", templates), templates), top_template=0.08,
        networks=(scene.pools.take("networks", networks), networks), fresh=0.95, cached=0.05, model="gpt-4o",
    )  # fmt: skip
    add(
        scene, label, organization, first, spread_out(rng, amounts, hours, 6.0),
        input_mean=float(rng.uniform(400, 1500)),
        output_mean=float(rng.uniform(250, 600)), habits=habits, evasion=replace(evasion, keys=1),
    )  # fmt: skip
    scene.planted.append(Planted(label, "reseller", variant, (organization,), first, first + length - 1))
