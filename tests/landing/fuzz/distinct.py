"""A home in which everything that can be told apart is another in every record, and what a run needs on it.

python -m tests.landing.fuzz.distinct 1000000 FOLDER
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from pipelines.sql import literal
from tests.landing.fuzz.measure import Needed
from tests.landing.homes import CANONICAL, make_home

if TYPE_CHECKING:
    from pipelines.home import Home

_RUN = r"""
import re, sys
from pathlib import Path
from pipelines.home import Home
from pipelines.run import run_all
from pipelines.settings import load_settings
home = Home(Path(sys.argv[1]))
summary = run_all(home, load_settings(home))
print(summary.steps)
print(summary.pages, re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1])
"""


def distinct_home(root: Path, number: int) -> Home:
    """A home with so many events, each of an organisation, product, key, user, model and provider of its own."""
    home = make_home(root, CANONICAL)
    path = home.landing / "g" / "a.jsonl"
    path.parent.mkdir()
    with duckdb.connect() as con:
        con.execute(f"""
            copy (
                select
                    'e' || n as event_id, (timestamp '2024-03-01' + n % 86400 * interval 1 second)::varchar || 'Z'
                        as occurred_at,
                    'organisation ' || n as organization_id, 'product-' || n as product_id, 'key-' || n as api_key_id,
                    'user-' || n as end_user_id, 'provider-' || n as provider, 'model-' || n as model,
                    'region-' || n as region, 'agent-' || n as client_agent, 'op-' || n as operation,
                    100 as input_tokens, 20 as output_tokens
                from range({number}) as numbers (n)
            ) to {literal(path)} (format json)""")
    return home


def run_apart(home: Home, *, memory_limit: str = "2GiB", timeout: float = 3600) -> tuple[Needed, int]:
    """The whole job in a process of its own: what it needed, and how many pages it made."""
    environment = {**os.environ, "METERHOUSE_MEMORY_LIMIT": memory_limit, "METERHOUSE_THREADS": "2"}
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", _RUN, str(home.root)],
        env=environment, timeout=timeout, check=False, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(done.stderr[-3000:])
    steps, last = done.stdout.splitlines()[-2:]
    print(steps)
    pages, kibibytes = map(int, re.findall(r"\d+", last))
    return Needed(time.monotonic() - began, kibibytes / 1024), pages


if __name__ == "__main__":
    needed, made = run_apart(distinct_home(Path(sys.argv[2]), int(sys.argv[1])))
    print(f"{needed.seconds:.0f} s, {needed.mebibytes:.0f} MiB, {made} pages")
