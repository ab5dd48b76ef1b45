"""Campaigns of many accounts: heads on one job queue, and heads that only what they share joins."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pipelines.watch.bench.customers import SLOTS
from pipelines.watch.bench.everyday import habits_of
from pipelines.watch.bench.harvest import add, harvesting
from pipelines.watch.bench.pieces import Piece
from pipelines.watch.bench.scene import Evasion, Planted, Scene, spread_out


def hydra(scene: Scene, label: str, evasion: Evasion, variant: str, *, synchronised: bool) -> None:
    """40 to 400 new accounts of 25 to 300 requests a day each, switched on over days, with some cover traffic.

    Heads that are synchronised take their work from one queue. All share what operators share: a few payment methods,
    the networks of a proxy, one or two templates, days of sign-up; each head three of the four, drawn for itself.
    """
    rng, pools = scene.rng, scene.pools
    heads = int(10 ** rng.uniform(np.log10(40), np.log10(400)))
    length = int(rng.integers(6, 13))
    first = scene.start(length)
    payments = [pools.take("payments") for _ in range(max(2, heads // 25))]
    signups = [pools.take("signups") for _ in range(max(2, heads // 20))]
    networks = pools.take("networks", max(2, heads // 15))
    queue = rng.gamma(0.5, 2.0, (length, SLOTS)) * rng.binomial(1, 0.6, (length, SLOTS))
    base = harvesting(scene, habits_of(rng, pools, scene.world, reasoning=False), evasion)
    given, answered = float(rng.uniform(150, 600)), float(rng.uniform(500, 1300))
    members = []
    for _ in range(heads):
        joined = first + min(length - 1, int(rng.integers(0, max(1, length // 2))))
        days = first + length - joined
        shares = rng.permutation(4)[:3]
        habits = replace(
            base,
            networks=(networks + int(rng.integers(max(2, heads // 15))), 1)
            if 0 in shares
            else (pools.take("networks"), 1),
            templates=base.templates if 1 in shares else (pools.take("templates"), 1),
        )
        member = scene.newcomer(
            joined - int(rng.integers(0, 4)),
            habits,
            payment=int(rng.choice(payments)) if 2 in shares else 0,
            signup=int(rng.choice(signups)) if 3 in shares else 0,
            programme=str(rng.choice(["", "start-up", "education", "research"], p=[0.5, 0.2, 0.2, 0.1])),
        )
        members.append(member)
        amounts = rng.uniform(25, 300) * evasion.amount * rng.uniform(0.7, 1.3, days)
        if synchronised:
            load = queue[joined - first :]
            # A job waits for a free worker: some of the work is done in the next slot.
            late = 0.25 if evasion.own_hours else 0.1
            load = (1 - late) * load + late * np.roll(load, 1)
            shares_of_day = load / np.maximum(load.sum(axis=1, keepdims=True), 1e-9)
            requests = rng.poisson(amounts[:, None] * shares_of_day).astype(np.int64)
        else:
            peak = rng.uniform(0, SLOTS)
            hours = np.exp(1.2 * np.cos((np.arange(SLOTS) - peak) / SLOTS * 2 * np.pi))
            requests = spread_out(rng, amounts, hours / hours.sum(), 1.0)
        add(
            scene, label, member, joined, requests, input_mean=given,
            output_mean=answered * float(rng.uniform(0.9, 1.1)),
            habits=habits, evasion=replace(evasion, keys=1),
        )  # fmt: skip
        _cover(scene, label, member, joined, days, float(amounts.mean()))
    kind = "hydra_synchronised" if synchronised else "hydra_unsynchronised"
    scene.planted.append(Planted(label, kind, variant, tuple(members), first, first + length - 1))


def _cover(scene: Scene, label: str, member: int, first_day: int, days: int, amount: float) -> None:
    """Small talk beside the harvest, from nought to a third of it; what is harvested does not include it."""
    rng = scene.rng
    hours = np.exp(np.cos((np.arange(SLOTS) - rng.uniform(0, SLOTS)) / SLOTS * 2 * np.pi))
    amounts = np.full(days, amount * rng.uniform(0, 1 / 3))
    habits = replace(habits_of(rng, scene.pools, scene.world, reasoning=False), networks=scene.habits[member].networks)
    requests = spread_out(rng, amounts, hours / hours.sum(), 1.0)
    scene.pieces.append(
        Piece(member, scene.pools.take("keys"), f"{label}/cover", first_day, requests, 300.0, 60.0, 0.6, habits)
    )
