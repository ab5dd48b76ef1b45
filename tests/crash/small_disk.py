"""Runs on a disk that is full or read only, in a mount namespace of its own: nothing is left of it afterwards.

`unshare -rm python -m tests.crash.small_disk FOLDER [whole]` prints a line of JSON for each trial: what it was, the
error of the run, and what was not as it should be after the next one. Whole runs take minutes; without them the
landing step is tried.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.crash import deliveries
from tests.crash.runner import Runner
from tests.crash.states import differences, landed, published
from tests.crash.whole import Start, make_start

if TYPE_CHECKING:
    from collections.abc import Iterator

# KiB that are free before the run. The landing step needs some 40, a run some 6,000 here.
LANDING, WHOLE = (0, 8, 16, 24, 32), (20, 1000, 4500)
_SIZE = "64m"


def trials(disk: Path, *, whole: bool) -> Iterator[dict[str, Any]]:
    """Every trial of the landing step, or of whole runs."""
    with Runner() as runner:
        start = make_start("next", disk / "whole", runner) if whole else _landing(disk, runner)
        action, state = ("run", published) if whole else ("land", landed)
        for free in (*(WHOLE if whole else LANDING), None):
            home = start.again()
            with _hindered(disk, free):
                error = runner(action, home, start.at).error
            after = runner(action, home, start.at).error
            faults = [after] if after else differences(state(home), start.wanted)
            yield {"action": action, "free": free, "error": error, "faults": faults}


def _landing(disk: Path, runner: Runner) -> Start:
    home = deliveries.make(disk / "home")
    assert runner("land", home, deliveries.FIRST_AT).error is None
    deliveries.deliver_second(home)
    shutil.copytree(home.root, disk / "kept")
    calm = runner("land", home, deliveries.SECOND_AT)
    return Start(home, disk / "kept", deliveries.SECOND_AT, landed(home), calm)


@contextmanager
def _hindered(disk: Path, free: int | None) -> Iterator[None]:
    """Of the disk `free` KiB are left; None: it is read only."""
    filler = disk / "filler"
    if free is None:
        _mount("remount,ro", disk)
    else:
        filler.write_bytes(b"\0" * (shutil.disk_usage(disk).free - (free << 10)))
    try:
        yield
    finally:
        if free is None:
            _mount("remount,rw", disk)
        filler.unlink(missing_ok=True)


def _mount(options: str, disk: Path) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(disk)], check=True)


if __name__ == "__main__":
    place = Path(sys.argv[1])
    _mount(f"size={_SIZE}", place)
    for trial in trials(place, whole="whole" in sys.argv[2:]):
        sys.stdout.write(json.dumps(trial) + "\n")
        sys.stdout.flush()
