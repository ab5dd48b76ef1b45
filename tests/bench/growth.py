"""How a first run grows with the number of requests, beside a bare script that does the same work up to the marts.

`python -m tests.bench.growth FOLDER FIGURES [--sizes 1,3,10,30]` measures and writes the figures as JSON;
`tests/bench/growth_figure.py` draws them. The sizes are millions of requests of thirty days.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import click

from tests.bench.measure import METERHOUSE, TO_MARTS, last_steps, timed
from tests.bench.traffic import Pool

# Enough for a request of each day; what a run costs whatever the data.
_TINY = 30


def measure(pool: Pool, folder: Path, requests: int) -> dict[str, Any]:
    """Seconds, memory and bytes of a first run and of the bare script; both start from the same packed files."""
    shutil.rmtree(folder, ignore_errors=True)
    home = folder / "home"
    pool.deal(home / "landing", 0, 30, requests)
    same = timed([sys.executable, "-m", "tests.bench.bare_same", home / "landing", folder / "same"])
    shutil.rmtree(folder / "same")
    ours = timed([METERHOUSE, "run", "--home", home])
    steps = last_steps(home / "runs.jsonl")
    found = {
        "requests": requests,
        "run_seconds": round(ours.seconds, 2),
        "run_peak_mib": round(ours.peak),
        "to_marts_seconds": round(sum(steps[s] for s in TO_MARTS), 2),
        "same_work_seconds": round(same.seconds, 2),
        "same_work_peak_mib": round(same.peak),
        "warehouse_bytes_per_request": round((home / "warehouse.duckdb").stat().st_size / requests, 1),
    }
    shutil.rmtree(folder)
    return found


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("figures", type=click.Path(path_type=Path))
@click.option("--sizes", default="1,3,10,30", show_default=True, help="Millions of requests.")
@click.option("--memory", default="3GB", show_default=True, help="DuckDB's memory limit.")
def main(folder: Path, figures: Path, sizes: str, memory: str) -> None:
    """Measure on this machine."""
    os.environ["METERHOUSE_MEMORY_LIMIT"] = memory
    pool = Pool()
    start = measure(pool, folder, _TINY)["to_marts_seconds"]
    found = []
    for millions in map(float, sizes.split(",")):
        one = measure(pool, folder, round(millions * 1e6))
        one["ratio"] = round((one["to_marts_seconds"] - start) / one["same_work_seconds"], 2)
        print(one, flush=True)
        found.append(one)
    # What a single row costs of it, taken off every run.
    figures.write_text(json.dumps({"start_up_seconds": start, "memory": memory, "runs": found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
