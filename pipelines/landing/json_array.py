"""Takes a file that is one JSON array apart into its records, in column form, whatever is in them.

An answer of a gateway's API saved as it came is such a file, on one line or printed over many. Only
where a record begins and ends is found here, by brackets outside strings; what it holds is looked at
later, as with a line. Records are numbered from 1: `jq -c '.[]'` writes record n as line n.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from pipelines.landing.failures import UnreadableFileError
from pipelines.landing.limits import LONGEST_RECORD, MEBIBYTE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    Places = np.ndarray[tuple[int], np.dtype[np.int64]]
    Bytes = np.ndarray[tuple[int], np.dtype[np.uint8]]
    Flags = np.ndarray[tuple[int], np.dtype[np.bool_]]

# A bracket alone is also how many a log line begins.
_HEAD = re.compile(rb"\s*\[\s*([{\]]|\Z)")
_LONGEST_HEAD = 1 << 12
_PIECE = 2 << 20
_QUOTE, _ESCAPE, _BRACE = ord('"'), ord("\\"), ord("{")
_MARKS = np.isin(np.arange(256), list(b'"{}[]'))
_BETWEEN = np.isin(np.arange(256), list(b" \t\r\n,[]"))
_STEP = np.zeros(256, np.int64)
_STEP[list(b"{[")] = 1
_STEP[list(b"}]")] = -1


def begins_array(head: bytes) -> bool:
    """Whether a file that begins like this is an array of objects, not lines."""
    return _HEAD.match(head[:_LONGEST_HEAD]) is not None


def array_records(chunks: Iterable[bytes]) -> Iterator[tuple[bytes, Places]]:
    """The records of an array, or of several one after another: their texts end to end, and where each begins.

    The last of the places is where the last text ends. Raises UnreadableFileError where something
    other than an object stands in an array, and where the last one is not closed.
    """
    depth, found, in_text = 0, 0, False
    # Of a record that is not yet whole, and a backslash whose other half is still to come.
    rest: list[bytes] = []
    slash = b""
    for piece in _pieces(chunks):
        data, slash = _without_half(slash + piece)
        text = np.frombuffer(data, np.uint8)
        brackets, in_text = _brackets(text, inside=in_text)
        starts, ends, deep = _objects(text, brackets, depth)
        if depth > 1:
            starts = np.append(0, starts)
        stops = ends if deep < 2 else np.append(ends, len(data))
        if deep < 0 or not _BETWEEN[text[~_held(starts, stops, len(data))]].all():
            raise UnreadableFileError(
                "a JSON array with something other than objects in it; write one object a line (jq -c '.[]')"
            )
        if len(ends):
            last = int(ends[-1])
            held = _held(starts[: len(ends)], ends, last)
            lengths = ends - starts[: len(ends)]
            lengths[0] += sum(map(len, rest))
            yield b"".join([*rest, text[:last][held].tobytes()]), np.append(0, np.cumsum(lengths))
            rest = []
        found, depth = found + len(ends), deep
        if depth > 1:
            rest.append(data[int(starts[-1]) :])
            if sum(map(len, rest)) > 2 * LONGEST_RECORD:
                raise UnreadableFileError(
                    f"record {found + 1:,} of a JSON array is longer than {2 * LONGEST_RECORD // MEBIBYTE} MiB"
                )
    if depth or slash:
        raise UnreadableFileError(f"a JSON array that is not closed (cut off after record {found}?)")


def _pieces(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The chunks in pieces so small that a piece of nothing but brackets takes no hundreds of MiB to look at."""
    for chunk in chunks:
        for at in range(0, len(chunk), _PIECE):
            yield chunk[at : at + _PIECE]


def _without_half(data: bytes) -> tuple[bytes, bytes]:
    """The data, and apart from it a last backslash that has nothing to escape yet."""
    slashes = len(data) - len(data.rstrip(b"\\"))
    return (data[:-1], data[-1:]) if slashes % 2 else (data, b"")


def _brackets(data: Bytes, *, inside: bool) -> tuple[Places, bool]:
    """Where brackets stand outside texts, and whether the data ends inside one; `inside` says if it begins so."""
    marks = np.flatnonzero(_MARKS[data])
    marks = marks[~_escaped(data, marks)]
    quotes = data[marks] == _QUOTE
    texts = np.cumsum(quotes) + int(inside)
    return marks[~quotes & (texts % 2 == 0)], bool(texts[-1] % 2) if len(texts) else inside


def _objects(data: Bytes, brackets: Places, depth: int) -> tuple[Places, Places, int]:
    """Where the objects directly in an array begin and end, and the depth at the end.

    `depth` is that at the beginning. The depth at the end is negative where brackets do not fit, or an array stands
    where an object should.
    """
    kinds = data[brackets]
    steps = _STEP[kinds]
    depths = np.cumsum(steps) + depth
    starts = brackets[(kinds == _BRACE) & (depths == 2)]
    ends = brackets[(steps < 0) & (depths == 1)] + 1
    if (depths < 0).any() or len(starts) != np.count_nonzero((steps > 0) & (depths == 2)):
        return starts[:0], starts[:0], -1
    return starts, ends, int(depths[-1]) if len(depths) else depth


def _escaped(data: Bytes, marks: Places) -> Flags:
    """Which marks stand after an odd number of backslashes."""
    slashes = np.flatnonzero(data == _ESCAPE)
    if not len(slashes):
        return np.zeros(len(marks), np.bool_)
    first = np.flatnonzero(np.diff(slashes, prepend=-2) != 1)
    length = np.diff(np.append(first, len(slashes)))
    after = slashes[first] + length
    run = np.minimum(np.searchsorted(after, marks), len(after) - 1)
    escaped: Flags = (after[run] == marks) & (length[run] % 2 == 1)
    return escaped


def _held(starts: Places, ends: Places, stop: int) -> Flags:
    """Which of the bytes up to `stop` stand in the stretches from each start to each end."""
    turns = np.arange(2 * len(starts) + 1) % 2 == 1
    lengths = np.diff(np.append(np.stack([starts, ends], axis=1).ravel(), stop), prepend=0)
    held: Flags = np.repeat(turns, lengths)
    return held
