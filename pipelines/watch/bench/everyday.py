"""Everyday traffic of the organisations of a fleet, as pieces: one for each key, with habits drawn by organisation.

The habits are assumptions about customers of whom only counts and lengths are known; they are drawn widely, so that
each of them alone (a key, a template, a flat day, logprobs) is found among the honest too.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from pipelines.watch.bench.customers import SLOTS, WINDOWS
from pipelines.watch.bench.pieces import Habits, Piece

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from pipelines.watch.bench.fleet import Fleet
    from pipelines.watch.bench.pieces import Pools
    from pipelines.watch.bench.world import World

MODELS = ("gpt-4o-mini", "gpt-4o", "claude-3-5-haiku", "gpt-4.1-mini")
REASONING_MODELS = ("o3-mini", "o1")
# The one that comes out within the scored days, and what each of the early ones moves to it.
NEW_MODEL = "gpt-5"
REGIONS = 6


def habits_of(
    rng: Generator, pools: Pools, world: World, *, reasoning: bool, shared_network: int | None = None
) -> Habits:
    """Habits of an honest organisation."""
    templates = 1 if rng.random() < world.one_template else int(rng.choice([2, 4, 8, 20], p=[0.3, 0.3, 0.2, 0.2]))
    users = int(10 ** rng.uniform(0.5, 4)) if rng.random() < world.with_users else 0
    networks = int(rng.choice([1, 2, 3, 6], p=[0.4, 0.3, 0.2, 0.1]))
    names = REASONING_MODELS if reasoning else MODELS
    return Habits(
        failed=float(rng.beta(1, 80)),
        limited=float(rng.beta(1, 300)) if rng.random() < 0.8 else float(rng.beta(1, 25)),
        length_finish=float(rng.beta(1, 40)) if rng.random() < 0.85 else float(rng.beta(2, 8)),
        multi=float(rng.beta(1, 30)) if rng.random() < 0.05 else 0.0,
        logprobs=float(rng.beta(2, 4)) if rng.random() < 0.06 else 0.0,
        cold=1.0 if rng.random() < world.cold else float(rng.choice([0.0, 0.1])),
        cached=float(rng.beta(1.2, 3)) if rng.random() < world.caching else 0.0,
        fresh=float(rng.beta(*world.fresh)),
        templates=(pools.take("templates", templates), templates),
        top_template=1.0 if templates == 1 else float(rng.uniform(1.2 / templates, 0.95)),
        users=(pools.take("users", users), users) if users else (0, 0),
        networks=(pools.take("networks", networks), networks) if shared_network is None else (shared_network, 1),
        region=int(rng.integers(REGIONS)),
        agent=int(rng.integers(12)),
        model=str(rng.choice(names)),
    )


def counts(rng: Generator, rates: NDArray[np.floating]) -> NDArray[np.int64]:
    """Requests drawn for expected ones."""
    drawn: NDArray[np.int64] = rng.poisson(np.minimum(rates, 1e9)).astype(np.int64)
    return drawn


def windows_to_slots(means: NDArray[np.floating]) -> NDArray[np.floating]:
    """Six-hour means (… x 4) by ten-minute slot (… x 144)."""
    return np.repeat(means, SLOTS // WINDOWS, axis=-1)


def everyday(rng: Generator, pools: Pools, world: World, fleet: Fleet, habits: list[Habits]) -> list[Piece]:
    """The pieces of every organisation: one to four keys, which may be changed, and what it begins anew."""
    made = []
    for organization in range(len(fleet)):
        drawn = counts(rng, fleet.rates[organization])
        keys = int(rng.choice([1, 2, 3, 4], p=[0.5, 0.25, 0.15, 0.1]))
        shares = rng.dirichlet(np.full(keys, 1.5))
        parts = np.moveaxis(rng.multinomial(drawn, shares), -1, 0) if keys > 1 else drawn[None]
        given, answered = (windows_to_slots(m[organization]) for m in (fleet.input_mean, fleet.output_mean))
        spread = float(fleet.output_spread[organization])
        own = [pools.take("keys") for _ in range(keys)]
        for key, part in zip(own, parts, strict=True):
            made += _rotated(
                rng, pools, world,
                Piece(organization, key, "", 0, part, given, answered, spread, habits[organization]),
            )  # fmt: skip
        if rng.random() < world.projects:
            made += _project(rng, pools, fleet, organization, own[0], habits[organization])
    return made


def _rotated(rng: Generator, pools: Pools, world: World, piece: Piece) -> list[Piece]:
    """A piece as it is, or going on with another key from some day; for some customers every week or two."""
    days = len(piece.requests)
    if rng.random() >= world.rotation:
        return [piece]
    first = int(rng.integers(1, days))
    marks = list(range(first, days, int(rng.integers(5, 15)))) if rng.random() < 0.3 else [first]
    found = []
    for begin, end in zip([0, *marks], [*marks, days], strict=True):
        given, answered = (
            m[begin:end] if isinstance(m, np.ndarray) else m for m in (piece.input_mean, piece.output_mean)
        )
        found.append(
            Piece(
                piece.organization, pools.take("keys") if begin else piece.key, piece.label, piece.first_day + begin,
                piece.requests[begin:end], given, answered, piece.output_spread, piece.habits,
            )
        )  # fmt: skip
    return found


def _project(
    rng: Generator, pools: Pools, fleet: Fleet, organization: int, key: int, habits: Habits
) -> list[Piece]:  # fmt: skip
    """Something new and honest: one template, new prompts, no end users, on a new key or the old one; to stay or not.

    Each of its traits is one that a harvest has too; the lengths of its answers are around the customer's own.
    """
    days = fleet.days
    begin = int(rng.integers(max(1, int(fleet.first_day[organization])), days))
    length = days - begin if rng.random() < 0.5 else int(rng.integers(1, days - begin + 1))
    active = fleet.rates[organization].sum(axis=1)
    if not (active > 0).any():
        return []
    usual = float(np.median(active[active > 0]))
    hours = fleet.rates[organization].sum(axis=0)
    hours = (
        np.full(SLOTS, 1.0)
        if rng.random() < 0.4
        else np.convolve(np.tile(hours, 3), np.ones(13), "same")[SLOTS : 2 * SLOTS]
    )
    level = usual * 10 ** rng.uniform(-1.3, 0.3) * rng.gamma(6, 1 / 6, length)
    requests = rng.poisson(level[:, None] * hours / max(hours.sum(), 1e-9) * rng.gamma(6, 1 / 6, (length, SLOTS)))
    templates = int(rng.choice([1, 1, 1, 3]))
    changed = replace(
        habits,
        fresh=float(rng.uniform(0.6, 1)),
        templates=(pools.take("templates", templates), templates),
        top_template=1.0 if templates == 1 else 0.6,
        users=habits.users if rng.random() < 0.3 else (0, 0),
        cached=float(rng.beta(1, 4)),
        cold=float(rng.random() < 0.3),
        logprobs=0.9 if rng.random() < 0.05 else 0.0,
        model=str(rng.choice(MODELS)) if rng.random() < 0.4 else habits.model,
        product="another" if rng.random() < 0.6 else habits.product,
    )
    given, answered = (float(m[organization].mean()) for m in (fleet.input_mean, fleet.output_mean))
    return [
        Piece(
            organization, pools.take("keys") if rng.random() < 0.6 else key, "", begin, requests.astype(np.int64),
            given * 10 ** rng.normal(0, 0.3), answered * 10 ** rng.normal(0, 0.3),
            float(fleet.output_spread[organization]), changed,
        )
    ]  # fmt: skip
