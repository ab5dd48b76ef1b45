"""Reads a text file as numbered lines, in column form, whatever the lines hold.

DuckDB's own JSON reader is a little faster but gives no line numbers and stops at the first bad
line; this reader loses nothing. What a line means belongs in `formats/`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCHEMA = pa.schema([("line", pa.int64()), ("raw", pa.string())])
_CHUNK = 8 << 20
_NEWLINE = 10
_MARK = b"\xef\xbb\xbf"
_LONGEST_BLANK = 16


def compression_of(path: Path) -> str | None:
    """Compression by file name: `.gz` or `.zst`, else none."""
    return {".gz": "gzip", ".zst": "zstd"}.get(path.suffix.lower())


def line_reader(path: Path) -> pa.RecordBatchReader:
    """Batches of (line: 1-based number, raw: text with its line feed); blank lines are left out.

    Bytes that are not UTF-8 are kept as backslash escapes. A file whose compression is broken
    raises OSError when the broken place is reached.
    """
    return pa.RecordBatchReader.from_batches(SCHEMA, _batches(path))


def text_blocks(path: Path) -> Iterator[bytes]:
    """The decompressed file in blocks of whole lines, without a byte order mark.

    Every block ends with a line feed, the last one with an added one if the file has none there.
    """
    rest: list[bytes] = []
    first = True
    with pa.input_stream(str(path), compression=compression_of(path)) as stream:
        while chunk := stream.read(_CHUNK):
            if first:
                chunk, first = chunk.removeprefix(_MARK), False
            cut = chunk.rfind(b"\n") + 1
            if cut == 0:
                rest.append(chunk)
                continue
            yield b"".join([*rest, chunk[:cut]])
            rest = [chunk[cut:]] if cut < len(chunk) else []
    if any(rest):
        yield b"".join([*rest, b"\n"])


def _batches(path: Path) -> Iterator[pa.RecordBatch]:
    first = 1
    for block in text_blocks(path):
        yield _batch(block, first)
        # Blank lines are left out of the batch, but they are lines.
        first += block.count(b"\n")


def _batch(whole: bytes, first: int) -> pa.RecordBatch:
    """Lines of a block that ends with a line feed, found without copying them one by one."""
    ends = np.flatnonzero(np.frombuffer(whole, np.uint8) == _NEWLINE)
    offsets = np.empty(len(ends) + 1, np.int64)
    offsets[0], offsets[1:] = 0, ends + 1
    binary = pa.Array.from_buffers(pa.large_binary(), len(ends), [None, pa.py_buffer(offsets), pa.py_buffer(whole)])
    try:
        raw = binary.cast(pa.large_string()).cast(pa.string())
    except pa.ArrowInvalid:
        raw = pa.array([line.decode("utf-8", "backslashreplace") for line in whole.split(b"\n")[:-1]], pa.string())
    batch = pa.record_batch([pa.array(np.arange(first, first + len(ends))), raw], schema=SCHEMA)
    blank = _blank_lines(whole, offsets)
    return batch if not len(blank) else batch.filter(pa.array(~np.isin(np.arange(len(ends)), blank)))


def _blank_lines(whole: bytes, offsets: np.ndarray) -> np.ndarray:
    """Positions of lines that hold nothing but white space; only short lines are looked at."""
    short = np.flatnonzero(np.diff(offsets) <= _LONGEST_BLANK)
    return np.array([i for i in short if not whole[offsets[i] : offsets[i + 1]].strip()], np.int64)
