"""What differs between populations as wholes: how honest customers use the service, and what their logs tell.

Each population draws its own, so that no level of a field (a share of new prompts, one template, no end users) means
the same in two of them, and what is learned from one has to hold in another. Which fields a source sends is drawn for
each organisation, around the habits of its population; in one population of six nothing but times, tokens and models is
known.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.random import Generator

    from pipelines.watch.bench.pieces import Habits

# What is not known, and the habits that are then not seen. A key that is not sent is number -1; facts are payment and
# sign-up, which an operator may not have written down.
UNSENT: dict[str, dict[str, Any]] = {
    "keys": {},
    "digests": {"templates": (0, 0), "digests": False, "suite": 0},
    "end users": {"users": (0, 0)},
    "networks": {"networks": (0, 0)},
    "region": {"region": -1},
    "parameters": {"multi": 0.0, "logprobs": 0.0, "cold": 0.0},
    "outcome": {"failed": 0.0, "limited": 0.0, "length_finish": 0.0},
    "product": {"product": ""},
    "facts": {},
}
NO_KEY = -1


@dataclass(frozen=True, slots=True)
class World:
    """How the honest customers of one population are.

    one_template    share of them with a single prompt template
    fresh           parameters of the beta distribution of their shares of new prompts
    with_users      share of them that name end users
    caching         share of them that use the prompt cache
    cold            share of them that work at temperature 0
    projects        share of them that begin something new while we look
    rotation        share of them that change a key while we look
    unsent          share of organisations whose source does not send a field, by field
    """

    one_template: float
    fresh: tuple[float, float]
    with_users: float
    caching: float
    cold: float
    projects: float
    rotation: float
    unsent: dict[str, float]


def draw_world(rng: Generator) -> World:
    """Another world."""
    bare, whole = rng.random() < 1 / 6, rng.random() < 1 / 4
    return World(
        one_template=float(rng.uniform(0.1, 0.6)),
        fresh=(float(rng.uniform(1.5, 6)), float(rng.uniform(0.7, 3))),
        with_users=float(rng.uniform(0.1, 0.7)),
        caching=float(rng.uniform(0.3, 0.9)),
        cold=float(rng.uniform(0.05, 0.5)),
        projects=float(rng.uniform(0.1, 0.4)),
        rotation=float(rng.uniform(0.1, 0.4)),
        unsent={f: 1.0 if bare else 0.0 if whole else float(rng.beta(0.6, 1.8)) for f in UNSENT},
    )


def draw_unsent(rng: Generator, world: World) -> frozenset[str]:
    """The fields that the source of one organisation does not send."""
    return frozenset(f for f, share in world.unsent.items() if rng.random() < share)


def as_logged(habits: Habits, unsent: frozenset[str]) -> Habits:
    """The habits that a log shows without these fields."""
    hidden: dict[str, Any] = {}
    for name in unsent:
        hidden |= UNSENT[name]
    return replace(habits, **hidden)
