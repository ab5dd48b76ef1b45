"""Writes what a run accepted and refused, under names that no one reads until the commit names them.

First it holds what became of each file against what the file's reader counted.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from typing import TYPE_CHECKING

from pipelines.by_day import copy_by_day
from pipelines.errors import MeterhouseError
from pipelines.landing import leftovers
from pipelines.landing.contract import COLUMNS
from pipelines.landing.manifest import Commit, FileEntry, sync_folder
from pipelines.sql import identifier, literal

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

    from pipelines.home import Home
    from pipelines.landing.new_files import NewFile

# The first level packs events as small as the third, in half the time.
_PACKED = ("compression zstd", "compression_level 1")
_PARQUET = ", ".join(("format parquet", *_PACKED))
_PARTS = ("accepted", "duplicates", "amendments", "quarantined")


def write_files(
    con: duckdb.DuckDBPyConnection,
    home: Home,
    new: list[NewFile],
    read: list[int],
    *,
    number: int,
    received_at: str,
) -> Commit:
    """Write events by day, keys, superseded and quarantine; returns the commit that names them.

    `read` is the number of records to account for in each file. Raises MeterhouseError when a file's records are
    not all accounted for, once each.
    """
    # The number tells a file that is read again from its first reading: what that one wrote is never overwritten.
    content = f"{number};" + "".join(sorted(f"{f.landed.source.name}:{f.digest}:{f.reading};" for f in new))
    commit_id = hashlib.sha256(content.encode()).hexdigest()[:16]
    number_files(con, new)
    entries = _entries(con, new, read)
    leftovers.note(home, commit_id)
    events = _write_events(con, home, commit_id, received_at)
    keys = write_rows(
        con, home, f"events/keys/{commit_id}.parquet",
        "select key, body_digest, revision, occurred_at::date as usage_date from staged",
    )  # fmt: skip
    superseded = write_rows(con, home, f"events/superseded/{commit_id}.parquet", "select * from superseded")
    quarantine = write_quarantine(con, home, commit_id, "quarantine_rows inner join files using (file_no)")
    days = con.execute("""
        select usage_date::varchar from (
            select distinct occurred_at::date as usage_date from staged
            union select usage_date from superseded
        ) order by 1""").fetchall()
    return Commit(
        number=number,
        commit_id=commit_id,
        received_at=received_at,
        files=entries,
        events=events,
        keys=keys,
        superseded=superseded,
        quarantine=quarantine,
        touched_days=[d for (d,) in days],
    )


def number_files(con: duckdb.DuckDBPyConnection, new: list[NewFile]) -> None:
    """Table `files` (file_no, source, file, file_digest): what file a number means."""
    con.execute(
        "create or replace temp table files (file_no integer, source varchar, file varchar, file_digest varchar)"
    )
    con.executemany(
        "insert into files values (?, ?, ?, ?)",
        [[i, f.landed.source.name, f.landed.name, f.digest] for i, f in enumerate(new)],
    )


def write_quarantine(con: duckdb.DuckDBPyConnection, home: Home, commit_id: str, rows: str) -> str | None:
    """Write the quarantined records of a commit's files from relation `rows`; None when there are none."""
    return write_rows(
        con, home, f"quarantine/{commit_id}.parquet",
        f"""select {literal(commit_id)} as commit_id, source, file, file_digest, line, field, reason, raw
            from {rows} order by source, file, line""",
    )  # fmt: skip


def write_refused(con: duckdb.DuckDBPyConnection, home: Home, commit_id: str) -> str | None:
    """Write what the refused records of a run are known by; None when there are none."""
    return write_rows(
        con, home, f"quarantine/refused/{commit_id}.parquet",
        "select source, line, text_digest, file_digest from refused_texts",
    )  # fmt: skip


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
    days = copy_by_day(con, "staged", "occurred_at", incoming, _PACKED, columns=columns)
    written = {}
    for day in days:
        folder = incoming / f"usage_date={day}"
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
                to {literal(whole)} ({_PARQUET})""")
            _sync_and_move(whole, final)
        sync_folder(target)
        written[day] = str(final.relative_to(home.root))
    shutil.rmtree(incoming)
    return written


def write_rows(con: duckdb.DuckDBPyConnection, home: Home, name: str, query: str) -> str | None:
    """Write a query's rows as Parquet under the home; None when there are none."""
    path = home.root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".tmp")
    row = con.execute(f"copy ({query}) to {literal(beside)} ({_PARQUET})").fetchone()
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


def _entries(con: duckdb.DuckDBPyConnection, new: list[NewFile], read: list[int]) -> list[FileEntry]:
    """Counts per file, if read = accepted + duplicates + amendments + quarantined in each."""
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
        bad as (select file_no, count(*) as quarantined from quarantine_rows group by file_no)
        select file_no, coalesce(records, 0) - coalesce(amendments, 0), coalesce(duplicates, 0),
            coalesce(amendments, 0), coalesce(quarantined, 0), first_at::varchar, last_at::varchar
        from files left join kept using (file_no) left join repeated using (file_no) left join bad using (file_no)
        order by file_no""").fetchall()
    for number, *parts, _, _ in rows:
        if sum(parts) != read[number]:
            landed = new[number].landed
            raise MeterhouseError(
                f"{read[number]:,} records were read from it, but {sum(parts):,} are accounted for "
                f"({', '.join(f'{n:,} {what}' for n, what in zip(parts, _PARTS, strict=True))}).",
                file=landed.path,
                way_out="Nothing of this run was kept. Unless the file was being written, the mapping "
                f"pipelines/landing/formats/{landed.source.format}.sql loses or doubles records: mend it, run again.",
            )
    return [
        FileEntry(
            source=new[number].landed.source.name,
            file=new[number].landed.name,
            format=new[number].landed.source.format,
            file_digest=new[number].digest,
            reading_digest=new[number].reading,
            bytes=new[number].landed.size,
            records_read=read[number],
            accepted=accepted,
            duplicates=duplicates,
            amendments=amendments,
            quarantined=quarantined,
            first_occurred_at=first_at,
            last_occurred_at=last_at,
        )
        for number, accepted, duplicates, amendments, quarantined, first_at, last_at in rows
    ]
