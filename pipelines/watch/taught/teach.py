"""Teaches the detectors on many populations of the bench, and keeps them with what made them.

Populations are of the customers for teaching alone; those held out are never seen. Of each, fields are withheld by
organisation at random, so that no field is needed to be found. The bench's own campaigns and assorted ones are taught
with; ambiguous traffic (honest makers of synthetic data, slices that are part campaign and part not) is left out.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np

from pipelines.watch.bench.activity import FIRST_DAY, write_activity
from pipelines.watch.bench.population import AMBIGUOUS, LOOK_ALIKES, populate
from pipelines.watch.bench.scene import HISTORY
from pipelines.watch.features import build_features
from pipelines.watch.taught import detectors as named
from pipelines.watch.taught.detectors import DETECTORS, Detector
from pipelines.watch.taught.trees import Tree, Trees, to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from numpy.typing import NDArray

    from pipelines.watch.bench.customers import Customers, ReasoningLengths
    from pipelines.watch.bench.scene import Scene

# A slice is a campaign's when at least so much of its output, or of its requests, is.
CAMPAIGN_SHARE = 0.3
# Chance that an organisation's field is withheld, beside what its source does not send.
WITHHELD = 0.2
# Chance that an organisation is known by times and tokens alone.
BARE = 0.2
WITHHOLD: tuple[tuple[str, ...], ...] = (
    ("new_prompts", "new_prompts_week", "templates", "new_template_share", "template_sharers", "same_prompts",
     "same_prompts_share", "near_prompts_share"),
    ("end_users", "requests_a_user"),
    ("new_network_share", "network_sharers", "new_network_3_share", "networks_3"),
    ("new_region_share", "new_region_3_share"),
    named.PARAMETERS,
    (*named.REFUSALS, "failed_3_share", "failed_6_share", "failed_6"),
    ("payment_sharers", "signup_sharers", "kinds_shared"),
    ("cached",),
    ("new_key_share",),
)  # fmt: skip
# Weight of each kind of look-alike, and of each kind of campaign, in all the weight of what is honest.
ALIKE_SHARE, KIND_SHARE = 0.03, 0.05
LARGEST = 1e300
# Trees of a detector.
ROUNDS = 110
# Of the populations in turn: a real fleet has many customers that hardly use the service.
THINNEST = (3.0, 5.0)
# Honest rows that are kept to teach with.
HONEST_SHARE = 0.4
# Rows of one campaign that are: a group of hundreds of accounts has tens of thousands, all alike.
MOST_ROWS = 400


@dataclass(frozen=True, slots=True)
class Lesson:
    """Rows to teach one detector with: features, whether each is a campaign's, campaign, kind and organisation."""

    columns: dict[str, NDArray[np.float64]]
    campaign: NDArray[np.bool_]
    named: NDArray[Any]
    kind: NDArray[Any]
    organization: NDArray[Any]


def lessons(scene: Scene, rng: np.random.Generator, wanted: Iterable[str] = DETECTORS) -> dict[str, Lesson]:
    """What one population teaches each detector."""
    with duckdb.connect() as con:
        write_activity(con, scene)
        build_features(
            con,
            first_read=FIRST_DAY,
            first_scored=FIRST_DAY + timedelta(days=HISTORY),
            last_day=FIRST_DAY + timedelta(days=scene.days - 1),
        )
        con.execute(_LABELS.format(ambiguous=AMBIGUOUS, share=CAMPAIGN_SHARE))
        return {name: _lesson(con, DETECTORS[name], rng) for name in wanted}


