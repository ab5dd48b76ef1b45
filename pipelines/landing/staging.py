"""Reads new files into the staging tables, as many at once as there are threads.

What a record must be belongs in `normalise.py`, which of two counts in `resolve.py`.
"""

from __future__ import annotations

import re
import secrets
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from pipelines import warehouse
from pipelines.landing.formats import load_formats
from pipelines.landing.normalise import stage_file
from pipelines.landing.readers import open_records
from pipelines.landing.resolve import CONFLICT
from pipelines.sql import literal, read_sql

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipelines.home import Home
    from pipelines.landing.discover import LandedFile
    from pipelines.landing.new_files import NewFile


def salt(home: Home) -> str:
    """The home's secret for pseudonyms, made on first use."""
    if not home.salt_file.exists():
        home.root.mkdir(parents=True, exist_ok=True)
        home.salt_file.write_text(secrets.token_hex(32), encoding="ascii")
        home.salt_file.chmod(0o600)
    return home.salt_file.read_text(encoding="ascii").strip()


def define_macros(con: duckdb.DuckDBPyConnection, home: Home) -> None:
    """The functions of macros.sql, on this connection or cursor only."""
    con.execute(read_sql(Path(__file__).with_name("macros.sql")).replace("{{ salt }}", literal(salt(home))))


def stage_all(
    con: duckdb.DuckDBPyConnection,
    home: Home,
    new: list[NewFile],
    received_at: str,
    progress: Callable[[str, int, int], None] | None,
) -> None:
    """Stage every file, as many at once as there are threads: reading one file uses one core."""
    salt(home)

    def stage(number: int) -> int:
        with con.cursor() as cursor:
            cursor.execute("set TimeZone = 'UTC'")
            define_macros(cursor, home)
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


def _stage(con: duckdb.DuckDBPyConnection, file: NewFile, number: int, received_at: str) -> None:
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


def quarantine_conflicts(con: duckdb.DuckDBPyConnection, new: list[NewFile]) -> None:
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
