"""Everyday traffic of the organisations of a fleet, as pieces: one for each key, with habits drawn by organisation.

The habits are assumptions about customers of whom only counts and lengths are known; they are drawn widely, so that
each of them alone (a key, a template, a flat day, logprobs) is found among the honest too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipelines.watch.bench.customers import SLOTS, WINDOWS
from pipelines.watch.bench.pieces import Habits, Piece

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from pipelines.watch.bench.fleet import Fleet
    from pipelines.watch.bench.pieces import Pools

MODELS = ("gpt-4o-mini", "gpt-4o", "claude-3-5-haiku", "gpt-4.1-mini")
REASONING_MODELS = ("o3-mini", "o1")
# The one that comes out within the scored days, and what each of the early ones moves to it.
NEW_MODEL = "gpt-5"
REGIONS = 6


def habits_of(rng: Generator, pools: Pools, *, reasoning: bool, shared_network: int | None = None) -> Habits:
    """Habits of an honest organisation."""
    templates = int(rng.choice([1, 2, 4, 8, 20], p=[0.25, 0.2, 0.2, 0.2, 0.15]))
    users = int(10 ** rng.uniform(0.5, 4)) if rng.random() < 0.45 else 0
    networks = int(rng.choice([1, 2, 3, 6], p=[0.4, 0.3, 0.2, 0.1]))
    names = REASONING_MODELS if reasoning else MODELS
    return Habits(
        failed=float(rng.beta(1, 80)),
        limited=float(rng.beta(1, 300)) if rng.random() < 0.8 else float(rng.beta(1, 25)),
        length_finish=float(rng.beta(1, 40)) if rng.random() < 0.85 else float(rng.beta(2, 8)),
        multi=float(rng.beta(1, 30)) if rng.random() < 0.05 else 0.0,
        logprobs=float(rng.beta(2, 4)) if rng.random() < 0.06 else 0.0,
        cold=float(rng.choice([0.0, 0.1, 1.0], p=[0.5, 0.2, 0.3])),
        cached=float(rng.beta(1.2, 3)) if rng.random() < 0.7 else 0.0,
        fresh=float(rng.beta(4, 2)),
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


def everyday(rng: Generator, pools: Pools, fleet: Fleet, habits: list[Habits]) -> list[Piece]:
    """The pieces of every organisation: one to four keys."""
    made = []
    for organization in range(len(fleet)):
        drawn = counts(rng, fleet.rates[organization])
        keys = int(rng.choice([1, 2, 3, 4], p=[0.5, 0.25, 0.15, 0.1]))
        shares = rng.dirichlet(np.full(keys, 1.5))
        parts = np.moveaxis(rng.multinomial(drawn, shares), -1, 0) if keys > 1 else drawn[None]
        given, answered = (windows_to_slots(m[organization]) for m in (fleet.input_mean, fleet.output_mean))
        made += [
            Piece(
                organization, pools.take("keys"), "", 0, part, given, answered,
                float(fleet.output_spread[organization]), habits[organization],
            )
            for part in parts
        ]  # fmt: skip
    return made
