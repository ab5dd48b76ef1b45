"""What the detectors see: one row of numbers for each day of a slice, and for each hour that stands out.

A slice is an organisation's use of one key, one prompt template or one model, or all of its use. Its features compare
it with itself, with its organisation and with all others on that day; none is a quantity that has a threshold. The
formulas are in the SQL files, one idea each. What is made of the features belongs in `taught/`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.organizations.columns import LAYOUT
from pipelines.watch.sql import run_sql

if TYPE_CHECKING:
    from datetime import date

    from duckdb import DuckDBPyConnection

HISTORY_DAYS = 7  # data needed before a day can be judged: one weekly rhythm
NEW_DAYS = 28
MOST_SHARE = 0.1  # of the organisations may have an attribute that links
FILES = ("slices", "organizations", "repeats", "shares", "features", "hours")

# Facts about organisations, where the home has none.
FACTS = f"create schema if not exists watch; create table if not exists watch.organizations {LAYOUT}"


def build_features(connection: DuckDBPyConnection, *, first_read: date, first_scored: date, last_day: date) -> None:
    """Make the temp tables watch_features and watch_hour_features of the days from `first_scored` to `last_day`.

    Reads marts.activity_daily, _slices_daily, _hourly, _places_hourly from `first_read` on, and watch.organizations.
    """
    connection.execute(FACTS)
    for name in FILES:
        run_sql(
            connection,
            f"features/{name}.sql",
            first_read=first_read,
            first_scored=first_scored,
            last_day=last_day,
            history_days=HISTORY_DAYS,
            new_days=NEW_DAYS,
            most_share=MOST_SHARE,
        )
