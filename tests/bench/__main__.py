"""`make bench`: fixed overhead of a run, and its ratio to a bare DuckDB script on the same files.

Usage: python -m tests.bench [--requests 1000000] [--keep DIR]. Seconds depend on the machine; the
ratio does not, much. Both sides run as processes of their own, start-up included; the line "start-up
apart" takes the time of a run with one tiny file off ours and of an empty script off the other.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click

METERHOUSE = Path(sys.executable).parent / "meterhouse"


def timed(command: list[object]) -> tuple[float, float, str]:
    """Wall seconds, peak memory in MiB of the largest process, and standard output."""
    began = time.monotonic()
    process = subprocess.Popen([str(c) for c in command], stdout=subprocess.PIPE, text=True)
    output = process.stdout.read() if process.stdout else ""
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{command} failed:\n{output}")
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return time.monotonic() - began, max(usage.ru_maxrss, children) / 1024, output


def overhead(folder: Path) -> float:
    """Print what a run costs whatever the data; returns seconds of a first run with one tiny file."""
    home = folder / "small"
    (home / "landing" / "gateway").mkdir(parents=True)
    event = {"occurred_at": "2024-01-01T00:00:00Z", "organization_id": "acme", "provider": "openai", "model": "gpt-4",
             "input_tokens": 10, "output_tokens": 5}  # fmt: skip
    found = {}
    for number, name in enumerate(("first run, one tiny file", "one small new file"), 1):
        (home / "landing" / "gateway" / f"{number}.jsonl").write_text(
            json.dumps({"event_id": f"e{number}", **event}) + "\n"
        )
        found[name] = timed([METERHOUSE, "run", "--home", home])[0]
    found["nothing new"] = timed([METERHOUSE, "run", "--home", home])[0]
    found["meterhouse --help"] = timed([METERHOUSE, "--help"])[0]
    print("Fixed overhead, seconds")
    for name, seconds in found.items():
        print(f"  {name:<28} {seconds:8.1f}")
    return found["first run, one tiny file"]


def throughput(folder: Path, requests: int, fixed: float) -> None:
    """Print rows/s, peak memory and the ratio to the bare script, and whether both found the same money."""
    home = folder / "large"
    timed(
        [
            METERHOUSE,
            "simulate",
            "--home",
            home,
            "--requests",
            requests,
            "--format",
            "canonical",
            "--seed",
            7,
        ]
    )
    size = sum(p.stat().st_size for p in (home / "landing").rglob("*") if p.is_file()) / 2**20
    bare_seconds, bare_memory, bare_output = timed(
        [sys.executable, "-m", "tests.bench.bare", home / "landing", folder / "bare.duckdb"]
    )
    ours_seconds, ours_memory, _ = timed([METERHOUSE, "run", "--home", home])
    empty = timed([sys.executable, "-c", "import duckdb; duckdb.connect()"])[0]
    steps = json.loads((home / "runs.jsonl").read_text().splitlines()[-1])
    print(f"\n{requests:,} requests, {size:,.0f} MiB landed")
    for name, seconds, memory in (
        ("bare script", bare_seconds, bare_memory),
        ("meterhouse run", ours_seconds, ours_memory),
    ):
        print(f"  {name:<16} {seconds:8.1f} s {requests / seconds:12,.0f} requests/s {memory:8,.0f} MiB peak")
    print(f"  ratio            {ours_seconds / bare_seconds:8.2f}")
    print(f"  start-up apart   {(ours_seconds - fixed) / (bare_seconds - empty):8.2f}")
    count, revenue = bare_output.split()
    ours = next((m["revenue"] for m in steps["money"]), None)
    print(f"  same requests and revenue: {(int(count), revenue) == (steps['requests'], ours)} "
          f"(bare {count}, {revenue}; ours {steps['requests']}, {ours})")  # fmt: skip
    stored = sum(p.stat().st_size for p in (home / "events").rglob("*") if p.is_file())
    print(f"  stored           {stored / requests:8.1f} bytes/request in events/, "
          f"{(home / 'warehouse.duckdb').stat().st_size / requests:.1f} in the warehouse")  # fmt: skip


@click.command()
@click.option("--requests", default=1_000_000, show_default=True)
@click.option("--keep", type=click.Path(path_type=Path), help="Work in this folder and keep it.")
def main(requests: int, keep: Path | None) -> None:
    """Measure on this machine."""
    folder = keep or Path(tempfile.mkdtemp(prefix="meterhouse-bench-"))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        fixed = overhead(folder)
        throughput(folder, requests, fixed)
    finally:
        if keep is None:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
