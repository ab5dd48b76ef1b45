"""Runs a command and says how long it took and how much memory its own processes needed.

What is measured, and what is printed of it, belongs in `__main__.py`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

# A small process that starts the command and waits for it: what the kernel counts for its waited-for
# descendants is then the command's own tree (dbt is a grandchild) and nothing measured before.
_WRAPPER = """
import json, resource, subprocess, sys, time
began = time.monotonic()
try:
    status = subprocess.call(sys.argv[3:], timeout=float(sys.argv[2]))
except subprocess.TimeoutExpired:
    status = f"no end after {sys.argv[2]} seconds"
seconds = time.monotonic() - began
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
open(sys.argv[1], "w").write(json.dumps([seconds, peak, status]))
"""


METERHOUSE = Path(sys.executable).parent / "meterhouse"
# The steps of a run up to its marts.
TO_MARTS = ("landing", "warehouse")


class Timed(NamedTuple):
    """Wall seconds, peak resident memory in MiB of the largest process, and standard output."""

    seconds: float
    peak: float
    output: str


def timed(command: list[object], *, timeout: float = 86_400, **environment: str) -> Timed:
    """Run a command to its end, with these variables too. One that fails or does not end ends the measurement."""
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder) / "measured.json"
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", _WRAPPER, str(found), str(timeout), *map(str, command)],
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        if not found.exists():
            raise SystemExit(f"{command} could not be started")
        seconds, peak, status = json.loads(found.read_text())
    if status:
        raise SystemExit(f"{command} failed ({status}):\n{done.stdout}")
    return Timed(seconds, peak / 1024, done.stdout)


def last_steps(runs: Path) -> dict[str, float]:
    """Seconds by step of the last run in a home's runs.jsonl; empty if the run did not note them."""
    last = json.loads(runs.read_text(encoding="utf-8").splitlines()[-1])
    return dict(last.get("steps", {}))
