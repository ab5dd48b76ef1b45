"""The one place that opens DuckDB, sets its limits and holds the writer lock.

Machine limits come from the environment: METERHOUSE_MEMORY_LIMIT (as in '4GB'; default 60 % of
the machine) and METERHOUSE_THREADS (default: all cores).
"""

from __future__ import annotations

import fcntl
import os
import re
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import duckdb

from pipelines.errors import MeterhouseError
from pipelines.machine import machine_error
from pipelines.sql import literal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipelines.home import Home

_DAMAGED = re.compile(r"Corrupt (database|WAL) file|Serialization Error")


def memory_limit() -> str:
    """DuckDB's memory limit: the environment's, else 60 % of the machine's memory."""
    given = os.environ.get("METERHOUSE_MEMORY_LIMIT")
    if given:
        if not re.fullmatch(r"\d+(\.\d+)? ?(MB|MiB|GB|GiB)", given):
            raise MeterhouseError(
                f"METERHOUSE_MEMORY_LIMIT is {given!r}.", way_out="Give a number and a unit, as in 4GB or 512MiB."
            )
        return given
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return f"{int(total * 0.6 / 2**20)}MiB"


def threads() -> int:
    """How many threads DuckDB may use."""
    given = os.environ.get("METERHOUSE_THREADS")
    if given and not (given.isdigit() and int(given)):
        raise MeterhouseError(f"METERHOUSE_THREADS is {given!r}.", way_out="Give a whole number, 1 or more.")
    return int(given or os.cpu_count() or 1)


@contextmanager
def connect(
    home: Home, *, read_only: bool = False, in_memory: bool = False, scratch: str | None = None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with our limits, closed at the end.

    `in_memory` gives scratch space that spills into the home's work folder instead of the
    warehouse file. So does `scratch`, a name, but what it spills is packed: a file of that name in the work folder,
    which is removed at the end. Order of rows is not preserved: what needs an order says so.
    """
    if scratch:
        with _scratch_file(home, scratch) as path, _connect(home, str(path), read_only=False) as connection:
            yield connection
        return
    with _connect(home, ":memory:" if in_memory else str(home.warehouse), read_only=read_only) as connection:
        yield connection


@contextmanager
def _scratch_file(home: Home, name: str) -> Iterator[Path]:
    path = home.work / f"{name}.duckdb"
    beside = path.with_name(path.name + ".wal")
    for left in (path, beside):
        left.unlink(missing_ok=True)
    try:
        yield path
    finally:
        for left in (path, beside):
            left.unlink(missing_ok=True)


@contextmanager
def _connect(home: Home, database: str, *, read_only: bool) -> Iterator[duckdb.DuckDBPyConnection]:
    home.make_work()
    in_memory = database != str(home.warehouse)
    try:
        connection = duckdb.connect(database, read_only=read_only and not in_memory)
    except duckdb.Error as error:
        known = machine_error(error)
        if in_memory and not known:
            raise
        raise known or _not_opened(home, error) from error
    try:
        connection.execute(f"set memory_limit = {literal(memory_limit())}")
        connection.execute(f"set threads = {threads()}")
        connection.execute(f"set temp_directory = {literal(home.work / 'spill')}")
        connection.execute("set preserve_insertion_order = false")
        connection.execute("set TimeZone = 'UTC'")
        yield connection
    except duckdb.Error as error:
        # What is damaged is found when it is read.
        if in_memory or not _DAMAGED.search(str(error)):
            raise
        raise _not_opened(home, error) from error
    finally:
        connection.close()


def _not_opened(home: Home, error: duckdb.Error) -> MeterhouseError:
    cause = str(error).splitlines()[0].rstrip(".!")
    return MeterhouseError(
        f"the warehouse cannot be opened: {cause}.",
        file=home.warehouse,
        way_out="Close the program that has it open; if the file is damaged or of another version, delete it: "
        "the next run rebuilds it from events/.",
    )


# The open lock file of each home that this process has locked.
_held: dict[Path, TextIO] = {}


@contextmanager
def writer_lock(home: Home, *, wait_seconds: float = 0) -> Iterator[None]:
    """One run at a time on a home; a second one waits, then is refused with the holder's process id."""
    home.root.mkdir(parents=True, exist_ok=True)
    path = home.root / ".lock"
    until = time.monotonic() + wait_seconds
    with path.open("a+", encoding="utf-8") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() < until:
                    time.sleep(0.5)
                    continue
                file.seek(0)
                raise MeterhouseError(
                    f"{_holder(file.read().split())} is working on this home.",
                    file=home.root,
                    way_out="Wait for it to end, or stop that process, and run again.",
                ) from error
        file.seek(0)
        file.truncate()
        file.write(f"{os.getpid()}\n")
        file.flush()
        _held[home.root] = file
        try:
            yield
        finally:
            del _held[home.root]
            file.seek(0)
            file.truncate()


def start_under_lock(home: Home, command: list[str], **options: Any) -> subprocess.Popen[str]:
    """Start a process that keeps the home locked until it ends, if this one has the lock.

    A run that is killed leaves what it has started at work, and no other run may come between. `options` are those of
    Popen.
    """
    lock = _held.get(home.root)
    process = subprocess.Popen(  # noqa: S603 - our own command
        command, pass_fds=[lock.fileno()] if lock else [], text=True, **options
    )
    if lock:
        lock.write(f"{process.pid}\n")
        lock.flush()
    return process


def _holder(processes: list[str]) -> str:
    """What holds a lock, by its file's text: the process of the run, then those that it has started."""
    if processes and Path("/proc/self").exists():
        alive = [p for p in processes if p.isdigit() and Path("/proc", p).exists()]
        if alive[:1] != processes[:1]:
            # A run that is killed within a moment of starting a process did not write down which.
            return f"what a run that was stopped had started (process {alive[0] if alive else 'unknown'})"
    return f"another run (process {processes[0] if processes else 'unknown'})"
