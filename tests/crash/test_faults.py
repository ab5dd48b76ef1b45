"""A disk that is full or read only, a damaged or foreign warehouse, another run at work, a file cut off: each is told
in a paragraph, nothing is lost, and the next run is the undisturbed one.
"""

from __future__ import annotations

import errno
import gzip
import hashlib
import json
import os
import signal
import struct
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa
import pytest
from click.testing import CliRunner

from pipelines import build, warehouse
from pipelines.cli import main
from pipelines.errors import MeterhouseError
from pipelines.settings import load_settings
from tests.crash.runner import ROOT
from tests.crash.states import landed
from tests.landing.homes import CANONICAL, comparable, drop, event, events, land, make_home, quarantined

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipelines.home import Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with one event landed."""
    made = make_home(tmp_path / "home", CANONICAL)
    drop(made, "g/a.jsonl", [event("1")])
    return made


@pytest.mark.slow
def test_a_disk_that_is_full_or_read_only_loses_nothing(tmp_path: Path) -> None:
    """`METERHOUSE_CRASH=long` tries whole runs too."""
    in_namespace = ["unshare", "-rm"]
    able = subprocess.run([*in_namespace, "mount", "-t", "tmpfs", "tmpfs", tmp_path], check=False, capture_output=True)
    if able.returncode:
        pytest.skip("this user may not mount a small disk")
    command = [*in_namespace, sys.executable, "-m", "tests.crash.small_disk", tmp_path]
    for more in ([], ["whole"])[: 2 if os.environ.get("METERHOUSE_CRASH") == "long" else 1]:
        done = subprocess.run([*command, *more], cwd=ROOT, check=True, capture_output=True, text=True)
        trials = [json.loads(line) for line in done.stdout.splitlines()]
        assert len(trials) > 3
        for trial in trials:
            assert trial["faults"] == [], trial
            full = trial["free"] is not None
            wanted = "No space left on device" if full else "Read-only file system"
            # The dbt of these trials keeps its log to itself.
            assert wanted in trial["error"] or (full and "building the warehouse failed" in trial["error"]), trial


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError(errno.ENOSPC, "", "/h/x"), "/h/x: No space left on device. Make room on the disk, and run again."),
        (OSError(errno.EROFS, "", "/h/.lock"), "/h/.lock: Read-only file system. Let this user read and write"),
        (PermissionError(errno.EACCES, "", "/h/x"), "/h/x: Permission denied. Let this user read and write"),
        (
            duckdb.IOException('IO Error: Could not write file "/h/w.wal": No space left on device'),
            "/h/w.wal: No space left on device. Make room",
        ),
    ],
    ids=str,
)
def test_what_the_machine_lacks_is_told_in_a_paragraph(
    home: Home, monkeypatch: pytest.MonkeyPatch, error: Exception, told: str
) -> None:
    def fails(*_: object) -> None:
        raise error

    monkeypatch.setattr("pipelines.run.run_all", fails)
    result = CliRunner().invoke(main, ["run", "--home", str(home.root)])
    assert result.exit_code == 1
    assert told in result.output
    assert "not foreseen" not in result.output


def test_a_full_disk_is_the_cause_that_dbt_does_not_name(home: Home) -> None:
    output = "--- Logging error ---\nOSError: [Errno 28] No space left on device\nlogger.debug(log_line)\nArguments: ()"
    assert "building the warehouse failed: No space left on device." in build._dbt_failure(home, output).paragraph()


def _checksum(block: bytes) -> int:
    """Of a block of a DuckDB file, by DuckDB's own rule."""
    result = 5381
    for (word,) in struct.iter_unpack("<Q", block):
        result ^= (word * 0xBF58476D1CE4E5B9) & (2**64 - 1)
    return result


