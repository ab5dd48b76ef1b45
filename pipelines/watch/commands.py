"""Commands of the extraction watch. Thin: the bench is in `bench/`."""

from __future__ import annotations

import json
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
@click.option("--json", "out", type=click.Path(path_type=Path, dir_okay=False), help="Write all figures to this file.")
def bench(traces: Path | None, seeds: int, organizations: int, campaigns: int, weeks: int, out: Path | None) -> None:
    """Plant campaigns and honest look-alikes in real customers' traffic, and count what is found.

    Detectors and what everyone tries first run on the same populations; thresholds are those at which
    0.2, 1 and 5 of 1,000 honest organisation-days are flagged. Docs: docs/watch_bench.md.
    """
    from pipelines.console import make_console
    from pipelines.progress import TerminalReporter
    from pipelines.watch.bench.bench import Size, run_bench
    from pipelines.watch.bench.report import print_report

    with TerminalReporter().step("bench") as step:
        found = run_bench(
            traces,
            Size(seeds=seeds, organizations=organizations, campaigns=campaigns, weeks=weeks),
            lambda name, done, total: step.update(done, total, name),
        )
        step.finish(found["benign_days"], "honest organisation-days")
    print_report(make_console(piped_width=110), found)
    if out:
        out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        click.echo(f"\nAll figures: {out}")
