"""When the main job runs by itself: once a day, and when files have landed."""

from __future__ import annotations

import hashlib

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


@dg.sensor(
    name="files_landed",
    job=MAIN_JOB,
    minimum_interval_seconds=30,
    description="Starts a run when files with new content lie under landing/.",
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def landing_sensor(home: MeterhouseHome) -> dg.RunRequest | dg.SkipReason:
    """One run request for one set of new file contents."""
    place = home.get()
    try:
        new, _ = find_new(place, load_settings(place), read_manifest(place))
    except MeterhouseError as error:
        return dg.SkipReason(error.paragraph())
    if not new:
        return dg.SkipReason("Nothing new under landing/.")
    content = "".join(sorted(f"{f.landed.source.name}:{f.digest}:{f.reading};" for f in new))
    return dg.RunRequest(run_key=hashlib.sha256(content.encode()).hexdigest())