def _of_version(version: int) -> Callable[[bytes], bytes]:
    def foreign(file: bytes) -> bytes:
        head = bytearray(file[:4096])
        struct.pack_into("<Q", head, 12, version)
        struct.pack_into("<Q", head, 0, _checksum(bytes(head[8:])))
        return bytes(head) + file[4096:]

    return foreign


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "garbage": lambda _: b"no database" * 1000,
    "empty": lambda _: b"",
    "cut off": lambda file: file[: len(file) // 2],
    "bent": lambda file: file[:12288] + bytes(b ^ 255 for b in file[12288:]),
    "bent head": lambda file: file[:20] + b"x" + file[21:],
    "of a later version": _of_version(99_999),
    "of an earlier version": _of_version(1),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_warehouse_that_cannot_be_read_is_named_and_left_alone(home: Home, damage: str) -> None:
    land(home)
    before = landed(home)
    with warehouse.connect(home) as con:
        con.execute("create schema run; create table run.state as select range from range(100000)")
    damaged = DAMAGES[damage](home.warehouse.read_bytes())
    home.warehouse.write_bytes(damaged)
    result = CliRunner().invoke(main, ["run", "--home", str(home.root)])
    assert result.exit_code == 1
    assert f"{home.warehouse}: the warehouse cannot be opened" in result.output
    assert "delete it: the next run rebuilds it from events/" in result.output
    assert home.warehouse.read_bytes() == damaged
    after = landed(home)
    assert (after.manifest, after.events) == (before.manifest, before.events)
    home.warehouse.unlink()
    assert build.plan_build(home, load_settings(home)).full


def test_damage_that_is_found_when_it_is_read_is_told_as_well(home: Home) -> None:
    with warehouse.connect(home) as con:
        con.execute("create table t as select hash(range) as h from range(300000)")
    file = bytearray(home.warehouse.read_bytes())
    # The first data block: what is said of the tables lies behind it.
    file[300_000:300_100] = bytes(100)
    home.warehouse.write_bytes(file)
    with pytest.raises(MeterhouseError, match=r"cannot be opened.*Corrupt"), warehouse.connect(home) as con:
        con.execute("select sum(h) from t").fetchall()


def test_a_second_run_waits_if_it_is_told_to(home: Home) -> None:
    held, free = threading.Event(), threading.Event()

    def hold() -> None:
        with warehouse.writer_lock(home):
            held.set()
            free.wait(10)

    holder = threading.Thread(target=hold)
    holder.start()
    assert held.wait(10)
    with pytest.raises(MeterhouseError, match=rf"another run \(process {os.getpid()}\) is working on this home"):
        warehouse.writer_lock(home).__enter__()
    threading.Timer(0.3, free.set).start()
    with warehouse.writer_lock(home, wait_seconds=10):
        assert free.is_set()
    holder.join()


DYING = """
import os, signal, sys
from pathlib import Path
from pipelines import build, warehouse
from pipelines.home import Home
from pipelines.settings import load_settings
home = Home(Path(sys.argv[1]))
build.dbt_executable = lambda: sys.argv[2]
with warehouse.writer_lock(home):
    build.run_dbt(home, build.plan_build(home, load_settings(home)))
"""


def test_what_a_killed_run_has_started_keeps_the_home(home: Home, tmp_path: Path) -> None:
    """dbt outlives a run that is killed; a run between the two would give it other days to build."""
    slow = tmp_path / "dbt"
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o755)
    lock = home.root / ".lock"
    run = subprocess.Popen([sys.executable, "-c", DYING, str(home.root), str(slow)], cwd=ROOT)
    until = time.monotonic() + 60
    while not (lock.exists() and lock.read_text().count("\n") == 2) and time.monotonic() < until:
        time.sleep(0.05)
    dbt = int(lock.read_text().split()[1])
    run.kill()
    run.wait()
    try:
        with pytest.raises(MeterhouseError, match=rf"had started \(process {dbt}\) is working on this home"):
            warehouse.writer_lock(home).__enter__()
        # Killed a moment earlier, the run would not have written down what it had started.
        lock.write_text(f"{run.pid}\n")
        with pytest.raises(MeterhouseError, match=r"had started \(process unknown\) is working on this home"):
            warehouse.writer_lock(home).__enter__()
    finally:
        os.kill(dbt, signal.SIGKILL)
    with warehouse.writer_lock(home, wait_seconds=10):
        assert (home.root / ".lock").read_text() == f"{os.getpid()}\n"


LINES = b"".join(
    json.dumps(event(f"e{n}", note=hashlib.sha256(b"%d" % n).hexdigest())).encode() + b"\n" for n in range(2000)
)
PACKED = {"gz": gzip.compress(LINES), "zst": pa.compress(LINES, "zstd", asbytes=True)}


@pytest.mark.parametrize("kind", PACKED)
def test_a_file_that_came_cut_off_and_then_whole(home: Home, tmp_path: Path, kind: str) -> None:
    calm = make_home(tmp_path / "calm", CANONICAL)
    drop(calm, "g/a.jsonl", [event("1")])
    name, whole = f"g/b.jsonl.{kind}", PACKED[kind]
    drop(calm, name, whole)
    land(calm)
    drop(home, name, whole[: len(whole) * 2 // 3])
    assert land(home).quarantined == 1
    assert [e["event_id"] for e in events(home)] == ["1"]
    drop(home, name, whole)
    assert land(home).accepted == 2000
    assert comparable(events(home)) == comparable(events(calm))
    [record] = quarantined(home)
    assert "cannot be read" in record["reason"]
    assert land(home).files == 0
