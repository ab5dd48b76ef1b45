"""Names the committed event files that can no longer be read, once a build has failed on one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

from pipelines.errors import MeterhouseError
from pipelines.landing.manifest import read_manifest
from pipelines.sql import literal

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.home import Home


def damaged_events(home: Home) -> MeterhouseError | None:
    """The error for damaged event files, if there are any: what DuckDB says of one names no file. Reads all events."""
    files = [home.root / name for commit in read_manifest(home) for name in commit.events.values()]
    with duckdb.connect() as con:
        damaged = [file for file in files if not _can_be_read(con, file)]
    if not damaged:
        return None
    more = f", and {len(damaged) - 1:,} more" if len(damaged) > 1 else ""
    return MeterhouseError(
        f"this file of events is damaged or gone{more}: nothing was published.",
        file=damaged[0],
        way_out="Restore it from a backup of the home and run again. Without one, make a new home, copy landing/, "
        "prices/ and meterhouse.toml into it, and run there: all that is still under landing/ is taken in anew.",
    )


def _can_be_read(con: duckdb.DuckDBPyConnection, file: Path) -> bool:
    try:
        con.execute(f"select sum(hash(events)) from read_parquet({literal(file)}) as events").fetchall()
    except duckdb.Error:
        return False
    return True
