"""Landing, retry and drop are killed at every step on disk; a landing also at queries and at random moments.

A landing that works on a scratch file is killed while DuckDB writes it: at queries and at random moments.

METERHOUSE_CRASH=long kills a landing at moments too that leave the disk as the next one does.
"""

from __future__ import annotations

import os
import random
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from pipelines.home import Home
from tests.crash import deliveries
from tests.crash.runner import Death, Runner
from tests.crash.states import Landed, differences, landed, manifest

if TYPE_CHECKING:
    from pathlib import Path

SEED = 7
QUERIES, MOMENTS = 15, 10
LONG = os.environ.get("METERHOUSE_CRASH") == "long"


@dataclass
class Start:
    """A home with the first delivery taken in and the second waiting; what it shows before and after that run."""

    folder: Path
    before: Landed
    after: Landed
    points: list[str]
    seconds: float

    def again(self) -> Home:
        """The home as it was, at its place: what is read of a file hangs on the address of its store."""
        home = Home(self.folder / "home")
        shutil.rmtree(home.root)
        shutil.copytree(self.folder / "kept", home.root)
        return home


def make_start(folder: Path, runner: Runner, action: str) -> Start:
    """The start of every death, and how the action passes that no one disturbs."""
    home = deliveries.make(folder / "home")
    assert runner("land", home, deliveries.FIRST_AT).error is None
    before = landed(home)
    if action.startswith("land"):
        deliveries.deliver_second(home)
    if action == "retry":
        deliveries.name_the_model(home)
    shutil.copytree(home.root, folder / "kept")
    outcome = runner(action, home, deliveries.SECOND_AT, count=True)
    assert outcome.error is None
    return Start(folder, before, landed(home), outcome.points, outcome.seconds)


def deaths(start: Start, action: str) -> list[Death]:
    """Every moment before a change on disk, and what the seed draws: queries, and times of the clock.

    A killed process leaves what it has written whether or not it waited for the disk: after a step the disk is as it
    is before the next, and before and after an fsync it is the same. `LONG` takes all of them. Where a query follows,
    which may not be drawn, the moment after the step is taken.
    A retry and a drop write by the landing step's own functions: of these only the renames.
    """
    if not action.startswith("land"):
        return [Death(n) for n, name in enumerate(start.points, 1) if "os.replace" in name]
    chance = random.Random(SEED)  # noqa: S311 - to be drawn again
    at_queries = [n for n, name in enumerate(start.points, 1) if " duckdb." in name]
    on_disk = [n for n in range(1, len(start.points) + 1) if n not in set(at_queries)]
    if action == "land_large" and not LONG:
        on_disk = []
    elif not LONG:
        on_disk = [n for n in on_disk if _changes(start.points[n - 1]) or n + 1 not in on_disk]
    drawn = [*on_disk, *chance.sample(at_queries, QUERIES)]
    return [*map(Death, drawn), *(Death(delay=chance.uniform(0, start.seconds)) for _ in range(MOMENTS))]


def _changes(point: str) -> bool:
    """Whether the disk may be another at the moment after this one."""
    return point.startswith("before ") and "os.fsync" not in point


def kill_all(folder: Path, action: str, every: slice) -> tuple[int, list[str]]:
    """Die of every chosen death from the same start, and do it again: how many died, and what was wrong afterwards."""
    killed, faults = 0, []
    with Runner() as runner:
        start = make_start(folder, runner, action)
        assert any("before os.replace" in p and "manifest" in p for p in start.points)
        for death in deaths(start, action)[every]:
            home = start.again()
            where = start.points[death.point - 1] if death.point else f"after {death.delay} s"
            killed += runner(action, home, deliveries.SECOND_AT, death).killed
            done = manifest(home) == start.after.manifest
            if not done and manifest(home) != start.before.manifest:
                faults.append(f"{where}: half of it shows")
            error = runner(action, home, deliveries.SECOND_AT).error
            # What was dropped cannot be dropped again.
            if error and not (done and action == "drop"):
                faults.append(f"{where}: {error}")
            faults += [f"{where}: {line}" for line in differences(landed(home), start.after)]
    return killed, faults


@pytest.mark.slow
@pytest.mark.parametrize(
    ("action", "least"), [("land", 100 if LONG else 50), ("land_large", 15), ("retry", 8), ("drop", 4)]
)
def test_after_every_death_the_next_one_is_undisturbed(tmp_path: Path, action: str, least: int) -> None:
    with ThreadPoolExecutor(2) as pool:
        halves = list(pool.map(lambda n: kill_all(tmp_path / str(n), action, slice(n, None, 2)), range(2)))
    assert [line for _, faults in halves for line in faults] == []
    assert sum(killed for killed, _ in halves) >= least
