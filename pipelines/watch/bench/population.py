"""One population of the bench: a fleet, what is planted in it, and all its traffic as pieces."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from pipelines.watch.bench.assorted import assorted
from pipelines.watch.bench.everyday import everyday
from pipelines.watch.bench.fleet import THINNEST, make_fleet
from pipelines.watch.bench.harvest import bulk, desensitised, launch_pivot, low_and_slow, quota_riding
from pipelines.watch.bench.hydra import hydra
from pipelines.watch.bench.look_alike_groups import GROUPS
from pipelines.watch.bench.look_alikes import SINGLE
from pipelines.watch.bench.misuse import evaluation_loop, reseller, stolen_key
from pipelines.watch.bench.pieces import Pools
from pipelines.watch.bench.scene import EVASIVE, PLAIN, Scene
from pipelines.watch.bench.world import NO_KEY, as_logged

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from pipelines.watch.bench.customers import Customers, ReasoningLengths

KINDS: dict[str, Callable[..., None]] = {
    "bulk": bulk,
    "low_and_slow": low_and_slow,
    "launch_pivot": launch_pivot,
    "quota_riding": quota_riding,
    "desensitised": desensitised,
    "evaluation_loop": evaluation_loop,
    "stolen_key": stolen_key,
    "reseller": reseller,
    "hydra_synchronised": partial(hydra, synchronised=True),
    "hydra_unsynchronised": partial(hydra, synchronised=False),
}
LOOK_ALIKES = SINGLE | GROUPS
# Taught with, never scored.
TEACHING = "assorted"
# Scored apart: the right answer is a question to the customer.
AMBIGUOUS = "synthetic_data"


def populate(
    customers: Customers,
    reasoning: ReasoningLengths,
    chosen: NDArray[np.int64],
    seed: int,
    *,
    organizations: int,
    weeks: int,
    campaigns: int,
    without: frozenset[str] = frozenset(),
    others: int = 0,
    thinnest: float = THINNEST,
) -> Scene:
    """A population of the chosen customers: of each kind so many campaigns, plain and evasive, and as many look-alikes.

    The same seed gives the same population; kinds in `without` are left out. `others` are assorted campaigns for
    teaching; `thinnest` is how much smaller than customers organisations are made, in decades.
    """
    rng = np.random.default_rng([seed, 3])
    fleet = make_fleet(customers, reasoning, chosen, rng, organizations=organizations, weeks=weeks, thinnest=thinnest)
    scene = Scene(rng, Pools(), fleet)
    for kind, plant in KINDS.items():
        if kind in without:
            continue
        for variant, evasion in (("plain", PLAIN), ("evasive", EVASIVE)):
            # One hydra has as many accounts as all other campaigns together.
            for number in range(max(1, campaigns // 5) if kind.startswith("hydra") else campaigns):
                plant(scene, f"{kind}/{variant}/{number}", evasion, variant)
    for number in range(others):
        assorted(scene, f"assorted/plain/{number}")
    for kind, benign in LOOK_ALIKES.items():
        for number in range(1 if kind == "outage" else campaigns):
            benign(scene, f"{kind}/{number}")
    scene.pieces[:0] = everyday(rng, scene.pools, scene.world, fleet, scene.habits)
    _on_own_keys(scene)
    _as_logged(scene)
    return scene


def _on_own_keys(scene: Scene) -> None:
    """Give what acts on a customer's own key (0 so far) the key of the customer's first piece."""
    keys: dict[int, int] = {}
    for piece in scene.pieces:
        if piece.key:
            keys.setdefault(piece.organization, piece.key)
    for piece in scene.pieces:
        piece.key = piece.key or keys[piece.organization]


def _as_logged(scene: Scene) -> None:
    """Leave out of all pieces what their organisation's source does not send."""
    for piece in scene.pieces:
        unsent = scene.unsent[piece.organization]
        piece.habits = as_logged(piece.habits, unsent)
        if "keys" in unsent:
            piece.key = NO_KEY
