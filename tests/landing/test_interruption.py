"""A run that dies at any moment leaves nothing visible, and the next gives the undisturbed result."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import pipelines.landing.ingest as step
from tests.landing.homes import CANONICAL, Row, commits, comparable, drop, event, events, land, make_home, quarantined

if TYPE_CHECKING:
    from pipelines.home import Home

FIRST: list[Row | str] = [event(f"e{n}", occurred_at=f"2024-03-0{1 + n % 4}T12:00:00Z") for n in range(8)]
SECOND: list[Row | str] = [
    event("e1", revision=1, occurred_at="2024-03-09T12:00:00Z", output_tokens=1),
    event("late", occurred_at="2024-03-01T00:00:00Z"),
    FIRST[3],
    event("e4", output_tokens=99),
    "broken",
]
KILLED = """
import os, sys
from pathlib import Path
import pipelines.landing.ingest as step, pipelines.landing.write as write
from pipelines.home import Home
from pipelines.settings import load_settings
name, calls = sys.argv[2], int(sys.argv[3])
step._IN_MEMORY = int(sys.argv[4])
owner = step if hasattr(step, name) else write
whole, count = getattr(owner, name), 0
def dying(*args, **kwargs):
    global count
    count += 1
    if count == calls:
        os._exit(9)
    return whole(*args, **kwargs)
setattr(owner, name, dying)
home = Home(Path(sys.argv[1]))
step.ingest(home, load_settings(home))
"""


def state(home: Home) -> tuple[list[Row], list[Row], list[str]]:
    """Visible events and quarantine, and the names of all event, key and quarantine files."""
    folders = (home.events, home.quarantine)
    names = sorted(str(p.relative_to(home.root)) for f in folders for p in f.rglob("*") if p.is_file())
    return comparable(events(home)), quarantined(home), names


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[list[Row], list[Row], list[str]]]:
    """The state after the first and after the second delivery."""
    home = make_home(tmp_path_factory.mktemp("calm") / "home", CANONICAL)
    states = []
    for name, records in (("a", FIRST), ("b", SECOND)):
        drop(home, f"g/{name}.jsonl", records)
        land(home)
        states.append(state(home))
    return states


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with the first delivery landed."""
    made = make_home(tmp_path / "home", CANONICAL)
    drop(made, "g/a.jsonl", FIRST)
    return made


def test_no_manifest_entry_nothing_visible(
    home: Home, undisturbed: list[tuple[list[Row], list[Row], list[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(step, "write_commit", dies)
        with pytest.raises(KeyboardInterrupt):
            land(home)
    assert list(home.events.rglob("*.parquet")) != []
    assert commits(home) == []
    assert events(home) == []
    land(home)
    assert state(home) == undisturbed[0]

    drop(home, "g/b.jsonl", SECOND)
    with monkeypatch.context() as patch:
        patch.setattr(step, "write_commit", dies)
        with pytest.raises(KeyboardInterrupt):
            land(home)
    assert state(home)[:2] == undisturbed[0][:2]
    land(home)
    assert state(home) == undisturbed[1]


def test_more_may_land_before_the_next_run(
    home: Home, undisturbed: list[tuple[list[Row], list[Row], list[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files of a dead run are not seen, and do not stay, although the next one writes under other names."""

    def dies(*_: object) -> None:
        raise OSError("the disk is gone")

    with monkeypatch.context() as patch:
        patch.setattr(step, "write_commit", dies)
        with pytest.raises(OSError, match="the disk is gone"):
            land(home)
    assert list(home.events.rglob("*.parquet")) != []
    drop(home, "g/c.jsonl", [event("other")])
    assert land(home).accepted == 9
    [commit] = commits(home)
    assert {p.stem for p in home.events.rglob("*.parquet")} == {commit["commit_id"]}
    wanted = undisturbed[0][0]
    assert [e for e in comparable(events(home)) if e["event_id"] != "other"] == wanted


@pytest.mark.parametrize("in_memory", [1 << 30, 0])
@pytest.mark.parametrize(("function", "calls"), [("_sync_and_move", 2), ("write_commit", 1)])
def test_killed_process(
    home: Home, undisturbed: list[tuple[list[Row], list[Row], list[str]]], function: str, calls: int, in_memory: int
) -> None:
    command = [sys.executable, "-c", KILLED, str(home.root), function, str(calls), str(in_memory)]
    dead = subprocess.run(command, check=False, cwd=Path(step.__file__).parents[2])
    assert dead.returncode == 9
    assert events(home) == []
    # What it worked on lies there in clear: no one else may look, and the salt is not with it.
    left = [p for p in home.work.rglob("*") if p.is_file()]
    assert (home.work / "landing.duckdb" in left) == (not in_memory and function == "_sync_and_move")
    assert (home.work.stat().st_mode & 0o777) == 0o700
    assert not any(home.salt_file.read_bytes().strip() in p.read_bytes() for p in left)
    land(home)
    assert not list(home.work.glob("landing.*"))
    assert state(home)[:2] == undisturbed[0][:2]
    assert state(home)[2] == undisturbed[0][2], "a dead run's scratch files are left behind"


def test_scratch_files_of_a_dead_run_are_removed(home: Home) -> None:
    home.work.mkdir(parents=True, exist_ok=True)
    names = ("landing.duckdb", "landing.duckdb.wal", "digests-old.tmp", "spill/duckdb_temp_4194305_0_owner",
             f"spill/duckdb_temp_{os.getpid()}_0_owner", "digests-new.tmp", "parts/4194305_a/part.csv",
             f"parts/{os.getpid()}_b/part.csv")  # fmt: skip
    left = [home.work / name for name in names]
    for path in left:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("left", encoding="ascii")
    os.utime(left[2], (0, 0))
    land(home)
    # No process has a number as high.
    assert [path.exists() for path in left] == [False, False, False, False, True, True, False, True]


def test_much_is_worked_on_in_a_file_and_comes_to_the_same(
    home: Home, undisturbed: list[tuple[list[Row], list[Row], list[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(step, "_IN_MEMORY", 0)
    scratch = []

    def seen(*args: Any, **kwargs: Any) -> Any:
        scratch.append((home.work / "landing.duckdb").exists())
        return take_in(*args, **kwargs)

    take_in = step.take_in
    monkeypatch.setattr(step, "take_in", seen)
    for name, records, wanted in (("a", FIRST, undisturbed[0]), ("b", SECOND, undisturbed[1])):
        drop(home, f"g/{name}.jsonl", records)
        land(home)
        assert state(home) == wanted
    assert scratch == [True, True]
    assert not list(home.work.glob("landing.*"))
