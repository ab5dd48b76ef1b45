"""`make bench`: fixed overhead, a run beside bare DuckDB scripts, a day on top of history, and rating alone.

Usage: python -m tests.bench [--requests 1000000] [--rated 10000000] [--history 5000000] [--peers PYTHON] [--keep DIR].
Seconds depend on the machine; the ratio does not, much. Both sides run as processes of their own, start-up
included; the line "start-up apart" takes the time of a run with one tiny file off ours and of an empty script off
the other. The bare script reads and keeps the least that gives the same money; the one of "the same work" makes all
that a run makes up to its marts, without checks. Peak memory is that of the largest process of a command.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from decimal import Decimal
from pathlib import Path

import click
import duckdb

from tests.bench.history import measure
from tests.bench.measure import METERHOUSE, TO_MARTS, Timed, last_steps, timed
from tests.bench.rating import MEMORY
from tests.bench.sample import NUMBER, sample


def show_steps(name: str, run: Timed, steps: dict[str, float]) -> None:
    """Print where the seconds of one run went; what no step accounts for is start-up and the end."""
    print(f"\n{name}, seconds by step")
    for step, seconds in steps.items():
        print(f"  {step:<28} {seconds:8.2f}")
    print(f"  {'outside the steps':<28} {run.seconds - sum(steps.values()):8.2f}")


def overhead(folder: Path) -> tuple[float, dict[str, float]]:
    """Print what a run costs whatever the data; returns seconds of a first run with one tiny file, and by step."""
    home = folder / "small"
    (home / "landing" / "gateway").mkdir(parents=True)
    event = {"occurred_at": "2024-01-01T00:00:00Z", "organization_id": "acme", "provider": "openai", "model": "gpt-4",
             "input_tokens": 10, "output_tokens": 5}  # fmt: skip
    found: dict[str, Timed] = {}
    steps: dict[str, dict[str, float]] = {}
    first, second = "first run, one tiny file", "one small new file"
    for number, name in enumerate((first, second), 1):
        (home / "landing" / "gateway" / f"{number}.jsonl").write_text(
            json.dumps({"event_id": f"e{number}", **event}) + "\n"
        )
        found[name] = timed([METERHOUSE, "run", "--home", home])
        steps[name] = last_steps(home / "runs.jsonl")
    found["nothing new"] = timed([METERHOUSE, "run", "--home", home])
    found["meterhouse --help"] = timed([METERHOUSE, "--help"])
    print("Fixed overhead, seconds and MiB at peak")
    for name, run in found.items():
        print(f"  {name:<28} {run.seconds:8.1f} {run.peak:8,.0f}")
    show_steps("One small new file", found[second], steps[second])
    return found[first].seconds, steps[first]


def throughput(folder: Path, requests: int, fixed: float, fixed_steps: dict[str, float]) -> None:
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
    bare = timed([sys.executable, "-m", "tests.bench.bare", home / "landing", folder / "bare.duckdb"])
    same_work = timed([sys.executable, "-m", "tests.bench.bare_same", home / "landing", folder / "same"])
    ours = timed([METERHOUSE, "run", "--home", home])
    empty = timed([sys.executable, "-c", "import duckdb; duckdb.connect()"]).seconds
    last = json.loads((home / "runs.jsonl").read_text().splitlines()[-1])
    print(f"\n{requests:,} requests, {size:,.0f} MiB landed")
    for name, run in (("bare script", bare), ("bare, same work", same_work), ("meterhouse run", ours)):
        print(f"  {name:<16} {run.seconds:8.1f} s {requests / run.seconds:12,.0f} requests/s {run.peak:8,.0f} MiB peak")
    print(f"  ratio            {ours.seconds / bare.seconds:8.2f}")
    print(f"  start-up apart   {(ours.seconds - fixed) / (bare.seconds - empty):8.2f}")
    steps = last_steps(home / "runs.jsonl")
    to_marts = sum(steps[s] - fixed_steps[s] for s in TO_MARTS)
    print(f"  up to the marts, start-up apart: {to_marts:.1f} s, ratio to the same work "
          f"{to_marts / (same_work.seconds - empty):.2f}, to the bare script "
          f"{to_marts / (bare.seconds - empty):.2f}")  # fmt: skip
    count, revenue = bare.output.split()
    money = next((m["revenue"] for m in last["money"]), None)
    same = same_work.output == bare.output and (int(count), Decimal(revenue)) == (
        last["requests"],
        None if money is None else Decimal(money),
    )
    print(f"  same requests and revenue: {same} "
          f"(bare {count}, {revenue}; ours {last['requests']}, {money})")  # fmt: skip
    stored = sum(p.stat().st_size for p in (home / "events").rglob("*") if p.is_file())
    print(f"  stored           {stored / requests:8.1f} bytes/request in events/, "
          f"{(home / 'warehouse.duckdb').stat().st_size / requests:.1f} in the warehouse")  # fmt: skip
    show_steps(f"{requests:,} requests", ours, steps)


def rating(folder: Path, requests: int, peers: Path | None) -> None:
    """Print the ratio of rating and marts to a bare join and sum, its memory, and how peers do."""
    module = [sys.executable, "-m", "tests.bench.rating"]
    timed([*module, "make", folder, requests])
    found = {step: timed([*module, step, folder]) for step in ("bare", "ours", "sum")}
    seconds = {step: float(run.output.split()[0]) for step, run in found.items()}
    totals = {step: run.output.split()[1:] for step, run in found.items()}
    print(f"\nRating and the spend mart of {requests:,} requests, in {MEMORY} of DuckDB memory")
    names = {"bare": "bare join and sum", "ours": "meterhouse", "sum": "the join summed at once"}
    for step, name in names.items():
        print(f"  {name:<24} {seconds[step]:8.1f} s {requests / seconds[step]:12,.0f} requests/s "
              f"{found[step].peak:8,.0f} MiB peak")  # fmt: skip
    print(f"  ratio to the bare one    {seconds['ours'] / seconds['bare']:8.2f}")
    same = totals["ours"] == totals["bare"] == totals["sum"]
    print(f"  same requests and revenue: {same} ({' '.join(totals['ours'])})")
    if peers is not None:
        with_peers(folder, peers)


def with_peers(folder: Path, peers: Path) -> None:
    """Print what packages that price one request a call do with a sample of the same requests, and what they miss."""
    file = folder / "sample.jsonl"
    sample(folder / "events", file)
    print(f"  One call a request, {NUMBER:,} of these requests:")
    for line in timed([peers, "-m", "tests.bench.peers", file]).output.splitlines():
        print(f"    {line}")
    with duckdb.connect(str(folder / "ours.duckdb"), read_only=True) as con:
        (share,) = con.execute("select 100 * sum(unpriced_requests) / sum(requests) from spend_daily").fetchone() or (
            0,
        )
    print(f"    meterhouse, of all requests: {share:.1f} % unpriced")


@click.command()
@click.option("--requests", default=1_000_000, show_default=True)
@click.option("--rated", default=10_000_000, show_default=True, help="Requests of the measurement of rating alone.")
@click.option("--history", default=5_000_000, show_default=True, help="Requests of history under the day of a million.")
@click.option("--peers", type=click.Path(path_type=Path), help="A Python that has the packages of peers.")
@click.option("--keep", type=click.Path(path_type=Path), help="Work in this folder and keep it.")
def main(requests: int, rated: int, history: int, peers: Path | None, keep: Path | None) -> None:
    """Measure on this machine."""
    folder = keep or Path(tempfile.mkdtemp(prefix="meterhouse-bench-"))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        throughput(folder, requests, *overhead(folder))
        print("\nA day on top of history")
        measure(folder / "history", history, 60, 1_000_000)
        rating(folder / "rating", rated, peers)
    finally:
        if keep is None:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