# Labels by slice-day and by organisation-hour; '?' where it is neither one nor the other.
_LABELS = """
create or replace temp table bench_all as
select usage_date, organization_id, slice, named, label, labelled_tokens, labelled_requests from bench_slices
union all
select usage_date, organization_id, 'all', '', max_by(label, output_tokens), sum(output_tokens), sum(requests)
from bench_output group by usage_date, organization_id;

create or replace temp table watch_features_labelled as
select f.*, case
    when b.label is null or b.label = '' then ''
    when b.label like '{ambiguous}%' or b.label like '%/cover' then '?'
    when not contains(b.label, '/plain/') and not contains(b.label, '/evasive/') then b.label
    when b.labelled_tokens >= {share} * f.output_tokens or b.labelled_requests >= {share} * f.requests
        then replace(b.label, '/probing', '')
    else '?' end as label
from watch_features as f
left join bench_all as b using (usage_date, organization_id, slice, named);

create or replace temp table watch_hour_features_labelled as
with days as (
    select usage_date, organization_id, max(label) as label,
        min(hour) filter (where not contains(label, '/probing')) as began
    from bench_output group by all
)
select f.*, case
    when d.label is null then ''
    when not contains(d.label, '/plain/') and not contains(d.label, '/evasive/') then d.label
    when contains(d.label, 'stolen_key') and extract(hour from f.usage_hour) < d.began then '?'
    else replace(d.label, '/probing', '') end as label
from watch_hour_features as f
left join days as d using (usage_date, organization_id);
"""


def _lesson(con: duckdb.DuckDBPyConnection, detector: Detector, rng: np.random.Generator) -> Lesson:
    wanted = ", ".join(f"{name}::double as {name}" for name in detector.features)
    found = con.sql(f"""
        select label, organization_id, {wanted} from {detector.table}_labelled where label != '?'
        order by usage_date, organization_id, {"slice, named" if detector.table == "watch_features" else "usage_hour"}
        """).fetchnumpy()
    label = found["label"].astype(str)
    kind = np.array([text.split("/")[0] for text in label])
    mine = np.isin(kind, detector.kinds)
    honest = np.char.find(label, "/plain/") < 0
    honest &= np.char.find(label, "/evasive/") < 0
    _, campaign, rows = np.unique(label, return_inverse=True, return_counts=True)
    keep = np.where(
        mine, rng.random(len(label)) * rows[campaign] < MOST_ROWS, honest & (rng.random(len(label)) < HONEST_SHARE)
    )
    columns = {n: np.ma.filled(np.ma.asarray(found[n], np.float64), np.nan)[keep] for n in detector.features}
    organization = found["organization_id"].astype(str)[keep]
    codes = np.unique(organization, return_inverse=True)[1]
    bare = rng.random(codes.max(initial=0) + 1) < BARE
    for group in WITHHOLD:
        hidden = (bare | (rng.random(len(bare)) < WITHHELD))[codes]
        for name in set(group) & set(columns):
            columns[name][hidden] = np.nan
    return Lesson(columns, mine[keep], label[keep], kind[keep], organization)


def join(parts: list[Lesson]) -> Lesson:
    """Lessons of several populations as one; campaigns of different ones are different."""
    return Lesson(
        {n: np.concatenate([p.columns[n] for p in parts]) for n in parts[0].columns},
        np.concatenate([p.campaign for p in parts]),
        np.concatenate([np.char.add(f"{number}/", p.named) for number, p in enumerate(parts)]),
        np.concatenate([p.kind for p in parts]),
        np.concatenate([p.organization for p in parts]),
    )


