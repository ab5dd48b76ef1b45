"""Usage after a suspension, outside licensed regions, of models not licensed: flags that are certain.

They stand outside the alert budget: nothing is ranked, nothing left out. What the facts are belongs in
`pipelines/organizations`, what looks like harvesting in the detectors.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from pipelines.watch.sql import run_sql

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from pipelines.settings import Settings

RULES = ("usage_after_suspension", "region_not_licensed", "model_not_licensed")
MOST_NAMED = 10  # names that one detail lists
_NO_DAY = date(1970, 1, 1)


def find_enforcement_flags(connection: DuckDBPyConnection, settings: Settings, *, faults: int = 0) -> int:
    """Write watch.enforcement_flags and watch.enforcement_summary with their views; returns the number of flags.

    Licences are held against the `settings.watch.window_days` that end on the last day with usage, for the facts say
    what holds now; a suspension against all usage since. Needs watch.organizations, marts.activity_places_daily and
    marts.activity_hourly; `faults` is how many faults the file of facts has.
    """
    connection.execute("create schema if not exists published")
    ((last_day,),) = connection.execute("select max(usage_date) from marts.activity_places_daily").fetchall()
    last: date = last_day or _NO_DAY
    first = last - timedelta(days=settings.watch.window_days - 1)
    run_sql(
        connection,
        "enforcement.sql",
        enforcement_first=first,
        enforcement_last=last,
        most_named=MOST_NAMED,
        facts_faults=faults,
    )
    ((flags,),) = connection.execute("select count(*) from watch.enforcement_flags").fetchall()
    return int(flags)
