"""Honest groups of accounts that look like a hydra: a class that signs up together, an agency that pays for others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pipelines.watch.bench.customers import SLOTS
from pipelines.watch.bench.everyday import habits_of
from pipelines.watch.bench.pieces import Piece
from pipelines.watch.bench.scene import Planted, Scene, spread_out


def class_signup(scene: Scene, label: str) -> None:
    """20 to 80 accounts within two days, on one network and with one exercise's template, in the hours of a class."""
    rng, pools = scene.rng, scene.pools
    first, length = scene.start(10), 10
    network, signup, template = pools.take("networks"), pools.take("signups"), pools.take("templates")
    lesson = int(rng.integers(50, 100))
    lessons = rng.random(length) < 0.5
    members = []
    for _ in range(int(rng.integers(20, 81))):
        habits = replace(
            habits_of(rng, pools, scene.world, reasoning=False, shared_network=network),
            templates=(template, 1), fresh=0.6,
        )  # fmt: skip
        member = scene.newcomer(first + int(rng.integers(0, 2)), habits, signup=signup, programme="education")
        members.append(member)
        # Together in a lesson, and some at home in the evening.
        hours = np.zeros(SLOTS)
        hours[lesson : lesson + 9] = 1.0
        hours[lesson + 20 : lesson + 40] = rng.uniform(0, 0.1)
        amounts = np.where(lessons, rng.uniform(5, 60), rng.uniform(0, 4))
        requests = spread_out(rng, amounts, hours / hours.sum(), 1.0)
        scene.pieces.append(
            Piece(member, pools.take("keys"), label, first, requests, 250.0, float(rng.uniform(60, 250)), 0.7, habits)
        )
    scene.planted.append(Planted(label, "class_signup", "look_alike", tuple(members), first, first + length - 1))


def agency(scene: Scene, label: str) -> None:
    """Five to fifteen small customers of an agency: one payment method and network, each with a product of its own."""
    rng, pools = scene.rng, scene.pools
    payment, network = pools.take("payments"), pools.take("networks")
    members = []
    first = scene.start(7)
    for _ in range(int(rng.integers(5, 16))):
        joined = max(1, first - int(rng.integers(0, 20)))
        days = scene.days - joined
        habits = habits_of(rng, pools, scene.world, reasoning=False, shared_network=network)
        member = scene.newcomer(joined, habits, payment=payment)
        members.append(member)
        peak = rng.uniform(50, 100)
        hours = np.exp(1.5 * np.cos((np.arange(SLOTS) - peak) / SLOTS * 2 * np.pi))
        amounts = 10 ** rng.uniform(1, 3) * rng.gamma(4, 1 / 4, days)
        scene.pieces.append(
            Piece(
                member, pools.take("keys"), label, joined, spread_out(rng, amounts, hours / hours.sum(), 2.0),
                float(10 ** rng.normal(2.7, 0.3)), float(10 ** rng.normal(1.9, 0.3)), 0.7, habits,
            )
        )  # fmt: skip
    scene.planted.append(Planted(label, "agency", "look_alike", tuple(members), first, scene.days - 1))


def outage(scene: Scene, label: str) -> None:
    """Everyone stops for an hour and comes back at once: accounts that act alike, and nobody arranged it."""
    rng = scene.rng
    day, slot = scene.start(2), int(rng.integers(20, SLOTS - 20))
    width = int(rng.integers(4, 9))
    back = rng.random(len(scene.fleet)) < 0.7
    rates = scene.fleet.rates
    missed = rates[back, day, slot : slot + width].sum(axis=1)
    rates[back, day, slot : slot + width] = 0
    rates[back, day, slot + width] += 0.5 * missed
    scene.planted.append(Planted(label, "outage", "look_alike", (), day, day))


GROUPS = {kind.__name__: kind for kind in (class_signup, agency, outage)}
