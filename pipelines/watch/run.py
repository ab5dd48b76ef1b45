"""The extraction watch as one step: marts.activity_* in, watch.* and a published view out.

Reads activity by day, hour and ten minutes, never a request. Everything is rebuilt from the activity of the
window, so the same tables give the same rows.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from pipelines.cases.apply import apply_review
from pipelines.cases.notes import uncovered, write_notes
from pipelines.watch import calibrate
from pipelines.watch.cases import COORDINATED, group_cases, single_cases, write_cases
from pipelines.watch.features import build_features
from pipelines.watch.groups import find_groups
from pipelines.watch.mass_shape import HISTORY_DAYS, REFERENCE_DAYS, SPANS, score_days
from pipelines.watch.newcomers import screen
from pipelines.watch.sql import run_sql
from pipelines.watch.taught.queue import taught_cases
from pipelines.watch.taught.score import score
from pipelines.watch.taught.trees import load

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from pipelines.cases.apply import Review
    from pipelines.settings import Settings
    from pipelines.watch.cases import Case


_NO_DAY = date(1970, 1, 1)
# Of the alerts for single accounts, those of the taught detectors; the others are of mass x shape, which nobody taught.
TAUGHT_SHARE = 0.75


@dataclass(frozen=True, slots=True)
class WatchSummary:
    """What a run of the watch did."""

    last_day: date | None  # end of the window, UTC
    organization_days: int  # active organisation-days judged
    unjudged_days: int  # in the window, but with too little data before them
    alerts_allowed: float  # the budget
    single_cases: int
    group_cases: int
    note: str  # why nothing is flagged, or ''

    @property
    def flags(self) -> int:
        """Cases in the queue."""
        return self.single_cases + self.group_cases


def watch(connection: DuckDBPyConnection, settings: Settings, review: Review | None = None) -> WatchSummary:
    """Score the window of `settings.watch.window_days` that ends on the last day with usage.

    Writes watch.organization_day_scores, watch.detector_day_scores, watch.extraction_flags and watch.newcomers, and
    (re)creates the views of the last two. Needs the tables marts.activity_*; empty ones are fine. With a `review`
    decisions count and an audit sample joins the queue; without, only detection does.
    """
    connection.execute("create schema if not exists watch; create schema if not exists published")
    window = settings.watch.window_days
    span = connection.execute("select max(usage_date) from marts.activity_daily").fetchone()
    last_day: date | None = span[0] if span else None
    write_notes(connection, review.decisions if review else None)
    score_days(connection, last_day=last_day or _NO_DAY, window_days=window)
    about, taught = load()
    span_days = _span(connection, last_day or _NO_DAY, window)
    build_features(connection, **span_days)
    score(connection, taught)
    judged, unjudged = _coverage(connection)
    allowed = calibrate.budget(settings.watch.alerts_per_1000_organization_days, judged)
    alerts = calibrate.whole_alerts(allowed)
    grouped: list[Case] = []
    single: list[Case] = []
    if alerts and last_day:
        run_sql(connection, "evidence.sql")
        first_day = last_day - timedelta(days=window - 1)
        groups = find_groups(connection, first_day=first_day, last_day=last_day, allowed=allowed)
        groups = uncovered(connection, groups, COORDINATED)
        groups = groups[: calibrate.group_alerts(alerts)]
        grouped = group_cases(connection, groups)
        taken = {member for group in groups for member in group.members}
        left = alerts - len(grouped)
        single = taught_cases(connection, taught, alerts=calibrate.share_of(left, TAUGHT_SHARE), taken=taken)
        taken |= {member for case in single for member in case.members}
        single += single_cases(connection, alerts=left - len(single), taken=taken)
    write_cases(connection, [*grouped, *single], about["version"])
    if review:
        apply_review(connection, review, last_day=last_day, judged=judged, alerts_allowed=allowed)
    summary = WatchSummary(
        last_day,
        judged,
        unjudged,
        round(allowed, 6),
        len(single),
        len(grouped),
        _note(judged, unjudged, alerts),
    )
    _write_summary(connection, summary)
    screen(connection, last_day=last_day or _NO_DAY, window_days=window, first_scored=span_days["first_scored"])
    return summary


def _span(connection: DuckDBPyConnection, last_day: date, window_days: int) -> dict[str, date]:
    """The days to read and those to score, as of the window: a day is scored when a week of data lies before it."""
    first_scored = last_day - timedelta(days=window_days - 1)
    row = connection.execute("select min(usage_date) from marts.activity_daily").fetchone()
    data_from: date = row[0] if row and row[0] else last_day
    return {
        "first_read": first_scored - timedelta(days=max(SPANS) - 1 + REFERENCE_DAYS),
        "first_scored": max(first_scored, data_from + timedelta(days=HISTORY_DAYS)),
        "last_day": last_day,
    }


def _write_summary(connection: DuckDBPyConnection, summary: WatchSummary) -> None:
    """One row that says what was judged: an empty queue means little without it."""
    connection.execute("""
        create or replace table watch.watch_summary (
            last_day date, organization_days bigint, unjudged_days bigint, alerts_allowed decimal(18, 6),
            single_cases integer, group_cases integer, note varchar)""")
    connection.execute("insert into watch.watch_summary values (?, ?, ?, ?, ?, ?, ?)", list(astuple(summary)))
    connection.execute("create or replace view published.watch_summary as from watch.watch_summary")


def _coverage(connection: DuckDBPyConnection) -> tuple[int, int]:
    """Organisation-days judged, and those of the window that could not be."""
    row = connection.execute(
        """select
            count(*) filter (where is_scored),
            count(*) filter (where in_window and not is_scored)
        from watch_days"""
    ).fetchone()
    return (int(row[0]), int(row[1])) if row else (0, 0)


def _note(judged: int, unjudged: int, alerts: int) -> str:
    if judged == 0 and unjudged == 0:
        return "no usage to judge"
    if judged == 0:
        return f"history too short: a day is judged when {HISTORY_DAYS} days of data come before it"
    if alerts == 0:
        return f"the alert budget allows less than one case for {judged:,} organisation-days"
    return ""
