"""Removes what a run that died left behind: files that no manifest entry names, and scratch files.

Nobody reads them; they only take place. The names of a run's files begin with its commit's id, so a note of the id is
enough to find them. Call everything here under the writer lock.
"""

from __future__ import annotations

import os
import shutil
import time
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.home import Home
    from pipelines.landing.manifest import Commit

SCRATCH = "landing"
PARTS = "parts"
# A remembered digest is written in less time by far.
_OLD_SECONDS = 3600


def note(home: Home, commit_id: str) -> None:
    """Say that files of this commit are about to be written."""
    _note(home).write_text(commit_id, encoding="ascii")


def done(home: Home) -> None:
    """Say that the commit stands."""
    _note(home).unlink(missing_ok=True)


def sweep(home: Home, commits: list[Commit]) -> None:
    """Remove what a dead run left, if one died."""
    home.make_work()
    for path in home.work.glob(f"{SCRATCH}.duckdb*"):
        path.unlink(missing_ok=True)
    # The sensor may be writing one at this moment.
    for path in (*home.work.glob("digests-*.tmp"), *home.work.glob("fetched-*.tmp")):
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < time.time() - _OLD_SECONDS:
                path.unlink()
    # What DuckDB spilled and parts of files are named by their process.
    for path in (*(home.work / "spill").glob("duckdb_temp_*"), *(home.work / PARTS).glob("*_*")):
        owner = path.name.removeprefix("duckdb_temp_").split("_")[0]
        if not owner.isdigit() or _lives(int(owner)):
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    note_file = _note(home)
    if not note_file.exists():
        return
    commit_id = note_file.read_text(encoding="ascii")
    if commit_id and commit_id not in {commit.commit_id for commit in commits}:
        for folder in (home.events, home.quarantine):
            for path in folder.glob(f"**/{commit_id}.*"):
                path.unlink(missing_ok=True)
    done(home)


def _lives(process: int) -> bool:
    """Whether there is a process of this number."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _note(home: Home) -> Path:
    return home.work / "writing.txt"
