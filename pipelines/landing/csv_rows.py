"""Finds where the rows of a CSV file begin, by its quotes alone, and on which line.

The dialect is fixed by the header (delimiter) and RFC 4180 (quotes), never guessed from the rows:
a line added to a file must not change how the others are read. What a row holds is read in `csv_records.py`.
"""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from pipelines.landing.failures import UnreadableFileError
from pipelines.landing.limits import HEAVY_PART, HEAVY_ROW, MOST_CSV_ROWS, check_columns
from pipelines.landing.lines import text_blocks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    Numbers = np.ndarray[tuple[int], np.dtype[np.int64]]
    Bytes = np.ndarray[tuple[int], np.dtype[np.uint8]]
    Flags = np.ndarray[tuple[int], np.dtype[np.bool_]]

ROW = "__row"
NEWLINE, RETURN, _QUOTE = 10, 13, 34
_DELIMITERS = ",;\t|"
# Of the text from a quote that is never closed to the end of the file, as much is kept.
_MOST_UNCLOSED = 1 << 20
_PIECE = 4 << 20
# Rows that DuckDB works on at a time.
_VECTOR = 2048


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
        feeds = np.flatnonzero(data == NEWLINE)
        if len(feeds) and enclosed(data, feeds, ord(delimiter), inside=False)[0].all():
            raise UnreadableFileError("a quote in its header is opened and never closed")
        try:
            names = next(csv.reader(text.splitlines(keepends=True), delimiter=delimiter), [])
        except csv.Error as error:
            raise UnreadableFileError(f"its header cannot be told apart ({error})") from error
        check_columns(len(names))
        return _distinct([n.strip() for n in names]), delimiter
    return [], ","


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
        feeds = np.flatnonzero(data == NEWLINE)
        within, inside = enclosed(data, feeds, ord(delimiter), inside=inside)
        ends = feeds[~within]
        returns = (ends > 0) & (data[np.maximum(ends - 1, 0)] == RETURN)
        stops = np.concatenate([[last_end], size + ends + 1])
        blanks.append(np.diff(stops) - 1 - returns <= 0)
        lines.append(before + np.flatnonzero(~within) + 2)
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


def enclosed(data: Bytes, feeds: Numbers, delimiter: int, *, inside: bool) -> tuple[Flags, bool]:
    """Which line feeds stand between quotes, and whether the block ends between quotes."""
    found, at, before = [np.zeros(0, np.bool_)], 0, NEWLINE
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
    """`enclosed` of a piece that comes after the byte `before`.

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
    opening = (previous == delimiter) | (previous == NEWLINE) | (previous == RETURN)
    toggles = np.cumsum(opening) + int(inside)
    reset = np.maximum.accumulate(np.where(opening, 0, np.arange(1, len(runs) + 1)))
    base = np.where(reset > 0, toggles[np.maximum(reset - 1, 0)], 0)
    state = np.append([inside], (toggles - base) % 2 == 1)
    return state[np.searchsorted(runs, feeds)], bool(state[-1])


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
