"""Commands of the extraction watch. Thin: the bench is in `bench/`."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import click


@click.group("watch", epilog="Example: meterhouse watch bench --seeds 1")
def watch() -> None:
    """Measure what the extraction watch is worth."""


@watch.command("bench", epilog="Example: meterhouse watch bench --traces servegen --json bench.json")
@click.option(
    "--traces",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Folder of the ServeGen customers (two Parquet files); without it customers are simulated.",
)
@click.option("--seeds", default=5, show_default=True, help="Populations of each set of customers.")
@click.option("--organizations", default=2_000, show_default=True, help="Organisations of each population.")
@click.option("--campaigns", default=5, show_default=True, help="Campaigns of each kind and variant in each.")
@click.option("--weeks", default=5, show_default=True, help="Weeks, the first of which is history only.")
@click.option(
    "--unseen", is_flag=True, help="Also teach anew without each kind, and judge it then (needs scikit-learn)."
)
@click.option("--json", "out", type=click.Path(path_type=Path, dir_okay=False), help="Write all figures to this file.")
@click.option("--keep", is_flag=True, help="Also keep the figures for the pages of this installation.")
def bench(
    *,
    traces: Path | None,
    seeds: int,
    organizations: int,
    campaigns: int,
    weeks: int,
    unseen: bool,
    out: Path | None,
    keep: bool,
) -> None:
    """Plant campaigns and honest look-alikes in real customers' traffic, and count what is found.

    Detectors and what everyone tries first run on the same populations; thresholds are those at which
    0.2, 1 and 5 of 1,000 honest organisation-days are flagged. Docs: docs/watch_bench.md.
    """
    from pipelines.console import make_console
    from pipelines.progress import TerminalReporter
    from pipelines.watch.bench.bench import Size, run_bench
    from pipelines.watch.bench.report import print_report
    from pipelines.watch.measured import keep as keep_figures

    with TerminalReporter().step("bench") as step:
        found = run_bench(
            traces,
            Size(seeds=seeds, organizations=organizations, campaigns=campaigns, weeks=weeks, unseen=unseen),
            lambda name, done, total: step.update(done, total, name),
        )
        step.finish(found["benign_days"], "honest organisation-days")
    print_report(make_console(piped_width=110), found)
    if keep:
        keep_figures(found)
    if out:
        out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        click.echo(f"\nAll figures: {out}")


@watch.command("teach", epilog="Example: meterhouse watch teach --traces servegen")
@click.option(
    "--traces",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Folder of the ServeGen customers (two Parquet files); without it customers are simulated.",
)
@click.option("--seed", default=0, show_default=True, help="Same seed, same detectors.")
@click.option("--populations", default=20, show_default=True, help="Populations to teach with.")
@click.option("--organizations", default=700, show_default=True, help="Organisations of each population.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file to write; by default that of this installation, which the next run reads.",
)
def teach_detectors(traces: Path | None, seed: int, populations: int, organizations: int, out: Path | None) -> None:
    """Teach the detectors anew on planted campaigns, and keep them with what made them.

    Customers held out by the bench are never seen. Needs scikit-learn. Docs: docs/watch.md.
    """
    from importlib.metadata import version
    from importlib.util import find_spec

    from pipelines.errors import MeterhouseError
    from pipelines.progress import TerminalReporter
    from pipelines.watch.bench.bench import customers_of, digest
    from pipelines.watch.bench.fleet import split, split_lengths
    from pipelines.watch.taught.teach import material, teach, write
    from pipelines.watch.taught.trees import DETECTORS_FILE

    if find_spec("sklearn") is None:
        raise MeterhouseError(
            "scikit-learn is not installed: detectors are taught with it.",
            way_out="Install it with: pip install 'meterhouse[teach]'. A run does not need it.",
        )
    customers, reasoning = customers_of(traces)
    lengths, _ = split_lengths(reasoning, 0)
    with TerminalReporter().step("teach") as step:
        lessons = material(
            customers,
            lengths,
            split(customers, 0)[0],
            seed=seed,
            populations=populations,
            organizations=organizations,
            progress=lambda name, done, total: step.update(done, total, name),
        )
        taught = teach(lessons, seed)
        step.finish(populations, "populations")
    path = out or DETECTORS_FILE
    about = {
        "customers": "ServeGen" if traces else "simulated",
        "seed": seed,
        "populations": populations,
        "organizations": organizations,
        "bench": digest(),
        "date": datetime.now(UTC).date().isoformat(),
        "learner": f"scikit-learn {version('scikit-learn')}",
    }
    write(path, taught, about)
    click.echo(f"{len(taught)} detectors: {path}")
