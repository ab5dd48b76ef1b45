"""A few of the benchmark's own requests as JSON lines, for peers that take them one by one.

`python -m tests.bench.sample EVENTS FILE [NUMBER]`. The same requests in every run: tuned, batch and failed ones in
the share that they have.
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

NUMBER = 20_000


def sample(events: Path, file: Path, number: int = NUMBER) -> None:
    """Write `number` requests of the Parquet below `events`, by a hash of their ids: days and models stay mixed."""
    with duckdb.connect() as con:
        con.execute(f"""
            copy (
                select
                    provider, model, service_tier, occurred_at, status, output_tokens, cached_input_tokens,
                    coalesce(raw_input_tokens, 0) as input_tokens
                from read_parquet('{events}/*/*.parquet')
                order by hash(event_id), event_id
                limit {number}
            ) to '{file}' (format json)""")


if __name__ == "__main__":
    sample(Path(sys.argv[1]), Path(sys.argv[2]), *map(int, sys.argv[3:4]))
