"""Reads a CSV file row by row without losing one, and knows the line on which each row begins.

DuckDB parses the rows; the count of rows that `csv_rows.py` finds is what its count is checked against.
What a column means belongs in `formats/`.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import numpy as np
import pyarrow as pa

from pipelines.landing.csv_returns import lone_return, spoilt_by_returns
from pipelines.landing.csv_rows import ROW
from pipelines.landing.failures import UnreadableFileError
from pipelines.landing.leftovers import PARTS
from pipelines.landing.limits import LONGEST_RECORD, MEBIBYTE, check_heavy
from pipelines.landing.lines import text_blocks
from pipelines.sql import identifier, literal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipelines.landing.csv_rows import CsvRows

_TOO_MANY = "the row has more fields than the header's"
_TOO_LONG = f"the row is longer than {LONGEST_RECORD // MEBIBYTE} MiB"
_ANEW = "write it anew with quotes as RFC 4180 has them, or as JSON lines"
_NOT_TOLD = f"its rows cannot be told apart; {_ANEW}"


class _RowsNotToldError(Exception):
    """DuckDB finds other rows than there are by their quotes."""


def load_csv(
    con: duckdb.DuckDBPyConnection, path: Path, rows: CsvRows, kept: frozenset[str], *, in_parts: bool
) -> Iterator[bool]:
    """Load a CSV file, or as many of its rows at a step as are read at once, into relation `landed_rows`.

    It holds each readable row with its columns as text and the line it begins on in column ROW; `landed_refused`
    (line, field, reason, raw) has the others so far. Which field of these is which cannot be told: their text stays
    only where all columns are among the `kept` ones, else only delimiters and quotes do. Yields True. Rows are counted
    by their quotes, apart from what was made of them. Raises OSError when the file cannot be decompressed,
    UnreadableFileError when its rows cannot be told apart.
    """
    con.execute("""
        create or replace temp table landed_refused (line bigint, field varchar, reason varchar, raw varchar)""")
    if not rows.names:
        con.execute(f"create or replace temp view landed_rows as select 0::bigint as {ROW} where false")
        yield True
        return
    if not (in_parts and rows.cuts):
        check_heavy(rows.heaviest)
        _load(con, path, rows, kept)
        yield True
        return
    for part, part_rows in _written_parts(con, path, rows):
        try:
            _load(con, part, part_rows, kept)
        except UnreadableFileError as error:
            # Lines are those of the whole file, where they can be told there.
            raise UnreadableFileError(spoilt_by_returns(path, rows) or str(error)) from error
        part.unlink()
        yield True


def _written_parts(con: duckdb.DuckDBPyConnection, path: Path, rows: CsvRows) -> Iterator[tuple[Path, CsvRows]]:
    """Each part of a file as a file of its own, in a folder of this process: others may read at the same time."""
    [(spill,)] = con.execute("select current_setting('temp_directory')").fetchall()
    folder = Path(spill).parent / PARTS
    folder.mkdir(parents=True, exist_ok=True)
    bounds = [(0, 0), *rows.cuts, (len(rows.lines), sys.maxsize)]
    with tempfile.TemporaryDirectory(dir=folder, prefix=f"{os.getpid()}_") as scratch:
        blocks = text_blocks(path)
        block, at = next(blocks), 0
        part = Path(scratch) / "part.csv"
        for (first, begin), (last, end) in pairwise(bounds):
            with part.open("wb") as file:
                if first:
                    file.write(rows.delimiter.join("h" for _ in rows.names).encode())
                    file.write(b"\r\n" if rows.returned else b"\n")
                while block:
                    file.write(block[max(begin - at, 0) : end - at])
                    if end <= at + len(block):
                        break
                    at += len(block)
                    block = next(blocks, b"")
            yield part, rows.part(first, last)


def _load(con: duckdb.DuckDBPyConnection, path: Path, rows: CsvRows, kept: frozenset[str]) -> None:
    """Load these rows into `landed_rows`; what is refused is added to `landed_refused`."""
    columns = "{" + ", ".join(f"{literal(n)}: 'VARCHAR'" for n in rows.names) + "}"
    con.execute("drop table if exists reject_errors; drop table if exists reject_scans")
    # Where carriage returns alone end the rows, all of them are one line: the header's.
    if len(rows.lines) == rows.header + 1 and (lone := lone_return(path, rows)):
        raise UnreadableFileError(lone)
    # Read by one thread, the rows are numbered in the order of the file.
    try:
        con.execute(f"""
            create or replace temp table parsed_rows as
            select row_number() over () as {ROW}, * from read_csv({literal(path)},
                auto_detect = false, header = true, columns = {columns}, delim = {literal(rows.delimiter)},
                quote = '"', escape = '"', skip = {rows.header}, store_rejects = true, parallel = false,
                max_line_size = {LONGEST_RECORD}, buffer_size = {2 * LONGEST_RECORD})""")
    except duckdb.InvalidInputException as error:
        if "state machine" not in str(error):
            raise
        raise UnreadableFileError(spoilt_by_returns(path, rows) or _NOT_TOLD) from error
    try:
        _number(con, rows)
    except _RowsNotToldError as error:
        raise UnreadableFileError(spoilt_by_returns(path, rows) or f"{error}; {_ANEW}") from error
    _leave_out(con, rows, kept)
    con.execute("insert into landed_refused from rows_refused")


def _leave_out(con: duckdb.DuckDBPyConnection, rows: CsvRows, kept: frozenset[str]) -> None:
    """Leave only the delimiters of refused rows that may hold what is not kept."""
    test = "" if not kept.issuperset(rows.names) else f"where starts_with(reason, {literal(_TOO_MANY)})"
    text = rf'[^{re.escape(rows.delimiter)}"\r\n]+'
    con.execute(f"update rows_refused set raw = regexp_replace(raw, {literal(text)}, '…', 'g') {test}")


def _number(con: duckdb.DuckDBPyConnection, rows: CsvRows) -> None:
    """Give parsed and refused rows their lines. DuckDB numbers rows, with header and blank ones, from 1."""
    refused = np.array([r for (r,) in con.execute("select distinct line from reject_errors").fetchall()], np.int64)
    readable = ~rows.blank
    readable[: rows.header + 1] = False
    told = int(np.count_nonzero(readable))
    if len(refused) and refused.max() > len(readable):
        raise _RowsNotToldError(f"its rows cannot be told apart ({len(readable)} by their quotes, more when parsed)")
    readable[refused - 1] = False
    if rows.unclosed is not None:
        readable[-1] = False
    ordinals = np.flatnonzero(readable)
    [(parsed,)] = con.execute("select count(*) from parsed_rows").fetchall()
    if parsed != len(ordinals):
        raise _RowsNotToldError(
            f"its rows cannot be told apart ({len(ordinals)} by their quotes, {parsed} when parsed)"
        )
    con.register(
        "row_lines",
        pa.table({ROW: np.arange(1, parsed + 1), "line": rows.lines[ordinals]}),
    )
    con.execute(f"""
        create or replace temp table csv_rows as
        select row_lines.line as {ROW}, {", ".join(f"parsed_rows.{identifier(n)}" for n in rows.names)}
        from parsed_rows inner join row_lines using ({ROW})""")
    con.execute("create or replace temp view landed_rows as from csv_rows")
    con.register("all_lines", pa.table({ROW: np.arange(1, len(rows.lines) + 1), "line": rows.lines}))
    con.execute(f"""
        create or replace temp table rows_refused as
        with errors as (
            select line as {ROW}, min(error_type) as kind, min(column_name) as field,
                any_value(trim(csv_line, chr(13) || chr(10))) as raw
            from reject_errors group by line
        )
        select all_lines.line,
            case when kind = 'INVALID ENCODING' then field end as field,
            case
                when kind = 'MISSING COLUMNS' then 'the row has fewer fields than the header''s {len(rows.names)}'
                when kind = 'TOO MANY COLUMNS' then {literal(f"{_TOO_MANY} {len(rows.names)}")}
                when kind = 'INVALID ENCODING' then 'not valid UTF-8'
                when kind = 'UNQUOTED VALUE' then 'text follows a closing quote'
                when kind = 'LINE SIZE OVER MAXIMUM' then {literal(_TOO_LONG)}
                else 'the row cannot be parsed'
            end as reason, raw
        from errors inner join all_lines using ({ROW})""")
    if rows.unclosed is not None:
        con.execute(
            "insert into rows_refused values (?, null, 'a quote is opened and never closed', ?)",
            [int(rows.lines[-1]), rows.unclosed],
        )
    [(left,)] = con.execute("select count(*) from rows_refused").fetchall()
    if parsed + left != told:
        raise _RowsNotToldError(f"its rows cannot be told apart ({told} by their quotes, {parsed + left} when parsed)")
    con.execute("drop table parsed_rows")
    con.unregister("row_lines")
    con.unregister("all_lines")
