"""What a child process does to a home: the landing step or a whole run, at an instant that is given.

The clock stands still, so that a run that was killed and done again writes the very rows of an undisturbed one.
"""

from __future__ import annotations

import json
import os
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbt.cli.main import dbtRunner

# Loaded before the fork: a child starts warm.
import pipelines.publish.site
import pipelines.watch.run  # noqa: F401
from pipelines import build, warehouse
from pipelines.home import Home
from pipelines.landing import ingest, quiet
from pipelines.landing.quarantine import drop, retry
from pipelines.landing.quarantine.held import Selection
from pipelines.run import run_all
from pipelines.settings import load_settings

if TYPE_CHECKING:
    from pipelines.settings import Settings
    from tests.crash.points import Points


def land(home: Home, settings: Settings, _: Points | None) -> None:
    """The landing step, as a run calls it."""
    with warehouse.writer_lock(home):
        ingest.ingest(home, settings)


def land_large(home: Home, settings: Settings, points: Points | None) -> None:
    """The landing step as of a landing that memory cannot hold: on a scratch file."""
    ingest._IN_MEMORY = -1
    land(home, settings, points)


def run(home: Home, settings: Settings, points: Points | None) -> None:
    """The whole run, with the dbt that is loaded already."""
    build.run_dbt = partial(_warm_dbt, points)
    run_all(home, settings)


def run_as_installed(home: Home, settings: Settings, _: Points | None) -> None:
    """The whole run, with dbt started anew by its own executable, as `meterhouse run` does."""
    run_all(home, settings)


def retry_all(home: Home, settings: Settings, _: Points | None) -> None:
    """Try again what is in quarantine."""
    retry.retry(home, settings, Selection())


def drop_all(home: Home, _settings: Settings, _: Points | None) -> None:
    """Drop what is in quarantine, if anything is."""
    selection = Selection(source="g")
    drop.drop(home, selection, "a test", expected=drop.to_drop(home, selection))


ACTIONS = {
    "land": land, "land_large": land_large, "run": run, "run_as_installed": run_as_installed, "retry": retry_all,
    "drop": drop_all,
}  # fmt: skip


def act(action: str, root: str, at: str, points: Points | None = None) -> None:
    """Do `action` to the home at `root` when the clock says `at` (ISO text, UTC)."""
    home, instant = Home(Path(root)), datetime.fromisoformat(at)

    class Stopped(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # noqa: ARG003 - callers ask for UTC
            return instant

    ingest.datetime = Stopped
    # Nobody goes on writing a file that is cut off.
    quiet.pause = lambda _: None
    os.environ["METERHOUSE_THREADS"] = "1"
    ACTIONS[action](home, load_settings(home), points)


def _warm_dbt(points: Points | None, home: Home, plan: build.Plan) -> None:
    """As `build.run_dbt`, in a fork of this process instead of a new interpreter, which takes seconds to load dbt."""
    child = os.fork()
    if not child:
        os.environ.update(build.dbt_environment(home))
        os.chdir(home.root)
        arguments: list[Any] = ["--quiet", *build.dbt_arguments(plan), "--project-dir", str(build.DBT_PROJECT)]
        success = dbtRunner().invoke(arguments).success
        if points:
            points.dbt_names.write_text(json.dumps(points.names))
        os._exit(0 if success else 1)
    _, status = os.waitpid(child, 0)
    if status:
        raise build._dbt_failure(home, "")
