"""Runs the landing step in a process of its own and says what it needed.

How that is measured is in `tests/bench/measure.py`; what the step must make of a file is told by the tests.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tests.bench.measure import Timed, timed

if TYPE_CHECKING:
    from pipelines.home import Home

_CODE = """
import sys
from pathlib import Path
from pipelines.home import Home
from pipelines.landing.ingest import ingest
from pipelines.settings import load_settings
home = Home(Path(sys.argv[1]))
ingest(home, load_settings(home))
"""


def limits(memory_limit: str) -> dict[str, str]:
    """Variables that hold DuckDB to so much memory."""
    return {"METERHOUSE_MEMORY_LIMIT": memory_limit, "METERHOUSE_THREADS": "2"}


def land_apart(home: Home, *, memory_limit: str = "512MiB", timeout: float = 600) -> Timed:
    """Land what is new in a home; raises SystemExit when the step fails or hangs."""
    return timed([sys.executable, "-c", _CODE, home.root], timeout=timeout, **limits(memory_limit))
