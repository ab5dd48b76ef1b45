"""Reads a CSV file row by row without losing one, and knows the line on which each row begins.

The dialect is fixed by the header (delimiter) and RFC 4180 (quotes), never guessed from the rows:
a line added to a file must not change how the others are read. DuckDB parses the rows; the count
of rows found here is what its count is checked against. What a column means belongs in `formats/`.
"""

from __future__ import annotations

import csv
import re
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import numpy as np
import pyarrow as pa

from pipelines.landing.failures import UnreadableFileError
from pipelines.landing.limits import (
    HEAVY_PART,
    HEAVY_ROW,
    LONGEST_RECORD,
    MEBIBYTE,
    MOST_CSV_ROWS,
    check_columns,
    check_heavy,
)
from pipelines.landing.lines import text_blocks
from pipelines.sql import identifier, literal

if TYPE_CHECKING:
    from collections.abc import Iterator

    Numbers = np.ndarray[tuple[int], np.dtype[np.int64]]
    Bytes = np.ndarray[tuple[int], np.dtype[np.uint8]]
    Flags = np.ndarray[tuple[int], np.dtype[np.bool_]]

ROW = "__row"
_DELIMITERS = ",;\t|"
# Of the text from a quote that is never closed to the end of the file, as much is kept.
_MOST_UNCLOSED = 1 << 20
_TOO_MANY = "the row has more fields than the header's"
_TOO_LONG = f"the row is longer than {LONGEST_RECORD // MEBIBYTE} MiB"
_ANEW = "write it anew with quotes as RFC 4180 has them, or as JSON lines"
_NOT_TOLD = f"its rows cannot be told apart; {_ANEW}"
_NEWLINE, _RETURN, _QUOTE = 10, 13, 34
_PIECE = 4 << 20
# Rows that DuckDB works on at a time.
_VECTOR = 2048


class _RowsNotToldError(Exception):
    """DuckDB finds other rows than there are by their quotes."""


@dataclass(frozen=True, slots=True)
class CsvRows:
    """Where the rows of a file begin, header and blank lines included, in the order of the file.

    `header` is the number of blank lines before the header, `unclosed` the beginning of the text from the row whose
    quote is never closed to the end of the file; `returned` and `mixed` say
    that lines end in a carriage return too, and that not all end alike. `cuts` are row and byte
    (of `text_blocks`) at which parts begin that can be read at once, `heaviest` what as many rows hold as DuckDB works
    on at a time, if they are long.
    """

    names: tuple[str, ...]
    delimiter: str
    header: int
    lines: Numbers
    blank: Flags
    unclosed: str | None
    returned: bool
    mixed: bool
    cuts: tuple[tuple[int, int], ...] = ()
    heaviest: int = 0

    def part(self, first: int, end: int) -> CsvRows:
        """The rows from `first` up to `end`, those after the first part below a header of their own."""
        header = self.header if first == 0 else 0
        blank, lines = self.blank[first:end], self.lines[first:end]
        if first:
            blank, lines = np.append(np.False_, blank), np.append(0, lines)
        unclosed = self.unclosed if end == len(self.lines) else None
        return replace(self, header=header, lines=lines, blank=blank, unclosed=unclosed, cuts=())

    def count(self) -> int:
        """Rows that are neither the header nor blank."""
        return int(np.count_nonzero(~self.blank[self.header + 1 :]))


def csv_header(path: Path) -> tuple[list[str], str]:
    """Column names and delimiter of a CSV file; no names when the file is empty.

    Raises UnreadableFileError when the header's end cannot be found.
    """
    for whole in text_blocks(path):
        # Blank lines before a header may fill blocks.
        block = whole.lstrip(b"\r\n")
        if not block:
            continue
        text = block.decode("utf-8", "backslashreplace")
        delimiter = _delimiter(text)
        data = np.frombuffer(block, np.uint8)
        feeds = np.flatnonzero(data == _NEWLINE)
        if len(feeds) and _enclosed(data, feeds, ord(delimiter), inside=False)[0].all():
            raise UnreadableFileError("a quote in its header is opened and never closed")
        try:
            names = next(csv.reader(text.splitlines(keepends=True), delimiter=delimiter), [])
        except csv.Error as error:
            raise UnreadableFileError(f"its header cannot be told apart ({error})") from error
        check_columns(len(names))
        return _distinct([n.strip() for n in names]), delimiter
    return [], ","


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
        _load(con, part, part_rows, kept)
        part.unlink()
        yield True


