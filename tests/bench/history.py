"""What a day costs on top of much history, and whether much history can be taken in at once in little memory.

`python -m tests.bench.history FOLDER [--requests 100000000] [--days 365] [--day 1000000] [--memory 3GB]`: lands all the
history in one run, then a day more; and the same day in an empty home. FOLDER is kept: a history that is there is used
again. `--memory` is DuckDB's limit; what the process needs in all is printed.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import click

from tests.bench.measure import METERHOUSE, Timed, last_steps, timed
from tests.bench.traffic import Pool


def run(home: Path) -> Timed:
    """One run of a home, measured."""
    return timed([METERHOUSE, "run", "--home", home])


def show(name: str, requests: int, done: Timed, home: Path) -> None:
    """Print what a run needed, by step."""
    print(
        f"{name}: {done.seconds:,.1f} s, {done.peak:,.0f} MiB at peak, {done.seconds / requests * 1e6:.1f} s a million"
    )
    print("  " + ", ".join(f"{step} {seconds:.1f}" for step, seconds in last_steps(home / "runs.jsonl").items()))


def stored(home: Path, requests: int) -> None:
    """Print the bytes that a request takes where a home keeps them."""
    parts = {
        "events/": sum(p.stat().st_size for p in (home / "events").rglob("*") if p.is_file()),
        "the warehouse": (home / "warehouse.duckdb").stat().st_size,
        "landing/, packed": sum(p.stat().st_size for p in (home / "landing").rglob("*") if p.is_file()),
    }
    print("  stored: " + ", ".join(f"{size / requests:.1f} bytes a request in {name}" for name, size in parts.items()))


def measure(folder: Path, requests: int, days: int, day: int) -> None:
    """Print what the history, a day on top of it and the same day in an empty home needed."""
    pool = Pool()
    full, empty = folder / "full", folder / "empty"
    if not (full / "runs.jsonl").exists():
        pool.deal(full / "landing", 0, days, requests)
        show(f"{requests:,} requests of {days} days at once", requests, run(full), full)
    stored(full, requests)
    # The day after the last that landed.
    number = len(list((full / "landing").glob("*/*")))
    pool.deal(full / "landing", number, 1, day)
    on_top = run(full)
    show(f"{day:,} requests of a day on top", day, on_top, full)
    shutil.rmtree(empty, ignore_errors=True)
    pool.deal(empty / "landing", number, 1, day)
    alone = run(empty)
    show("The same day in an empty home", day, alone, empty)
    print(f"  ratio {on_top.seconds / alone.seconds:.2f}")


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--requests", default=100_000_000, show_default=True, help="Requests of history.")
@click.option("--days", default=365, show_default=True, help="Days of history.")
@click.option("--day", default=1_000_000, show_default=True, help="Requests of the day on top.")
@click.option("--memory", default="3GB", show_default=True, help="DuckDB's memory limit.")
def main(folder: Path, requests: int, days: int, day: int, memory: str) -> None:
    """Measure on this machine."""
    os.environ["METERHOUSE_MEMORY_LIMIT"] = memory
    measure(folder, requests, days, day)


if __name__ == "__main__":
    main()
