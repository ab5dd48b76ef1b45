"""Writes rows as Parquet in a folder a day, each large day in a statement of its own.

One statement for all days (`partition_by`) holds what it has of each until the day is full: twice the work, and of a
year of requests more than a disk may have room for. It stays for days with few rows, of which there may be thousands.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from pipelines import warehouse
from pipelines.sql import literal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import duckdb

# Rows of a day from which it is written on its own.
OWN_PASS = 10_000


def copy_by_day(
    con: duckdb.DuckDBPyConnection,
    rows: str,
    instant: str,
    folder: Path,
    options: Sequence[str],
    *,
    columns: str = "*",
    keep_day: bool = False,
) -> list[str]:
    """Write relation `rows` to `folder`/usage_date=DAY/*.parquet; returns the days (ISO text) in order.

    `instant` is the column, a date or a timestamp, whose day counts; `options` are those of COPY. `keep_day` says that
    `columns` have a usage_date, which then is in the files too. A large day is one file. `folder` must be there.
    """
    days = con.execute(f"select {instant}::date::varchar, count(*) from {rows} group by 1 order by 1").fetchall()
    large = [day for day, count in days if count >= OWN_PASS]
    how = ", ".join(("format parquet", *options))

    def write(day: str) -> None:
        own = folder / f"usage_date={day}"
        own.mkdir()
        with con.cursor() as cursor:
            cursor.execute(f"""
                copy (
                    select {columns} from {rows}
                    where {instant} >= date '{day}' and {instant} < date '{day}' + 1
                ) to {literal(own / "data_0.parquet")} ({how})""")

    with ThreadPoolExecutor(max_workers=warehouse.threads()) as pool:
        for _ in pool.map(write, large):
            pass
    if len(large) < len(days):
        written = ", ".join(f"date '{day}'" for day in large) or "null"
        day = "" if keep_day else f", {instant}::date as usage_date"
        kept = ", write_partition_columns true" if keep_day else ""
        con.execute(f"""
            copy (
                select {columns}{day} from {rows}
                where ({instant}::date in ({written})) is not true
            ) to {literal(folder)} ({how}, partition_by (usage_date), overwrite_or_ignore true{kept})""")
    return [day for day, _ in days]