def _written_parts(con: duckdb.DuckDBPyConnection, path: Path, rows: CsvRows) -> Iterator[tuple[Path, CsvRows]]:
    """Each part of a file as a file of its own, where copies of files that grow are."""
    [(spill,)] = con.execute("select current_setting('temp_directory')").fetchall()
    folder = Path(spill).parent / "growing"
    folder.mkdir(parents=True, exist_ok=True)
    bounds = [(0, 0), *rows.cuts, (len(rows.lines), sys.maxsize)]
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
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
    if len(rows.lines) == rows.header + 1 and (lone := _lone_return(path, rows)):
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
        raise UnreadableFileError(_returns(path, rows) or _NOT_TOLD) from error
    try:
        _number(con, rows)
    except _RowsNotToldError as error:
        raise UnreadableFileError(_returns(path, rows) or f"{error}; {_ANEW}") from error
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


def find_rows(path: Path) -> CsvRows:
    """Find where rows begin: at a line feed that no quote encloses.

    A quote opens only at the beginning of a field; elsewhere in an unquoted field it is a letter.
    Raises OSError when the file's compression is broken.
    """
    names, delimiter = csv_header(path)
    lines: list[Numbers] = [np.array([1], np.int64)]
    blanks: list[Flags] = []
    inside, before, size, last_end, count = False, 0, 0, 0, 0
    tail, returned, weights = b"", 0, _Weights()
    for block in text_blocks(path):
        data = np.frombuffer(block, np.uint8)
        feeds = np.flatnonzero(data == _NEWLINE)
        enclosed, inside = _enclosed(data, feeds, ord(delimiter), inside=inside)
        ends = feeds[~enclosed]
        returns = (ends > 0) & (data[np.maximum(ends - 1, 0)] == _RETURN)
        stops = np.concatenate([[last_end], size + ends + 1])
        blanks.append(np.diff(stops) - 1 - returns <= 0)
        lines.append(before + np.flatnonzero(~enclosed) + 2)
        weights.add(np.diff(stops), last_end)
        tail = (tail if not len(ends) else b"") + block[(ends[-1] + 1 if len(ends) else 0) :][:_MOST_UNCLOSED]
        tail = tail[:_MOST_UNCLOSED]
        last_end = int(stops[-1])
        before, size, count = before + len(feeds), size + len(block), count + len(ends)
        returned += int(np.count_nonzero(returns))
        if count > MOST_CSV_ROWS:
            raise UnreadableFileError(f"it has more than {MOST_CSV_ROWS:,} rows; split it and land the parts")
    starts = np.concatenate(lines)[:-1]
    blank = np.concatenate(blanks) if blanks else np.zeros(0, np.bool_)
    unclosed = None
    if inside:
        starts = np.concatenate(lines)
        blank = np.append(blank, np.False_)
        unclosed = tail.decode("utf-8", "backslashreplace").rstrip("\r\n")
    header = int(np.argmin(blank)) if len(blank) else 0
    # A blank line in a table of one column is a row whose only value is missing.
    if len(names) == 1:
        blank = np.zeros_like(blank)
    cuts = tuple(cut for cut in weights.cuts if cut[0] > header)
    return CsvRows(
        tuple(names), delimiter, header, starts, blank, unclosed, returned > 0, 0 < returned < count, cuts,
        weights.heaviest(),
    )  # fmt: skip


