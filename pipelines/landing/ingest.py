"""Takes landed files in exactly once: read, check, identify, write beside, then commit.

The order is what makes it safe to kill at any moment: event files, key index and quarantine are
written under names no one reads, and one rename of the manifest entry makes all of it visible.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import shutil
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import duckdb

from pipelines import warehouse
from pipelines.landing.contract import COLUMNS
from pipelines.landing.discover import LandedFile, content_digest, landed_files, reading_digest
from pipelines.landing.formats import load_formats
from pipelines.landing.manifest import (
    Commit,
    FileEntry,
    current_files,
    read_manifest,
    sync_folder,
    write_commit,
)
from pipelines.landing.normalise import create_staging, part_refused, stage_file
from pipelines.landing.readers import open_records
from pipelines.landing.resolve import CONFLICT, resolve
from pipelines.sql import identifier, literal, read_sql

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipelines.home import Home
    from pipelines.settings import Settings

Progress = "Callable[[str, int, int], None]"


@dataclass(frozen=True, slots=True)
class IngestSummary:
    """Counts of one landing step; `seconds` is wall time."""

    files: int = 0
    records_read: int = 0
    accepted: int = 0
    duplicates: int = 0
    amendments: int = 0
    quarantined: int = 0
    seconds: float = 0.0
    unasked_files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _NewFile:
    landed: LandedFile
    digest: str
    reading: str


def find_new(home: Home, settings: Settings, commits: list[Commit]) -> tuple[list[_NewFile], list[Path]]:
    """Files whose content no run has taken in, and files that no source entry asks for.

    Digests are remembered by (path, size, time of change), so an unchanged landing folder costs
    one look at each name. A file of which nothing was accepted is new again when its source's
    mapping has changed.
    """
    found, unasked = landed_files(home, settings)
    known = current_files(commits)
    memory = _read_memory(home)
    new: dict[tuple[str, str], _NewFile] = {}
    for landed in found:
        stamp = [landed.size, landed.mtime_ns]
        remembered = memory.get(str(landed.path))
        if remembered and remembered[:2] == stamp:
            digest = str(remembered[2])
        else:
            digest = content_digest(landed.path)
            memory[str(landed.path)] = [*stamp, digest]
        reading = reading_digest(landed.source)
        entry = known.get((landed.source.name, digest))
        if entry is not None:
            before = entry[0]
            retry = before.reading_digest != reading and before.records_read == before.quarantined > 0
            if not retry:
                continue
        new.setdefault((landed.source.name, digest), _NewFile(landed, digest, reading))
    _write_memory(home, memory)
    return list(new.values()), unasked


def ingest(home: Home, settings: Settings, progress: Callable[[str, int, int], None] | None = None) -> IngestSummary:
    """Take in everything new under landing/ and commit it. Call it under the writer lock.

    `progress(file, done_files, all_files)` is called after each file. Raises MeterhouseError for
    a landing folder whose format is unknown; bad records are quarantined instead.
    """
    began = time.monotonic()
    commits = read_manifest(home)
    new, unasked = find_new(home, settings, commits)
    names = tuple(str(p.relative_to(home.root)) for p in unasked)
    if not new:
        return IngestSummary(seconds=time.monotonic() - began, unasked_files=names)
    received_at = datetime.now(UTC).replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")
    with warehouse.connect(home, in_memory=True) as con:
        create_staging(con)
        _stage_all(con, home, new, received_at, progress)
        part_refused(con)
        _define_macros(con, home)
        key_index = [home.root / c.keys for c in commits if c.keys]
        resolve(con, key_index)
        _quarantine_conflicts(con, new)
        commit = _write(con, home, new, number=len(commits) + 1, received_at=received_at)
    write_commit(home, commit)
    return replace(_total(commit.files), seconds=time.monotonic() - began, unasked_files=names)


def salt(home: Home) -> str:
    """The home's secret for pseudonyms, made on first use."""
    if not home.salt_file.exists():
        home.root.mkdir(parents=True, exist_ok=True)
        home.salt_file.write_text(secrets.token_hex(32), encoding="ascii")
        home.salt_file.chmod(0o600)
    return home.salt_file.read_text(encoding="ascii").strip()


def _here() -> Path:
    from pathlib import Path

    return Path(__file__).parent


def _define_macros(con: duckdb.DuckDBPyConnection, home: Home) -> None:
    con.execute(read_sql(_here() / "macros.sql").replace("{{ salt }}", literal(salt(home))))


