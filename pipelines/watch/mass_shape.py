"""Detector A: much more output than usual, in answers longer than usual (mass x shape).

For each organisation-day: how many output tokens are explained neither by the organisation's own
volume nor by its requests and input at its own usual lengths; over 1, 7 and 28 days, so that a slow
campaign adds up. Ranked among peers (same dominant model, new or settled). No absolute threshold:
what is high is decided by the traffic at hand (`calibrate.py`). The formulas are in the SQL files.

Accounts that act together belong in `synchrony.py`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from pipelines.watch.sql import run_sql

if TYPE_CHECKING:
    from datetime import date

    from duckdb import DuckDBPyConnection

SPANS = (1, 7, 28)
REFERENCE_DAYS = 28  # own history that a span is compared with
HISTORY_DAYS = 7  # data needed before a day can be judged: one weekly rhythm
SETTLED_DAYS = 3  # own days from which an account has a usual level of its own
PRIOR_DAYS = 4  # own days that weigh as much as the peers' day-to-day spread
LEAST_PEERS = 20  # organisations that make a peer group: a rank among fewer says little
LEAST_SPREAD = 0.01  # in decades (2 %): keeps a division meaningful for constant traffic


def score_days(connection: DuckDBPyConnection, *, last_day: date, window_days: int) -> None:
    """Write watch.organization_day_scores for the window that ends on `last_day` (UTC, inclusive).

    Days with less than HISTORY_DAYS of data before them are left out. Leaves the temp tables
    watch_days and watch_peers for the other steps.
    """
    first_scored = last_day - timedelta(days=window_days - 1)
    first_read = first_scored - timedelta(days=max(SPANS) - 1 + REFERENCE_DAYS)
    run_sql(
        connection,
        "days.sql",
        first_read=first_read,
        first_scored=first_scored,
        last_day=last_day,
        history_days=HISTORY_DAYS,
        prior_days=PRIOR_DAYS,
        least_peers=LEAST_PEERS,
        least_spread=LEAST_SPREAD,
    )
    for span in SPANS:
        run_sql(connection, "unexplained.sql", span=span, reference=REFERENCE_DAYS)
    run_sql(
        connection,
        "scores.sql",
        history_days=HISTORY_DAYS,
        settled_days=SETTLED_DAYS,
        least_peers=LEAST_PEERS,
    )
