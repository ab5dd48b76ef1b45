"""Logs of many days for measurements: one simulated pool, dealt out over the days with new identities.

Organisations, models, sizes and hours are the simulator's; every request has an id, a moment and a prompt of its own.
One file a day, packed, so that many days fit on a disk. Not here: what is measured on them.
"""

from __future__ import annotations

import json
import tempfile
from datetime import date, timedelta
from pathlib import Path

import duckdb

from pipelines.home import Home
from pipelines.simulate.simulation import simulate
from pipelines.sql import literal

FIRST_DAY = date(2024, 1, 1)
_POOL = 1_000_000


class Pool:
    """Simulated requests to deal out, held in memory."""

    def __init__(self, size: int = _POOL) -> None:
        self._con = duckdb.connect()
        self._con.execute("set TimeZone = 'UTC'")
        with tempfile.TemporaryDirectory() as folder:
            home = Home(Path(folder))
            simulate(home, days=30, organizations=200, requests=size, seed=7, log_format="canonical")
            self._con.execute(f"""
                create table pool as
                select * replace (occurred_at::timestamp::time as occurred_at),
                    row_number() over (order by hash(event_id)) - 1 as place
                from read_json('{home.landing}/gateway/*.jsonl*', format = 'newline_delimited', ignore_errors = true,
                    columns = {_columns(home)})
                where event_id is not null and occurred_at is not null and input_tokens >= 0 and output_tokens >= 0
                qualify row_number() over (partition by event_id) = 1""")
        [(self.size,)] = self._con.execute("select count(*) from pool").fetchall()

    def deal(self, landing: Path, first: int, days: int, requests: int) -> None:
        """Write `requests` in files of one day each, from day number `first` on; equal calls, equal files."""
        folder = landing / "gateway"
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(first, first + days):
            day = FIRST_DAY + timedelta(days=number)
            count = requests * (number - first + 1) // days - requests * (number - first) // days
            self._con.execute(f"""
                copy (
                    select * exclude (place, nth) replace (
                        left(event_id, 5) || md5('{number} ' || nth) as event_id,
                        strftime(date '{day}' + occurred_at, '%Y-%m-%dT%H:%M:%S.%fZ') as occurred_at,
                        left(md5(prompt_digest || '{number} ' || nth // {self.size}), 16) as prompt_digest
                    )
                    from (
                        select pool.*, nth from range({count}) as numbers (nth)
                        inner join pool on pool.place = (nth + {number} * {count}) % {self.size}
                    )
                ) to {literal(folder / f"{day}.jsonl.zst")} (format json, compression zstd)""")


def _columns(home: Home) -> str:
    """The fields of the simulator's logs, in their order, as DuckDB's reader wants them."""
    with next(home.landing.glob("gateway/*.jsonl")).open(encoding="utf-8") as file:
        first = json.loads(file.readline())
    kinds = {bool: "BOOLEAN", int: "BIGINT", float: "DOUBLE"}
    named = {"occurred_at": "VARCHAR", "max_output_tokens": "BIGINT", "temperature": "DOUBLE"}
    return "{" + ", ".join(f"{k}: '{named.get(k) or kinds.get(type(v), 'VARCHAR')}'" for k, v in first.items()) + "}"
