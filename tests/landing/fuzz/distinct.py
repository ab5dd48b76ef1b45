"""A home in which everything that can be told apart is another in every record, and what a run needs on it.

python -m tests.landing.fuzz.distinct 1000000 FOLDER
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from pipelines.sql import literal
from tests.bench.measure import METERHOUSE, last_steps, timed
from tests.landing.fuzz.measure import limits
from tests.landing.homes import CANONICAL, make_home

if TYPE_CHECKING:
    from pipelines.home import Home


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


if __name__ == "__main__":
    made = distinct_home(Path(sys.argv[2]), int(sys.argv[1]))
    run = timed([METERHOUSE, "run", "--home", made.root], timeout=3600, **limits("2GiB"))
    print(last_steps(made.root / "runs.jsonl"))
    site = [p.stat().st_size for p in made.site.rglob("*") if p.is_file()]
    pages = len(list(made.site.rglob("*.html")))
    print(f"{run.seconds:.0f} s, {run.peak:.0f} MiB, {pages} pages, {sum(site) / 2**20:.0f} MiB of site")