def _stage_all(
    con: duckdb.DuckDBPyConnection,
    home: Home,
    new: list[_NewFile],
    received_at: str,
    progress: Callable[[str, int, int], None] | None,
) -> None:
    """Stage every file, as many at once as there are threads: reading one file uses one core."""
    salt(home)

    def stage(number: int) -> int:
        with con.cursor() as cursor:
            cursor.execute("set TimeZone = 'UTC'")
            _define_macros(cursor, home)
            _stage(cursor, new[number], number, received_at)
        return number

    with ThreadPoolExecutor(max_workers=min(warehouse.threads(), len(new))) as pool:
        # The largest first, so that none is left for the end.
        order = sorted(range(len(new)), key=lambda n: -new[n].landed.size)
        done = 0
        try:
            for future in as_completed([pool.submit(stage, number) for number in order]):
                file, done = new[future.result()], done + 1
                if progress:
                    progress(f"{file.landed.source.name}/{file.landed.name}", done, len(new))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _stage(con: duckdb.DuckDBPyConnection, file: _NewFile, number: int, received_at: str) -> None:
    fmt = load_formats()[file.landed.source.format]
    con.execute("""
        create or replace temp view records_refused as
        select 0 as line, '' as raw, '' as field, '' as reason where false""")
    try:
        open_records(con, file.landed.path, fmt, file.landed.source)
        stage_file(con, fmt.sql(), file_no=number, source=file.landed.source.name, received_at=received_at)
        con.execute(f"insert into refused select {number}, line, field, reason, raw from records_refused")
    except (
        duckdb.InvalidInputException,
        duckdb.IOException,
        duckdb.ConversionException,
        OSError,
    ) as error:
        if "No space left" in str(error):
            raise
        # The file as a whole cannot be read (cut off, damaged): one quarantine record stands for it.
        con.execute(f"delete from staged where file_no = {number}")
        con.execute(f"delete from refused where file_no = {number}")
        con.execute(
            "insert into refused values (?, null, null, ?, ?)",
            [
                number,
                f"the file cannot be read: {_first_cause(error, file.landed)}",
                f"{file.landed.size} bytes",
            ],
        )


def _first_cause(error: Exception, landed: LandedFile) -> str:
    """The first line of a reading error, without what DuckDB and Python put around it."""
    line = str(error).splitlines()[0].split(" Detail:")[0]
    line = re.sub(r"^.*?reading the stream of the Python object '\w+' failed: ", "", line)
    return line.replace(str(landed.path), landed.name)


def _quarantine_conflicts(con: duckdb.DuckDBPyConnection, new: list[_NewFile]) -> None:
    """Move conflicting records to `refused`, with their text fetched once more from the files."""
    numbers = con.execute("select distinct file_no from verdicts where verdict = 'conflict' order by 1")
    for (number,) in numbers.fetchall():
        file = new[number]
        open_records(con, file.landed.path, load_formats()[file.landed.source.format], file.landed.source)
        con.execute(
            f"""
            insert into refused
            select {number}, records.line, 'event_id', ?, rtrim(raw, chr(10) || chr(13))
            from records semi join (
                select line from verdicts where file_no = {number} and verdict = 'conflict'
            ) as conflicts on records.line = conflicts.line""",
            [f"event_id {CONFLICT}"],
        )


def _write(
    con: duckdb.DuckDBPyConnection,
    home: Home,
    new: list[_NewFile],
    *,
    number: int,
    received_at: str,
) -> Commit:
    """Write events by day, keys, superseded and quarantine; returns the commit that names them."""
    content = "".join(sorted(f"{f.landed.source.name}:{f.digest}:{f.reading};" for f in new))
    commit_id = hashlib.sha256(content.encode()).hexdigest()[:16]
    con.execute(
        "create or replace temp table files (file_no integer, source varchar, file varchar, file_digest varchar)"
    )
    con.executemany(
        "insert into files values (?, ?, ?, ?)",
        [[i, f.landed.source.name, f.landed.name, f.digest] for i, f in enumerate(new)],
    )
    events = _write_events(con, home, commit_id, received_at)
    keys = _copy(
        con, home, f"events/keys/{commit_id}.parquet",
        "select key, body_digest, revision, occurred_at::date as usage_date from staged",
    )  # fmt: skip
    superseded = _copy(con, home, f"events/superseded/{commit_id}.parquet", "select * from superseded")
    quarantine = _copy(
        con, home, f"quarantine/{commit_id}.parquet",
        f"""select {literal(commit_id)} as commit_id, source, file, file_digest, line, field, reason,
                masked(raw) as raw
            from refused inner join files using (file_no) order by source, file, line""",
    )  # fmt: skip
    days = con.execute("""
        select usage_date::varchar from (
            select distinct occurred_at::date as usage_date from staged
            union select usage_date from superseded
        ) order by 1""").fetchall()
    return Commit(
        number=number,
        commit_id=commit_id,
        received_at=received_at,
        files=_entries(con, new),
        events=events,
        keys=keys,
        superseded=superseded,
        quarantine=quarantine,
        touched_days=[d for (d,) in days],
    )


