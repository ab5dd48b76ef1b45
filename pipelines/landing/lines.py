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


def compression_of(path: Path) -> str | None:
    """Compression by file name: `.gz` or `.zst`, else none."""
    return {".gz": "gzip", ".zst": "zstd"}.get(path.suffix.lower())


def line_reader(path: Path) -> pa.RecordBatchReader:
    """Batches of (line: 1-based number, raw: text without its line feed).

    Bytes that are not UTF-8 are kept as backslash escapes. A file whose compression is broken
    raises OSError when the broken place is reached.
    """
    return pa.RecordBatchReader.from_batches(SCHEMA, _batches(path))


def _batches(path: Path) -> Iterator[pa.RecordBatch]:
    first, rest = 1, b""
    with pa.input_stream(str(path), compression=compression_of(path)) as stream:
        while chunk := stream.read(_CHUNK):
            cut = chunk.rfind(b"\n") + 1
            if cut == 0:
                rest += chunk
                continue
            whole, rest = rest + chunk[:cut], chunk[cut:]
            batch = _batch(whole, first)
            first += batch.num_rows
            yield batch
    if rest:
        yield _batch(rest + b"\n", first)


def _batch(whole: bytes, first: int) -> pa.RecordBatch:
    """Lines of a block that ends with a line feed, found without copying them one by one."""
    ends = np.flatnonzero(np.frombuffer(whole, np.uint8) == _NEWLINE)
    offsets = np.empty(len(ends) + 1, np.int64)
    offsets[0], offsets[1:] = 0, ends + 1
    binary = pa.Array.from_buffers(
        pa.large_binary(), len(ends), [None, pa.py_buffer(offsets), pa.py_buffer(whole)]
    )
    try:
        raw = binary.cast(pa.large_string()).cast(pa.string())
    except pa.ArrowInvalid:
        raw = pa.array([line.decode("utf-8", "backslashreplace") for line in whole.split(b"\n")[:-1]], pa.string())
    return pa.record_batch([pa.array(np.arange(first, first + len(ends))), raw], schema=SCHEMA)