@dataclass(slots=True)
class _Weights:
    """What long rows hold: where parts of a file that is read in order begin, and the most of them at a time."""

    cuts: list[tuple[int, int]] = field(default_factory=list)
    _groups: Counter[int] = field(default_factory=Counter)
    _rows: int = 0
    _held: int = 0

    def add(self, sizes: Numbers, begin: int) -> None:
        """Take rows of these sizes in, the first of which begins at this byte."""
        long = np.flatnonzero(sizes > HEAVY_ROW)
        if len(long):
            ends = np.cumsum(sizes)
            for at in long.tolist():
                size = int(sizes[at])
                self._groups[(self._rows + at) // _VECTOR] += size
                if self._held and self._held + size > HEAVY_PART:
                    self.cuts.append((self._rows + at, begin + int(ends[at]) - size))
                    self._held = 0
                self._held += size
        self._rows += len(sizes)

    def heaviest(self) -> int:
        """Bytes of the long rows among those that DuckDB works on at a time, at most."""
        return max(self._groups.values(), default=0)


def _returns(path: Path, rows: CsvRows) -> str | None:
    """What is said of a file where carriage returns keep its rows from being told apart, if they do."""
    lone = _lone_return(path, rows)
    if rows.mixed and not lone:
        return (
            "some of its lines end in a carriage return and a line feed, others in one of them alone; let all end "
            "alike (as `tr -d '\\r'` does)"
        )
    return lone


def _lone_return(path: Path, rows: CsvRows) -> str | None:
    """What is said of the first carriage return outside quotes that no line feed follows."""
    inside, before = False, 0
    for block in text_blocks(path):
        data = np.frombuffer(block, np.uint8)
        feeds = np.flatnonzero(data == _NEWLINE)
        marks = np.flatnonzero(data == _RETURN)
        enclosed, inside = _enclosed(data, marks, ord(rows.delimiter), inside=inside)
        outside = marks[~enclosed]
        # A block ends with a line feed.
        lone = outside[data[outside + 1] != _NEWLINE]
        if len(lone):
            line = before + int(np.searchsorted(feeds, lone[0])) + 1
            if line == rows.lines[rows.header]:
                return (
                    "its lines end in a carriage return alone; let them end in a line feed (as `tr '\\r' '\\n'` does)"
                )
            return (
                f"line {line:,} has a carriage return that neither ends it nor stands between quotes; "
                "take carriage returns out (as `tr -d '\\r'` does) or put the field in quotes"
            )
        before += len(feeds)
    return None


def _enclosed(data: Bytes, feeds: Numbers, delimiter: int, *, inside: bool) -> tuple[Flags, bool]:
    """Which line feeds stand between quotes, and whether the block ends between quotes."""
    found, at, before = [np.zeros(0, np.bool_)], 0, _NEWLINE
    for cut in _cuts(data):
        own = feeds[np.searchsorted(feeds, at) : np.searchsorted(feeds, cut)] - at
        flags, inside = _enclosed_in_piece(data[at:cut], own, delimiter, before, inside=inside)
        found.append(flags)
        at, before = cut, int(data[cut - 1])
    return np.concatenate(found), inside


def _cuts(data: Bytes) -> Iterator[int]:
    """Ends of pieces so small that one of nothing but quotes takes little memory; none between two quotes."""
    at = 0
    while at < len(data):
        at = min(at + _PIECE, len(data))
        while at < len(data) and data[at - 1] == _QUOTE:
            others = np.flatnonzero(data[at : at + _PIECE] != _QUOTE)
            at += int(others[0]) + 1 if len(others) else min(_PIECE, len(data) - at)
        yield at


def _enclosed_in_piece(data: Bytes, feeds: Numbers, delimiter: int, before: int, *, inside: bool) -> tuple[Flags, bool]:
    """`_enclosed` of a piece that comes after the byte `before`.

    Only runs of an odd number of quotes change anything. Inside, each closes; outside, one at the
    beginning of a field opens and any other is a letter. So a run elsewhere always leaves us
    outside, and after it the state is the parity of the runs at field beginnings.
    """
    quotes = data == _QUOTE
    edges = np.flatnonzero(np.diff(quotes, prepend=np.False_, append=np.False_))
    first, end = edges[::2], edges[1::2]
    if not len(first):
        return np.full(len(feeds), inside), inside
    runs = first[(end - first) % 2 == 1]
    previous = np.where(runs > 0, data[np.maximum(runs - 1, 0)], before)
    opening = (previous == delimiter) | (previous == _NEWLINE) | (previous == _RETURN)
    toggles = np.cumsum(opening) + int(inside)
    reset = np.maximum.accumulate(np.where(opening, 0, np.arange(1, len(runs) + 1)))
    base = np.where(reset > 0, toggles[np.maximum(reset - 1, 0)], 0)
    state = np.append([inside], (toggles - base) % 2 == 1)
    return state[np.searchsorted(runs, feeds)], bool(state[-1])


def _delimiter(text: str) -> str:
    """The most frequent of the usual delimiters in the first line, outside quotes; a comma if none."""
    outside = "".join(text.split("\n", 1)[0].split('"')[::2])
    return max(_DELIMITERS, key=outside.count)


def _distinct(names: list[str]) -> list[str]:
    """Every column has a name of its own: unnamed and repeated ones get their position."""
    seen: set[str] = set()
    result = []
    for number, given in enumerate(names):
        name = given or f"column{number}"
        if name.lower() in seen or name == ROW:
            name = f"{name}_{number}"
        while name.lower() in seen:
            name += "_"
        seen.add(name.lower())
        result.append(name)
    return result
