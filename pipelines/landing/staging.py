"""Reads new files into the staging tables, as many at once as there are threads.

What a record must be belongs in `normalise.py`, which of two counts in `resolve.py`.
"""

from __future__ import annotations

import csv
import os
import secrets
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from pipelines import warehouse
from pipelines.errors import MeterhouseError
from pipelines.landing.contract import MAX_METER, MAX_TOKENS
from pipelines.landing.failures import UnreadableFileError, first_cause, is_machine_failure, machine_failure
from pipelines.landing.formats import load_formats
from pipelines.landing.manifest import sync_folder
from pipelines.landing.normalise import stage_file
from pipelines.landing.quick import batches, stage_batch
from pipelines.landing.readers import OpenFile, open_records
from pipelines.landing.resolve import CONFLICT
from pipelines.sql import literal, read_sql

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipelines.home import Home
    from pipelines.landing.new_files import NewFile
    from pipelines.landing.quick import Batch
    from pipelines.settings import Source


# What DuckDB raises for the content of a file.
_CONTENT = (duckdb.InvalidInputException, duckdb.IOException, duckdb.ConversionException)


def salt(home: Home) -> str:
    """The home's secret for pseudonyms, made on first use."""
    if not home.salt_file.exists():
        home.root.mkdir(parents=True, exist_ok=True)
        beside = home.salt_file.with_name(home.salt_file.name + ".tmp")
        beside.unlink(missing_ok=True)
        # Whole or not at all, and never open to others: half a salt would give other pseudonyms.
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32))
            file.flush()
            os.fsync(file.fileno())
        beside.replace(home.salt_file)
        sync_folder(home.root)
    return home.salt_file.read_text(encoding="ascii").strip()


def define_macros(con: duckdb.DuckDBPyConnection, home: Home) -> None:
    """The functions of macros.sql and redact.sql, for all cursors of a connection to scratch space.

    They take longer to define than small files to read, so once is enough.
    """
    text = read_sql(Path(__file__).with_name("macros.sql"))
    con.execute(f"create or replace macro max_tokens() as ({MAX_TOKENS}::bigint)")
    con.execute(f"create or replace macro max_meter() as ({MAX_METER}::bigint)")
    con.execute(text)
    set_salt(con, home)
    con.execute(read_sql(Path(__file__).with_name("redact.sql")))


def set_salt(con: duckdb.DuckDBPyConnection, home: Home) -> None:
    """What pseudonyms are made with, for this connection or cursor alone."""
    con.execute(f"set variable salt = {literal(salt(home))}")


def set_zone(con: duckdb.DuckDBPyConnection, source: Source) -> None:
    """Times that name no zone are in the source's, on this connection or cursor."""
    con.execute(f"set TimeZone = {literal(source.time_zone)}")
    if source.time_zone != "UTC":
        con.execute(read_sql(Path(__file__).with_name("zone.sql")))


def stage_all(
    con: duckdb.DuckDBPyConnection,
    home: Home,
    new: list[NewFile],
    received_at: str,
    progress: Callable[[str, int, int], None] | None,
) -> list[int]:
    """Stage every file, as many batches at once as there are threads: reading one uses one core.

    Returns how many records each holds by the count of its reader, whatever was made of them.
    """
    define_macros(con, home)
    counts = [0] * len(new)
    threads = warehouse.threads()
    # The largest first, so that none is left for the end.
    parts = sorted(batches(new, threads), key=lambda b: -sum(new[n].landed.size for n in b.files))

    def stage(batch: Batch) -> Batch:
        with con.cursor() as cursor:
            set_salt(cursor, home)
            set_zone(cursor, new[batch.files[0]].landed.source)
            stage_batch(cursor, batch, new, received_at, kept=len(parts) < threads)
            for number in batch.files:
                done_lines = batch.lines.get(number)
                counts[number] = _stage(cursor, new[number], number, received_at) if done_lines is None else done_lines
        return batch

    with ThreadPoolExecutor(max_workers=min(threads, len(parts))) as pool:
        done = 0
        try:
            for future in as_completed([pool.submit(stage, batch) for batch in parts]):
                for number in future.result().files:
                    done += 1
                    if progress:
                        progress(f"{new[number].landed.source.name}/{new[number].landed.name}", done, len(new))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return counts


def _stage(con: duckdb.DuckDBPyConnection, file: NewFile, number: int, received_at: str) -> int:
    """Stage one file; returns how many records it holds."""
    fmt = load_formats()[file.landed.source.format]
    opened = OpenFile()
    con.execute("""
        create or replace temp view records_refused as
        select 0 as line, '' as raw, '' as field, '' as reason where false""")
    try:
        opened = open_records(con, file.landed.path, fmt, file.landed.source)
        there_is_more = True
        while there_is_more:
            stage_file(con, fmt.sql(), place=f"{number}, line", source=file.landed.source, received_at=received_at)
            there_is_more = opened.next_part(con)
        con.execute(f"insert into refused select {number}, line, field, reason, raw, true from records_refused")
        return opened.count()
    except (duckdb.Error, OSError, csv.Error, UnreadableFileError) as caught:
        own = opened.failure()
        error = own if own and (isinstance(own, UnreadableFileError) or is_machine_failure(own)) else caught
        if is_machine_failure(error):
            raise machine_failure(error, file.landed.path) from error
        # DuckDB's Parquet reader has its plainest error for damage; a subclass not named above is our own mistake.
        if isinstance(error, duckdb.Error) and type(error) is not duckdb.Error and not isinstance(error, _CONTENT):
            raise
        # The file as a whole cannot be read (cut off, damaged): one quarantine record stands for it.
        con.execute(f"delete from staged where file_no = {number}")
        con.execute(f"delete from refused where file_no = {number}")
        con.execute(
            "insert into refused values (?, null, ?, ?, ?, true)",
            [
                number,
                error.field if isinstance(error, UnreadableFileError) else None,
                f"the file cannot be read: {first_cause(error, file.landed.path, file.landed.name)}",
                f"{file.landed.size} bytes",
            ],
        )
        return 1


def quarantine_conflicts(con: duckdb.DuckDBPyConnection, new: list[NewFile]) -> None:
    """Move conflicting records to `refused`, with their text fetched once more from the files."""
    numbers = con.execute("select file_no, count(*) from verdicts where verdict = 'conflict' group by 1 order by 1")
    for number, conflicts in numbers.fetchall():
        file = new[number]
        try:
            fmt = load_formats()[file.landed.source.format]
            opened = open_records(con, file.landed.path, fmt, file.landed.source)
            found, there_is_more = 0, True
            while there_is_more:
                [(here,)] = con.execute(
                    f"""
                    insert into refused
                    select {number}, mapped.line, 'event_id', ?, held_text(raw), false
                    from ({fmt.sql() if fmt.inside else "from records"}) as mapped semi join (
                        select line from verdicts where file_no = {number} and verdict = 'conflict'
                    ) as conflicts on mapped.line = conflicts.line""",
                    [f"event_id {CONFLICT}"],
                ).fetchall()
                found += here
                there_is_more = opened.next_part(con)
            stat = file.landed.path.stat()
        except (duckdb.Error, OSError, csv.Error, UnreadableFileError) as error:
            # It was read a moment ago.
            raise machine_failure(error, file.landed.path) from error
        if found != conflicts or (stat.st_size, stat.st_mtime_ns) != (file.landed.size, file.landed.mtime_ns):
            raise MeterhouseError(
                "it changed while it was being read.",
                file=file.landed.path,
                way_out="Nothing of this run was kept. Write a file under a name that ends in .part, rename it when "
                "it is complete, and run again.",
            )
