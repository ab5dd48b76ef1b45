"""Runs the landing step in a process of its own and says what it needed.

Only what is measured from outside belongs here; what the step must make of a file is told by the tests.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipelines.home import Home

_CODE = r"""
import re, sys
from pathlib import Path
from pipelines.home import Home
from pipelines.landing.ingest import ingest
from pipelines.settings import load_settings
home = Home(Path(sys.argv[1]))
ingest(home, load_settings(home))
# Not ru_maxrss: that begins with what the process had that started this one.
print(re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1])
"""


@dataclass(frozen=True, slots=True)
class Needed:
    """Wall seconds and the most resident memory, in MiB, of one landing step in a fresh process."""

    seconds: float
    mebibytes: float


def land_apart(home: Home, *, memory_limit: str = "512MiB", timeout: float = 600) -> Needed:
    """Land what is new in a home, DuckDB being held to `memory_limit`.

    Raises subprocess.CalledProcessError when the step fails, TimeoutExpired when it hangs.
    """
    environment = {**os.environ, "METERHOUSE_MEMORY_LIMIT": memory_limit, "METERHOUSE_THREADS": "2"}
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", _CODE, str(home.root)],
        env=environment, timeout=timeout, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return Needed(time.monotonic() - began, int(done.stdout.splitlines()[-1]) / 1024)
