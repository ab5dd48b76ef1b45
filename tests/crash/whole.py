"""Kills whole runs of three kinds: the first of a home, one with a new delivery, one after a change of prices.

A seed draws the kind and the moment; what the next run leaves is compared with a home that no one disturbed.
"""

from __future__ import annotations

import random
import shutil
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.pricing.tables import RATES
from tests.crash import deliveries
from tests.crash.runner import Death, Outcome, Runner
from tests.crash.states import Landed, differences, published

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipelines.home import Home

KINDS = ("next", "prices", "next", "first")
# Seconds that what a dead run has left at work may keep the home: dbt ends by itself, a killed process takes a moment.
_PATIENCE, _MOMENT = 120, 10
_OWN_RATE = "list,openai,unheard-of-1,base,standard,,input,1.5,1000000,USD,0,2024-01-01T00:00:00Z,,,contract,2024-01-05"


@dataclass
class Start:
    """A home about to run, what has to stand when it has, and how the run passes that no one disturbs."""

    home: Home
    kept: Path
    at: str
    wanted: Landed
    calm: Outcome

    def again(self) -> Home:
        """The home as it was before the run."""
        shutil.rmtree(self.home.root)
        shutil.copytree(self.kept, self.home.root, symlinks=True)
        return self.home


@dataclass
class Killed:
    """One death. `faults`: what was not as it should be afterwards; `refused`: how often the next run was sent away."""

    number: int
    kind: str
    where: str
    killed: bool
    seconds: float
    refused: int
    faults: list[str]


def make_start(kind: str, folder: Path, runner: Runner) -> Start:
    """A home of this kind below `folder`."""
    home = deliveries.make(folder / kind)
    at = deliveries.FIRST_AT
    if kind != "first":
        _whole(runner("run", home, at))
        at = deliveries.SECOND_AT
    if kind == "next":
        deliveries.deliver_second(home, in_parts=True)
    if kind == "prices":
        home.prices.mkdir(exist_ok=True)
        (home.prices / "own.csv").write_text(",".join(RATES.columns) + f"\n{_OWN_RATE}\n")
        with home.config.open("a") as file:
            file.write("\n[watch]\nwindow_days = 7\n")
    kept = folder / f"{kind}-kept"
    shutil.copytree(home.root, kept, symlinks=True)
    calm = _whole(runner("run", home, at, count=True))
    return Start(home, kept, at, published(home), calm)


def kill_runs(folder: Path, runner: Runner, seed: int, numbers: range, *, as_installed: bool) -> Iterator[Killed]:
    """Kill a run for each number; the same seed and number give the same death.

    With `as_installed` a part of the runs start dbt as a process of its own, which may outlive them.
    """
    starts: dict[str, Start] = {}
    for number in numbers:
        chance = random.Random(f"{seed}:{number}")  # noqa: S311 - to be drawn again
        kind = KINDS[number % len(KINDS)]
        if kind not in starts:
            starts[kind] = make_start(kind, folder, runner)
        yield _kill(number, kind, starts[kind], runner, chance, as_installed=as_installed and chance.random() < 0.25)


def _kill(number: int, kind: str, start: Start, runner: Runner, chance: random.Random, *, as_installed: bool) -> Killed:
    home, began = start.again(), time.monotonic()
    death, where = draw(start.calm, chance)
    action = "run_as_installed" if as_installed else "run"
    if as_installed:
        death = Death(delay=chance.uniform(0, start.calm.seconds * 1.3), alone=chance.random() < 0.7)
        where = f"{death.delay:.2f} s of {start.calm.seconds:.2f} s, dbt {'alive' if death.alone else 'too'}"
    dead = runner(action, home, start.at, death)
    faults = [f"the run failed: {dead.error}"] if dead.error else []
    refused, until = 0, time.monotonic() + (_PATIENCE if death.alone else _MOMENT)
    while "is working on this home" in ((outcome := runner("run", home, start.at)).error or ""):
        refused += 1
        if "process" not in str(outcome.error) or time.monotonic() > until:
            break
        time.sleep(0.3)
    if outcome.error:
        faults.append(f"the next run failed: {outcome.error}")
    else:
        faults += differences(published(home), start.wanted)
    return Killed(number, kind, where, dead.killed, time.monotonic() - began, refused, faults)


def draw(calm: Outcome, chance: random.Random) -> tuple[Death, str]:
    """A moment to die at: around a change on disk, at any step of the run or of dbt, or at a time of the clock."""
    on_disk = [n for n, name in enumerate(calm.points, 1) if " os." in name]
    how = chance.choice(("disk", "disk", "any", "dbt", "clock"))
    if how == "clock":
        delay = chance.uniform(0, calm.seconds)
        return Death(delay=delay), f"{delay:.2f} s of {calm.seconds:.2f} s"
    if how == "dbt" and calm.dbt_points:
        point = chance.randint(1, len(calm.dbt_points))
        return Death(point=point, in_dbt=True), f"dbt {point}: {calm.dbt_points[point - 1]}"
    point = chance.choice(on_disk) if how == "disk" else chance.randint(1, len(calm.points))
    return Death(point=point), f"{point}: {calm.points[point - 1]}"


def _whole(outcome: Outcome) -> Outcome:
    assert outcome.error is None, outcome.error
    return outcome
