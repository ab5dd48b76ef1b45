"""Reads a text file as numbered lines, in column form, whatever the lines hold, and counts them.

DuckDB's own JSON reader is a little faster but gives no line numbers and stops at the first bad
line; this reader loses nothing. What a line means belongs in `formats/`, how a JSON array is taken
apart in `json_array.py`.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from pipelines.landing.json_array import array_records, begins_array

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCHEMA = pa.schema([("line", pa.int64()), ("raw", pa.string())])
_CHUNK = 8 << 20
_NEWLINE = 10
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_LONGEST_BLANK = 16


def compression_of(path: Path) -> str | None:
    """Compression by file name: `.gz` or `.zst`, else none."""
    return {".gz": "gzip", ".zst": "zstd"}.get(path.suffix.lower())


class LineReader:
    """Batches of (line: 1-based number, raw: text with its line feed); blank lines are left out.

    A file that is a JSON array has its records for lines. Bytes that are not UTF-8 are kept as
    backslash escapes. A file whose compression is broken raises OSError when the broken place is
    reached, a broken array UnreadableFileError; `failure` keeps it, for DuckDB hands on but its words.
    """

    def __init__(self, path: Path) -> None:
        self._batches = _batches(path)
        self._lines = 0
        self.failure: Exception | None = None

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        return self

    def __next__(self) -> pa.RecordBatch:
        try:
            batch = next(self._batches)
        except StopIteration:
            raise
        except Exception as error:
            self.failure = error
            raise
        self._lines += batch.num_rows
        return batch

    def stream(self) -> pa.RecordBatchReader:
        """The batches for DuckDB, once."""
        return pa.RecordBatchReader.from_batches(SCHEMA, self)

    def count(self) -> int:
        """How many lines the file has, whatever was made of them."""
        for _ in self:
            pass
        return self._lines


def text_blocks(path: Path) -> Iterator[bytes]:
    """The decompressed file in blocks of whole lines, without a byte order mark.

    Every block ends with a line feed, the last one with an added one if the file has none there.
    """
    yield from _blocks(_chunks(path))


def _chunks(path: Path) -> Iterator[bytes]:
    first = True
    with pa.input_stream(str(path), compression=compression_of(path)) as stream:
        while chunk := stream.read(_CHUNK):
            yield chunk.removeprefix(BYTE_ORDER_MARK) if first else chunk
            first = False


def _blocks(chunks: Iterator[bytes]) -> Iterator[bytes]:
    rest: list[bytes] = []
    for chunk in chunks:
        cut = chunk.rfind(b"\n") + 1
        if cut == 0:
            rest.append(chunk)
            continue
        yield b"".join([*rest, chunk[:cut]])
        rest = [chunk[cut:]] if cut < len(chunk) else []
    if any(rest):
        yield b"".join([*rest, b"\n"])


def _batches(path: Path) -> Iterator[pa.RecordBatch]:
    chunks = _chunks(path)
    head = next(chunks, b"")
    chunks = chain([head], chunks)
    first = 1
    if begins_array(head):
        for whole, offsets in array_records(chunks):
            yield _batch(whole, offsets, first)
            first += len(offsets) - 1
        return
    for whole in _blocks(chunks):
        offsets = np.append(0, np.flatnonzero(np.frombuffer(whole, np.uint8) == _NEWLINE) + 1)
        batch = _batch(whole, offsets, first)
        blank = _blank_lines(whole, offsets)
        yield batch if not len(blank) else batch.filter(pa.array(~np.isin(np.arange(batch.num_rows), blank)))
        # Blank lines are left out of the batch, but they are lines.
        first += batch.num_rows


def _batch(whole: bytes, offsets: np.ndarray, first: int) -> pa.RecordBatch:
    """The texts between the offsets, without copying them one by one."""
    count = len(offsets) - 1
    binary = pa.Array.from_buffers(pa.large_binary(), count, [None, pa.py_buffer(offsets), pa.py_buffer(whole)])
    try:
        raw = binary.cast(pa.large_string()).cast(pa.string())
    except pa.ArrowInvalid:
        raw = pa.array([text.as_py().decode("utf-8", "backslashreplace") for text in binary], pa.string())
    return pa.record_batch([pa.array(np.arange(first, first + count)), raw], schema=SCHEMA)


def _blank_lines(whole: bytes, offsets: np.ndarray) -> np.ndarray:
    """Positions of lines that hold nothing but white space; only short lines are looked at."""
    short = np.flatnonzero(np.diff(offsets) <= _LONGEST_BLANK)
    return np.array([i for i in short if not whole[offsets[i] : offsets[i + 1]].strip()], np.int64)
