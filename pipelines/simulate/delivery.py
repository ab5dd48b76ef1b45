"""Writes requests as log files: lateness, redelivery, file names, compression.

What a request is belongs in `traffic.py`, broken lines in `broken.py`, how a line looks in
`formats/*.sql`, each of which reads the relation of `formats/delivered.sql`.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa

from pipelines.simulate.prices import current_rates
from pipelines.simulate.traffic import DAY_US, ERRORS, FINISH, base_of
from pipelines.sql import literal, read_sql

if TYPE_CHECKING:
    from datetime import datetime

    import duckdb
    from numpy.random import Generator
    from numpy.typing import NDArray

    from pipelines.simulate.prices import PriceRow
    from pipelines.simulate.traffic import Crowd

LogFormat = Literal["litellm", "openai", "canonical"]
FORMATS = Path(__file__).with_name("formats")
LATE_SHARE, REDELIVERED_SHARE = 0.006, 0.004
HELD_DAYS = 7


def redeliver(
    rng: Generator, rows: dict[str, NDArray[Any]], day: int, last_day: int
) -> tuple[dict[str, NDArray[Any]], int]:
    """Adds `delivered_on` (day of the file), `arrived_us` (place in it) and `copy` (1 = duplicate).

    A late record comes 1 to 3 days after its day, never after the period; a duplicate comes
    again in the same file or in one of the next two. Returns all rows and how many are late.
    """
    n = len(rows["id"])
    late = (rng.random(n) < LATE_SHARE) & (day < last_day)
    on = np.where(late, np.minimum(day + rng.integers(1, 4, n), last_day), day)
    arrived = np.where(late, on * DAY_US + rng.integers(0, DAY_US, n), rows["ended_us"])
    again = np.flatnonzero(rng.random(n) < REDELIVERED_SHARE)
    again_on = np.minimum(on[again] + rng.integers(0, 3, len(again)), last_day)
    again_at = again_on * DAY_US + rng.integers(0, DAY_US, len(again))
    whole = {name: np.concatenate([values, values[again]]) for name, values in rows.items()}
    whole["delivered_on"] = np.concatenate([on, again_on])
    whole["arrived_us"] = np.concatenate([arrived, again_at])
    whole["copy"] = np.concatenate([np.zeros(n, np.int64), np.ones(len(again), np.int64)])
    return whole, int(late.sum())


def hold_back(rows: dict[str, NDArray[Any]], day: int, last_day: int) -> None:
    """Leaves the late records of the last week, batches apart, to the one file that comes after all others.

    Its day, `last_day` + 1, is only a place: it is named for the last day, and its records are older.
    """
    if last_day - HELD_DAYS <= day < last_day:
        held = (rows["delivered_on"] > day) & (rows["copy"] == 0) & ~rows["batch"]
        rows["delivered_on"] = np.where(held, last_day + 1, rows["delivered_on"])


def create_dimensions(
    connection: duckdb.DuckDBPyConnection,
    crowd: Crowd,
    book: list[PriceRow],
    *,
    seed: int,
    days: int,
) -> None:
    """The small tables and the view `requested` that the format files read."""
    column = crowd.column
    names = (
        "organization_id",
        "product_id",
        "operation",
        "max_output",
        "agent",
        "temperature",
        "n",
        "logprobs",
    )
    models = range(len(crowd.models))
    tables: dict[str, dict[str, Any]] = {
        "dim_stream": {"stream": np.arange(len(crowd.streams))} | {n: column[n] for n in names},
        "dim_model": {
            "model": list(models),
            "name": crowd.models,
            "base_model": [base_of(m) for m in crowd.models],
        },
        "dim_run": {"seed": [str(seed)], "start": [crowd.start.replace(tzinfo=None)]},
        "dim_finish": {"finish": list(range(len(FINISH))), "reason": list(FINISH)},
        "dim_error": {
            "error": list(range(1, len(ERRORS) + 1)),
            "status": [s for s, _ in ERRORS],
            "error_type": [t for _, t in ERRORS],
        },
    }
    for table, data in tables.items():
        _load(connection, table, pa.table(data))
    connection.execute(
        "create temp table dim_rate (model bigint, batch boolean, input decimal(18, 12), "
        "cached_input decimal(18, 12), output decimal(18, 12))"
    )
    rates = [
        (code, batch, *(rate.get(u) for u in ("input", "cached_input", "output")))
        for code in models
        for batch in (False, True)
        if (rate := current_rates(book, crowd.models[code], batch=batch, at=crowd.start + timedelta(days=days)))
    ]
    if rates:
        connection.executemany("insert into dim_rate values (?, ?, ?, ?, ?)", rates)
    connection.execute(read_sql(FORMATS / "delivered.sql"))


def add_requests(connection: duckdb.DuckDBPyConnection, rows: dict[str, NDArray[Any]]) -> None:
    """Appends drawn requests to the table `requests` (made by the first call)."""
    connection.register("drawn", pa.table(rows))
    connection.execute("create temp table if not exists requests as select * from drawn limit 0")
    connection.execute("insert into requests select * from drawn")
    connection.unregister("drawn")


def _load(connection: duckdb.DuckDBPyConnection, table: str, data: pa.Table) -> None:
    connection.register("drawn", data)
    connection.execute(f"create temp table {table} as select * from drawn")
    connection.unregister("drawn")


def write_logs(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    start: datetime,
    days: int,
    log_format: LogFormat,
) -> dict[str, int]:
    """One file a day (and one more for batches where the format has them apart): records by name.

    The first day of a week's three is plain, the third gzip, the sixth Zstandard. What was held back
    is in a file of its own, `late-` and the last day.
    """
    folder.mkdir(parents=True, exist_ok=True)
    kinds: list[tuple[str, str, str]] = [(log_format, "", "true")]
    if log_format == "openai":
        kinds = [("openai", "", "not batch"), ("openai_batch", "batch-", "batch")]
    written: dict[str, int] = {}
    for day in range(days + 1):
        ending, compression = _packing(day) if day < days else (".jsonl", "none")
        for name, prefix, condition in kinds:
            where = f"delivered_on = {day} and {condition}"
            records = connection.execute(f"select count(*) from requests where {where}").fetchone()
            if not records or not records[0]:
                continue
            late = "late-" if day == days else ""
            file = f"{late}{prefix}{(start + timedelta(days=min(day, days - 1))).date().isoformat()}{ending}"
            connection.execute(
                f"copy (with delivered as (from requested where {where}) "
                f"{read_sql(FORMATS / f'{name}.sql')}) to {literal(folder / file)} "
                f"(format json, compression {literal(compression)})"
            )
            written[file] = int(records[0])
    return written


def _packing(day: int) -> tuple[str, str]:
    if day % 6 == 2:
        return ".jsonl.gz", "gzip"
    if day % 6 == 5:
        return ".jsonl.zst", "zstd"
    return ".jsonl", "none"
