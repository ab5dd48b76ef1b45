"""The bench's own measuring: each command's memory is its own, whatever ran before."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from tests.bench.measure import last_steps, timed

if TYPE_CHECKING:
    from pathlib import Path

# 256 MiB, written to, so that they are resident.
LARGE = "block = bytearray(b'x' * 2**28)"


def test_peak_is_the_commands_own() -> None:
    before = timed([sys.executable, "-c", "pass"]).peak
    large = timed([sys.executable, "-c", LARGE]).peak
    after = timed([sys.executable, "-c", "pass"]).peak
    assert large > 256
    assert 1 < after < 100
    assert abs(after - before) < 20


def test_peak_counts_processes_that_the_command_starts() -> None:
    nested = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {LARGE!r}], check=True)"
    assert timed([sys.executable, "-c", nested]).peak > 256


def test_peak_does_not_count_the_measuring_process() -> None:
    block = bytearray(b"x" * 2**28)
    assert timed([sys.executable, "-c", "pass"]).peak < 100
    assert len(block) == 2**28


def test_seconds_and_output_are_the_commands() -> None:
    run = timed([sys.executable, "-c", "import time; time.sleep(0.3); print('done')"])
    assert run.seconds >= 0.3
    assert run.output == "done\n"


def test_failed_command_ends_the_measurement() -> None:
    with pytest.raises(SystemExit, match="failed"):
        timed([sys.executable, "-c", "raise SystemExit(3)"])


def test_a_command_that_does_not_end_ends_the_measurement() -> None:
    with pytest.raises(SystemExit, match=r"no end after 0\.5 seconds"):
        timed([sys.executable, "-c", "import time; time.sleep(60)"], timeout=0.5)


def test_variables_are_the_commands() -> None:
    assert timed([sys.executable, "-c", "import os; print(os.environ['GIVEN'])"], GIVEN="so").output == "so\n"


def test_steps_are_those_of_the_last_run(tmp_path: Path) -> None:
    runs = tmp_path / "runs.jsonl"
    runs.write_text(json.dumps({"steps": {"landing": 9.0}}) + "\n" + json.dumps({"steps": {"landing": 1.5}}) + "\n")
    assert last_steps(runs) == {"landing": 1.5}
    runs.write_text("{}\n")
    assert last_steps(runs) == {}
