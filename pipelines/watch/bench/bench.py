"""Runs the bench: populations of two sets of customers, every contender on each, and what each is worth.

Thresholds are set on benign days of the very population (`recall`), and carried over from the other set of customers
(`transfer`): the first says what a score can do, the second whether its budget would have been met.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import pandas as pd

from pipelines.watch.bench import metrics
from pipelines.watch.bench.activity import write_activity
from pipelines.watch.bench.contenders import scores
from pipelines.watch.bench.customers import read_customers, simulated_customers
from pipelines.watch.bench.fleet import split, split_lengths
from pipelines.watch.bench.metrics import BUDGETS, Judged
from pipelines.watch.bench.population import AMBIGUOUS, populate
from pipelines.watch.bench.truth import truth_of
from pipelines.watch.bench.unseen import unseen
from pipelines.watch.measured import WATCH
from pipelines.watch.taught.trees import load

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipelines.watch.bench.customers import Customers, ReasoningLengths

VARIANTS = ("plain", "evasive")
QUEUES = (20, 50)
# Which detector's reasons are about what a kind of campaign does.
RIGHT: dict[str, tuple[str, ...]] = {
    "bulk": ("harvest",),
    "low_and_slow": ("harvest",),
    "quota_riding": ("harvest",),
    "desensitised": ("harvest",),
    "reseller": ("harvest",),
    "launch_pivot": ("launch_pivot", "harvest"),
    "stolen_key": ("stolen_key",),
    "evaluation_loop": ("evaluation",),
    "hydra_synchronised": ("coordinated",),
    "hydra_unsynchronised": ("coordinated",),
}


@dataclass(frozen=True, slots=True)
class Size:
    """How large a bench is: seeds, organisations and campaigns of each kind and variant in each population, weeks.

    `unseen`: whether detectors are taught anew without each kind, too.
    """

    seeds: int = 5
    organizations: int = 2_000
    campaigns: int = 5
    weeks: int = 5
    unseen: bool = False


def run_bench(
    traces: Path | None, size: Size, progress: Callable[[str, int, int], None] | None = None
) -> dict[str, Any]:
    """Everything the report shows, ready for JSON. `traces` is the folder of the ServeGen customers, if there is one.

    Populations: for each seed one of the customers for teaching, one of those held out.
    """
    customers, reasoning = customers_of(traces)
    about, taught = load()
    halves, lengths = split(customers, 0), split_lengths(reasoning, 0)
    judged: dict[str, dict[str, list[Judged]]] = {"teaching": {}, "held out": {}}
    worlds: list[dict[str, float]] = []
    steps, done = 2 * size.seeds, 0
    for seed in range(size.seeds):
        for part, chosen, long in zip(judged, halves, lengths, strict=True):
            scene = populate(
                customers, long, chosen, 2 * seed + (part == "held out"), organizations=size.organizations,
                weeks=size.weeks, campaigns=size.campaigns,
            )  # fmt: skip
            if part == "held out":
                worlds.append({name: round(share, 2) for name, share in scene.world.unsent.items()})
            with duckdb.connect() as con:
                write_activity(con, scene)
                truth = truth_of(con, scene)
                for name, found in scores(con, scene.days, taught).items():
                    judged[part].setdefault(name, []).append(metrics.judge(truth, found))
            done += 1
            if progress:
                progress(f"seed {seed}, customers {part}", done, steps)
    first = next(iter(judged["held out"].values()))
    never_shown = unseen(customers, lengths, halves, size, BUDGETS[-1], progress=progress) if size.unseen else None
    return {
        "digest": digest(),
        "date": datetime.now(UTC).date().isoformat(),
        "detectors": about,
        "customers": {
            "source": "ServeGen" if traces else "simulated",
            "teaching": len(halves[0]),
            "held_out": len(halves[1]),
        },
        "size": {name: getattr(size, name) for name in size.__slots__},
        "benign_days": int(sum(j.days["benign"].sum() for j in first)),
        "campaigns": int(sum(len(j.campaigns) for j in first)),
        "populations": [
            {"unsent": world, "macro": metrics.macros(one, BUDGETS[-1])}
            for world, one in zip(worlds, judged["held out"][WATCH], strict=True)
        ],
        "contenders": {name: worth(judged["teaching"][name], judged["held out"][name]) for name in judged["held out"]},
        "named_right": {b: metrics.named_right(judged["held out"][WATCH], b, RIGHT) for b in BUDGETS},
        "never_shown": never_shown,
        "calibration": metrics.calibration(judged["teaching"][WATCH], judged["held out"][WATCH]),
    }


def customers_of(traces: Path | None) -> tuple[Customers, ReasoningLengths]:
    """The customers of a folder, or stand-ins."""
    return read_customers(traces) if traces else simulated_customers(0)


def worth(teaching: Sequence[Judged], held_out: Sequence[Judged]) -> dict[str, Any]:
    """What one contender is worth on the customers held out."""
    benign, taught = (metrics.benign_scores(j)["score"].to_numpy() for j in (held_out, teaching))
    found: dict[str, Any] = {"budgets": {}, "precision": {k: round(metrics.precision(held_out, k), 4) for k in QUEUES}}
    for budget in BUDGETS:
        above = metrics.threshold(benign, budget)
        told = pd.concat([metrics.outcomes(j, above) for j in held_out], ignore_index=True)
        kinds = metrics.by_kind(told)
        weeks = pd.concat([metrics.look_alikes(j, above) for j in held_out]).groupby("kind").sum()
        carried = metrics.threshold(taught, budget)
        found["budgets"][budget] = {
            "macro": {v: round(metrics.macro(kinds, v), 4) for v in VARIANTS},
            "interval": {v: [round(x, 4) for x in metrics.interval(held_out, budget, v)] for v in VARIANTS},
            "kinds": kinds.round(4).replace({np.nan: None}).to_dict("records"),
            "look_alikes": {
                kind: round(float(row["flagged"] / row["weeks"]), 4)
                for kind, row in weeks.iterrows()
                if kind != AMBIGUOUS
            },
            "ambiguous": round(float(weeks.loc[AMBIGUOUS, "flagged"] / weeks.loc[AMBIGUOUS, "weeks"]), 4),
            "realised": round(float((benign > carried).mean() * 1000), 3),
        }
    return found


def digest() -> str:
    """Of the code that makes populations, sees and judges them: figures of other code are not comparable."""
    code = hashlib.sha256()
    here = Path(__file__).parent
    for folder in (here, here.parent / "features", here.parent / "taught"):
        for path in sorted(folder.glob("*")):
            if path.suffix in {".py", ".sql"}:
                code.update(path.read_bytes())
    return code.hexdigest()[:12]
