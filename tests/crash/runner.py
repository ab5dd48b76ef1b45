"""Gives orders to the warm process of `server.py`, and says what became of them."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipelines.home import Home

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Death:
    """How a child ends: at a numbered moment, of its own or `in_dbt`, or after `delay` seconds; else by itself.

    `alone` leaves what it has started (dbt) alive.
    """

    point: int | None = None
    delay: float | None = None
    in_dbt: bool = False
    alone: bool = False


@dataclass(frozen=True)
class Outcome:
    """What became of a child. `error` is what it raised; the points are the moments it and dbt passed, if it lived."""

    killed: bool
    seconds: float
    points: list[str]
    dbt_points: list[str]
    error: str | None


class Runner:
    """A warm process that runs what it is told in forks of itself; close it at the end."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="crash-")
        self.log = Path(self._folder.name) / "log"
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.server"],
            cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def __enter__(self) -> Runner:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()
        self._folder.cleanup()

    def __call__(self, action: str, home: Home, at: str, death: Death | None = None, *, count: bool = False) -> Outcome:
        """Do `action` to the home at the instant `at`; with `count` the moments that it passes are told."""
        death = death or Death()
        order: dict[str, Any] = {
            "action": action, "home": str(home.root), "at": at, "point": death.point, "delay": death.delay,
            "in_dbt": death.in_dbt, "alone": death.alone, "count": count,
            "log": str(self.log), "told": str(self.log.with_name("told")),
        }  # fmt: skip
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return Outcome(**json.loads(self._process.stdout.readline()))