def _write_events(con: duckdb.DuckDBPyConnection, home: Home, commit_id: str, received_at: str) -> dict[str, str]:
    """One Parquet file for each day with new events; returns day → path relative to the home."""
    incoming = home.events / ".incoming"
    # What a killed run left there belongs to no one: the writer lock is ours.
    shutil.rmtree(incoming, ignore_errors=True)
    incoming.mkdir(parents=True)
    columns = ", ".join(
        f"timestamp {literal(received_at)} as received_at" if c.name == "received_at" else identifier(c.name)
        for c in COLUMNS
    )
    con.execute(f"""
        copy (select {columns}, occurred_at::date as usage_date from staged)
        to {literal(incoming)} (format parquet, compression zstd, partition_by (usage_date))""")
    written = {}
    for folder in sorted(incoming.glob("usage_date=*")):
        day = folder.name.removeprefix("usage_date=")
        parts = sorted(folder.glob("*.parquet"))
        target = home.events / folder.name
        target.mkdir(parents=True, exist_ok=True)
        final = target / f"{commit_id}.parquet"
        if len(parts) == 1:
            _sync_and_move(parts[0], final)
        else:
            whole = folder / "whole.tmp"
            con.execute(f"""
                copy (select * from read_parquet({literal(str(folder) + "/*.parquet")}, hive_partitioning = false))
                to {literal(whole)} (format parquet, compression zstd)""")
            _sync_and_move(whole, final)
        sync_folder(target)
        written[day] = str(final.relative_to(home.root))
    shutil.rmtree(incoming)
    return written


def _copy(con: duckdb.DuckDBPyConnection, home: Home, name: str, query: str) -> str | None:
    """Write a query's rows as Parquet under the home; None when there are none."""
    path = home.root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".tmp")
    row = con.execute(f"copy ({query}) to {literal(beside)} (format parquet, compression zstd)").fetchone()
    if not row or not row[0]:
        beside.unlink()
        return None
    _sync_and_move(beside, path)
    sync_folder(path.parent)
    return name


def _sync_and_move(beside: Path, final: Path) -> None:
    with beside.open("rb") as file:
        os.fsync(file.fileno())
    beside.replace(final)


def _entries(con: duckdb.DuckDBPyConnection, new: list[_NewFile]) -> list[FileEntry]:
    """Counts per file; read = accepted + duplicates + amendments + quarantined by construction."""
    rows = con.execute("""
        with kept as (
            select file_no, count(*) as records, min(occurred_at) as first_at, max(occurred_at) as last_at
            from staged group by file_no
        ),
        repeated as (
            select file_no,
                count(*) filter (where verdict = 'duplicate') as duplicates,
                count(*) filter (where verdict = 'amendment') as amendments
            from verdicts group by file_no
        ),
        bad as (select file_no, count(*) as quarantined from refused group by file_no)
        select file_no, coalesce(records, 0) - coalesce(amendments, 0), coalesce(duplicates, 0),
            coalesce(amendments, 0), coalesce(quarantined, 0), first_at::varchar, last_at::varchar
        from files left join kept using (file_no) left join repeated using (file_no) left join bad using (file_no)
        order by file_no""").fetchall()
    return [
        FileEntry(
            source=new[number].landed.source.name,
            file=new[number].landed.name,
            format=new[number].landed.source.format,
            file_digest=new[number].digest,
            reading_digest=new[number].reading,
            bytes=new[number].landed.size,
            records_read=accepted + duplicates + amendments + quarantined,
            accepted=accepted,
            duplicates=duplicates,
            amendments=amendments,
            quarantined=quarantined,
            first_occurred_at=first_at,
            last_occurred_at=last_at,
        )
        for number, accepted, duplicates, amendments, quarantined, first_at, last_at in rows
    ]


def _total(files: list[FileEntry]) -> IngestSummary:
    return IngestSummary(
        files=len(files),
        records_read=sum(f.records_read for f in files),
        accepted=sum(f.accepted for f in files),
        duplicates=sum(f.duplicates for f in files),
        amendments=sum(f.amendments for f in files),
        quarantined=sum(f.quarantined for f in files),
    )


def _memory_file(home: Home) -> Path:
    return home.work / "digests.json"


def _read_memory(home: Home) -> dict[str, list[int | str]]:
    try:
        return dict(json.loads(_memory_file(home).read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def _write_memory(home: Home, memory: dict[str, list[int | str]]) -> None:
    home.work.mkdir(parents=True, exist_ok=True)
    beside = _memory_file(home).with_suffix(".tmp")
    beside.write_text(json.dumps(memory), encoding="utf-8")
    beside.replace(_memory_file(home))
