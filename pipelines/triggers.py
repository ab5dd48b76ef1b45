"""When the main job runs by itself: once a day, and when files have landed."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import dagster as dg

from pipelines.assets import MAIN_JOB, MeterhouseHome
from pipelines.errors import MeterhouseError
from pipelines.landing.manifest import read_manifest
from pipelines.landing.new_files import find_new
from pipelines.settings import load_settings

daily_schedule = dg.ScheduleDefinition(
    name="daily",
    job=MAIN_JOB,
    cron_schedule="15 2 * * *",
    execution_timezone="UTC",
    description="Every night at 02:15 UTC.",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)


# After how long files that are still new are asked for again: the run failed, or was never started.
ASK_AGAIN = timedelta(minutes=15)
# A run older than this that still counts as in progress has died without saying so.
LONGEST_RUN = timedelta(hours=12)


@dg.sensor(
    name="files_landed",
    job=MAIN_JOB,
    minimum_interval_seconds=30,
    description="Starts a run when files with new content lie under landing/, and another one if they are still "
    "new later and no run is in progress.",
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def landing_sensor(context: dg.SensorEvaluationContext, home: MeterhouseHome) -> dg.SensorResult | dg.SkipReason:
    """One run request for one set of new file contents.

    Dagster starts one run for a run key and never another, so a failed run's key is used up. The
    cursor keeps what was asked for last, when, and the how manieth request it was; that number is
    part of the key.
    """
    place = home.get()
    try:
        new, landing = find_new(place, load_settings(place), read_manifest(place))
    except MeterhouseError as error:
        return dg.SkipReason(error.paragraph())
    if not new:
        left = "".join(f" {e.paragraph()}" for e in landing.unclear)
        return dg.SkipReason(f"Nothing new under landing/.{left}")
    content = "".join(sorted(f"{f.landed.source.name}:{f.digest}:{f.reading};" for f in new))
    digest = hashlib.sha256(content.encode()).hexdigest()
    now = datetime.now(UTC)
    last = _last_request(context.cursor)
    if last is None or last.digest != digest:
        asked = Request(digest, now.isoformat(), last.number + 1 if last else 1)
    elif now - datetime.fromisoformat(last.asked_at) >= ASK_AGAIN and not _in_progress(context.instance, now):
        asked = Request(digest, now.isoformat(), last.number + 1)
    else:
        asked = last
    return dg.SensorResult(
        run_requests=[dg.RunRequest(run_key=f"{digest}-{asked.number}")], cursor=json.dumps(asked._asdict())
    )


class Request(NamedTuple):
    """The sensor's last request: digest of the new contents, when (ISO, UTC), and its number."""

    digest: str
    asked_at: str
    number: int


def _last_request(cursor: str | None) -> Request | None:
    try:
        return Request(**json.loads(cursor)) if cursor else None
    except (ValueError, TypeError):
        return None


def _in_progress(instance: dg.DagsterInstance, now: datetime) -> bool:
    """Whether a main job is waiting or running: it may yet take the files in."""
    statuses = [
        dg.DagsterRunStatus.QUEUED,
        dg.DagsterRunStatus.NOT_STARTED,
        dg.DagsterRunStatus.STARTING,
        dg.DagsterRunStatus.STARTED,
        dg.DagsterRunStatus.CANCELING,
    ]
    recent = dg.RunsFilter(job_name=MAIN_JOB.name, statuses=statuses, created_after=now - LONGEST_RUN)
    return instance.get_runs_count(recent) > 0