def fit(name: str, lesson: Lesson, seed: int, *, rounds: int = ROUNDS, leaves: int = 8) -> Trees:
    """Teach one detector. Every kind weighs as much as another, every campaign of a kind as much as another."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    detector = DETECTORS[name]
    weight = np.ones(len(lesson.campaign))
    _, campaign, rows = np.unique(lesson.named, return_inverse=True, return_counts=True)
    campaigns_of = {k: len(np.unique(lesson.named[lesson.kind == k])) for k in np.unique(lesson.kind[lesson.campaign])}
    mine = lesson.campaign
    weight[mine] = KIND_SHARE * (~mine).sum()
    weight[mine] /= rows[campaign[mine]] * np.array([campaigns_of[k] for k in lesson.kind[mine]])
    # What is easily mistaken for a campaign weighs as much as everything else that is honest, kind by kind.
    alike = np.isin(lesson.kind, [*LOOK_ALIKES])
    kinds, of = np.unique(lesson.kind[alike], return_inverse=True)
    for number in range(len(kinds)):
        rows_of_kind = np.flatnonzero(alike)[of == number]
        weight[rows_of_kind] = max(1.0, ALIKE_SHARE * (~mine).sum() / len(rows_of_kind))
    table = np.column_stack([lesson.columns[n] for n in detector.features])
    learner = HistGradientBoostingClassifier(
        max_iter=rounds, learning_rate=0.1, max_leaf_nodes=leaves, min_samples_leaf=100, l2_regularization=10.0,
        max_features=0.4, early_stopping=False, random_state=seed,
    )  # fmt: skip
    learner.fit(table, mine, sample_weight=weight)
    return Trees(
        name,
        detector.features,
        float(learner._baseline_prediction.ravel()[0]),  # noqa: SLF001 - there is no public way to a tree's nodes
        tuple(_tree(p[0].nodes) for p in learner._predictors),  # noqa: SLF001
    )


def _tree(nodes: NDArray[Any]) -> Tree:
    leaf = nodes["is_leaf"].astype(bool)
    return Tree(
        np.where(leaf, -1, nodes["feature_idx"]).astype(np.int32),
        # Twelve digits are more than a feature has; infinite where known values are told from unknown ones.
        np.array([float(f"{v:.12g}") for v in np.clip(np.where(leaf, 0.0, nodes["num_threshold"]), -LARGEST, LARGEST)]),
        nodes["missing_go_to_left"].astype(bool),
        nodes["left"].astype(np.int32),
        nodes["right"].astype(np.int32),
        np.array([float(f"{v:.9g}") for v in nodes["value"]]),
    )


def material(
    customers: Customers,
    reasoning: ReasoningLengths,
    chosen: NDArray[np.int64],
    *,
    seed: int,
    populations: int,
    organizations: int,
    progress: Callable[[str, int, int], None] | None = None,
) -> dict[str, Lesson]:
    """What populations of the chosen customers teach each detector."""
    rng = np.random.default_rng([seed, 5])
    parts: dict[str, list[Lesson]] = {name: [] for name in DETECTORS}
    for number in range(populations):
        scene = populate(
            customers, reasoning, chosen, 1_000 + 97 * seed + number, organizations=organizations, weeks=5,
            campaigns=2, others=12, thinnest=THINNEST[number % len(THINNEST)],
        )  # fmt: skip
        for name, lesson in lessons(scene, rng).items():
            parts[name].append(lesson)
        if progress:
            progress(f"population {number}", number + 1, populations)
    return {name: join(parts.pop(name)) for name in DETECTORS}


def teach(
    lessons_of: dict[str, Lesson], seed: int, *, without: frozenset[str] = frozenset(), rounds: int = ROUNDS
) -> dict[str, Trees]:
    """All detectors that have something to find; kinds in `without` are never shown to them."""
    found = {}
    for name, lesson in lessons_of.items():
        shown = _rows(lesson, ~np.isin(lesson.kind, [*without]))
        if shown.campaign.any():
            found[name] = fit(name, shown, seed, rounds=rounds)
    return found


def _rows(lesson: Lesson, keep: NDArray[np.bool_]) -> Lesson:
    return Lesson(
        {n: c[keep] for n, c in lesson.columns.items()},
        lesson.campaign[keep],
        lesson.named[keep],
        lesson.kind[keep],
        lesson.organization[keep],
    )


def write(path: Path, taught: dict[str, Trees], about: dict[str, Any]) -> None:
    """Keep detectors with what made them; the same teaching gives the same bytes."""
    text = {"taught": about, "detectors": [to_json(t) for t in taught.values()]}
    path.write_text(json.dumps(text, separators=(",", ":")) + "\n", encoding="utf-8")
