"""Campaigns of a kind that the detectors were never shown: how much of what is found of it is left.

Detectors are taught anew without the kind (both hydras are one), on the same material, and judged on the customers held
out. The threshold is that of the same budget on the same honest days.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb
import pandas as pd

from pipelines.watch.bench import metrics
from pipelines.watch.bench.activity import write_activity
from pipelines.watch.bench.contenders import taught_scores, write_features
from pipelines.watch.bench.population import KINDS, populate
from pipelines.watch.bench.truth import truth_of
from pipelines.watch.measured import WATCH
from pipelines.watch.taught.teach import material, teach

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from pipelines.watch.bench.bench import Size
    from pipelines.watch.bench.customers import Customers, ReasoningLengths
    from pipelines.watch.bench.metrics import Judged
    from pipelines.watch.taught.teach import Lesson
    from pipelines.watch.taught.trees import Trees

HYDRAS = ("hydra_synchronised", "hydra_unsynchronised")
GROUPS: tuple[tuple[str, ...], ...] = (*((k,) for k in KINDS if k not in HYDRAS), HYDRAS)


def unseen(
    customers: Customers,
    lengths: tuple[ReasoningLengths, ReasoningLengths],
    halves: tuple[NDArray[Any], NDArray[Any]],
    size: Size,
    budget: float,
    *,
    populations: int = 8,
    progress: Callable[[str, int, int], None] | None = None,
) -> list[dict[str, Any]]:
    """By kind and variant: recall where it was shown, and where it was not; plain and evasive."""
    lessons = material(customers, lengths[0], halves[0], seed=0, populations=populations, organizations=700)
    whole = teach(lessons, 0)
    taught = {(): whole} | {group: _without(lessons, whole, frozenset(group)) for group in GROUPS}
    judged: dict[tuple[str, ...], list[Judged]] = {group: [] for group in taught}
    for seed in range(size.seeds):
        scene = populate(
            customers, lengths[1], halves[1], 2 * seed + 1, organizations=size.organizations, weeks=size.weeks,
            campaigns=size.campaigns,
        )  # fmt: skip
        with duckdb.connect() as con:
            write_activity(con, scene)
            truth = truth_of(con, scene)
            write_features(con, scene.days)
            for group, detectors in taught.items():
                judged[group].append(metrics.judge(truth, taught_scores(con, detectors)[WATCH]))
        if progress:
            progress(f"kinds never shown, seed {seed}", seed + 1, size.seeds)
    shown = _recalls(judged[()], budget)
    found = []
    for group in GROUPS:
        hidden = _recalls(judged[group], budget)
        found += [
            {"kind": kind, "variant": variant, "shown": round(shown[kind, variant], 4), "never_shown": round(r, 4)}
            for (kind, variant), r in hidden.items()
            if kind in group
        ]
    return found


def _without(lessons: dict[str, Lesson], whole: dict[str, Trees], kinds: frozenset[str]) -> dict[str, Trees]:
    """Detectors that were never shown these kinds: taught anew where they were, the same where they were not."""
    shown = {name for name, lesson in lessons.items() if set(lesson.kind[lesson.campaign]) & kinds}
    again = teach({name: lessons[name] for name in shown}, 0, without=kinds)
    return {name: again.get(name, trees) for name, trees in whole.items() if name in again or name not in shown}


def _recalls(judged: list[Judged], budget: float) -> dict[tuple[str, str], float]:
    above = metrics.threshold(metrics.benign_scores(judged)["score"].to_numpy(), budget)
    kinds = metrics.by_kind(pd.concat([metrics.outcomes(j, above) for j in judged], ignore_index=True))
    return {(str(r["kind"]), str(r["variant"])): float(r["recall"]) for r in kinds.to_dict("records")}
