"""Prints what the bench found: misses as plainly as hits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from pipelines.pricing.page import heading
from pipelines.watch.bench.contenders import UNTAUGHT
from pipelines.watch.measured import WATCH

if TYPE_CHECKING:
    from rich.console import Console


_OTHERS = 4
OURS = (WATCH, UNTAUGHT)


def print_report(console: Console, found: dict[str, Any]) -> None:
    """Recall of every contender at every budget, and by kind at the widest."""
    size, customers = found["size"], found["customers"]
    heading(
        console,
        f"{customers['source']} customers, {size['seeds']} seeds: {found['benign_days']:,} honest organisation-days of "
        f"{customers['held_out']} customers held out, {found['campaigns']:,} campaigns; bench {found['digest']}",
    )
    console.print(_contenders(found))
    budget = max(next(iter(found["contenders"].values()))["budgets"])
    heading(
        console, f"Recall by kind, plain / evasive, at {budget:g} false alerts per 1,000 organisation-days", above=1
    )
    console.print(_kinds(found, budget))


def _contenders(found: dict[str, Any]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("contender")
    budgets = list(next(iter(found["contenders"].values()))["budgets"])
    for budget in budgets:
        table.add_column(f"plain @{budget:g}", justify="right")
    for budget in budgets:
        table.add_column(f"evasive @{budget:g}", justify="right")
    table.add_column("top 20", justify="right")
    table.add_column(f"realised @{budgets[-1]:g}", justify="right")
    for name, worth in found["contenders"].items():
        cells = [f"{worth['budgets'][b]['macro'][variant]:.2f}" for variant in ("plain", "evasive") for b in budgets]
        realised = worth["budgets"][budgets[-1]]["realised"]
        table.add_row(Text(name), *cells, f"{worth['precision'][20]:.2f}", f"{realised:.1f}")
    return table


def _kinds(found: dict[str, Any], budget: float) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("kind")
    worths = found["contenders"]
    # Of what everyone tries first, what finds most.
    others = sorted((n for n in worths if n not in OURS), key=lambda n: -worths[n]["budgets"][budget]["macro"]["plain"])
    recalls = {
        name: {(row["kind"], row["variant"]): row["recall"] for row in worths[name]["budgets"][budget]["kinds"]}
        for name in (*OURS, *others[:_OTHERS])
    }
    for name in recalls:
        table.add_column(name, justify="right")
    kinds = dict.fromkeys(kind for kind, _ in next(iter(recalls.values())))
    for kind in kinds:
        cells = [f"{r[kind, 'plain']:.2f} / {r[kind, 'evasive']:.2f}" for r in recalls.values()]
        table.add_row(Text(kind), *cells)
    return table
