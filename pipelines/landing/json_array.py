"""Takes a file that is one JSON array apart into its records, in column form, whatever is in them.

An answer of a gateway's API saved as it came is such a file, on one line or printed over many. Only
where a record begins and ends is found here, by brackets outside strings; what it holds is looked at
later, as with a line. Records are numbered from 1: `jq -c '.[]'` writes record n as line n.
"""

from __future__ import annotations

import re
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from pipelines.landing.failures import UnreadableFileError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    Places = np.ndarray[tuple[int], np.dtype[np.int64]]
    Bytes = np.ndarray[tuple[int], np.dtype[np.uint8]]
    Flags = np.ndarray[tuple[int], np.dtype[np.bool_]]

# A bracket alone is also how many a log line begins.
_HEAD = re.compile(rb"\s*\[\s*([{\]]|\Z)")
_LONGEST_HEAD = 1 << 12
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
    rest, inside, found, pending = b"", False, 0, b""
    for chunk in chain(chunks, [None]):
        # A record longer than many chunks is looked at only each time that it has doubled.
        pending += chunk or b""
        if chunk is not None and len(pending) < len(rest):
            continue
        data, pending = rest + pending, b""
        text = np.frombuffer(data, np.uint8)
        starts, ends, depth = _objects(text, inside=inside)
        # What follows the last whole record is looked at again, unless it is only the end of the array.
        stop = len(data) if len(starts) == len(ends) else int(starts[-1])
        starts = starts[: len(ends)]
        held = np.repeat(_turns(len(ends)), _lengths(starts, ends, stop))
        if depth < 0 or not _BETWEEN[text[:stop][~held]].all():
            raise UnreadableFileError(
                "a JSON array with something other than objects in it; write one object a line (jq -c '.[]')"
            )
        found += len(ends)
        if len(ends):
            yield text[:stop][held].tobytes(), np.append(0, np.cumsum(ends - starts))
        rest, inside = data[stop:], depth > 0
    if rest or inside:
        raise UnreadableFileError(f"a JSON array that is not closed (cut off after record {found}?)")


def _objects(data: Bytes, *, inside: bool) -> tuple[Places, Places, int]:
    """Where the objects directly in an array begin and end, and the depth at the end.

    `inside` says that the data begins in an array. One more begins than ends where the last is cut off.
    The depth is negative where brackets do not fit, or an array stands where an object should.
    """
    marks = np.flatnonzero(_MARKS[data])
    marks = marks[~_escaped(data, marks)]
    quotes = data[marks] == _QUOTE
    brackets = marks[~quotes & (np.cumsum(quotes) % 2 == 0)]
    kinds = data[brackets]
    steps = _STEP[kinds]
    depths = np.cumsum(steps) + int(inside)
    outer = depths - np.minimum(steps, 0)
    starts = brackets[(kinds == _BRACE) & (depths == 2)]
    ends = brackets[(steps < 0) & (outer == 2)] + 1
    if (depths < 0).any() or len(starts) != np.count_nonzero((steps > 0) & (depths == 2)):
        return starts[:0], starts[:0], -1
    return starts, ends, int(depths[-1]) if len(depths) else int(inside)


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


def _turns(records: int) -> Flags:
    """Between, record, between, ..., between."""
    turns: Flags = np.arange(2 * records + 1) % 2 == 1
    return turns


def _lengths(starts: Places, ends: Places, stop: int) -> Places:
    """Lengths of the stretches that `_turns` names."""
    return np.diff(np.append(np.stack([starts, ends], axis=1).ravel(), stop), prepend=0)
