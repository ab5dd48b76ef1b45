"""Reads a text file as numbered lines, in column form, whatever the lines hold, and counts them.

DuckDB's own JSON reader is a little faster but gives no line numbers and stops at the first bad
line; this reader loses nothing. What a line means belongs in `formats/`, how a JSON array is taken
apart in `json_array.py`, how much a file may hold in `limits.py`.
"""

from __future__ import annotations

import hashlib
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from pipelines.landing.failures import UnreadableFileError
from pipelines.landing.json_array import array_records, begins_array
from pipelines.landing.limits import (
    HEAVY_PART,
    HEAVY_ROW,
    LARGE_RECORD,
    LONGEST_CSV_LINE,
    LONGEST_RECORD,
    MEBIBYTE,
    MOST_VALUES,
    check_unpacked,
    too_full,
    too_long,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCHEMA = pa.schema([("line", pa.int64()), ("raw", pa.string())])
# Line, length in bytes, digest of the text and reason.
Refused = tuple[int, int, str, str]
REFUSED_SCHEMA = pa.schema([*SCHEMA, ("field", pa.string()), ("reason", pa.string())])
_CHUNK = 8 << 20
_NEWLINE = 10
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_BLANK = np.isin(np.arange(256), list(b" \t\n\r\x0b\x0c"))
_LONGEST_BLANK = 16
# First bytes of files that are no text.
_NO_TEXT = {
    b"PAR1": ("Parquet file", "give its name the suffix .parquet"),
    b"\x1f\x8b": ("gzip file", "give its name the suffix .gz"),
    b"\x28\xb5\x2f\xfd": ("Zstandard file", "give its name the suffix .zst"),
    b"PK\x03\x04": ("zip archive", "unpack it"),
}


def compression_of(path: Path) -> str | None:
    """Compression by file name: `.gz` or `.zst`, else none."""
    return {".gz": "gzip", ".zst": "zstd"}.get(path.suffix.lower())


class LineReader:
    """Batches of (line: 1-based number, raw: text with its line feed); blank lines are left out.

    So are lines that are longer or hold more than a record may: `refused` tells of them. A file that is a JSON array
    has its records for lines. Bytes that are not UTF-8 are kept as backslash escapes. Raises OSError where the
    compression is broken, UnreadableFileError for a broken array, a file that unpacks to more than it may and one that
    is no text; `failure` keeps it, for DuckDB hands on but its words.
    """

    def __init__(self, path: Path) -> None:
        self._refused: list[Refused] = []
        self._batches = _batches(path, self._refused)
        self._lines = 0
        # Whether the last stream ended before the file may have.
        self.more = False
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

    def stream(self, *, in_parts: bool = False) -> pa.RecordBatchReader:
        """The batches for DuckDB, once; `in_parts` ends after some very long lines, and the next stream goes on.

        DuckDB may hold thousands of lines at once, whatever their length.
        """
        return pa.RecordBatchReader.from_batches(SCHEMA, self._next_part() if in_parts else self)

    def _next_part(self) -> Iterator[pa.RecordBatch]:
        heavy, self.more = 0, False
        for batch in self:
            yield batch
            heavy += batch.nbytes if batch.nbytes > batch.num_rows * HEAVY_ROW else 0
            if heavy > HEAVY_PART:
                self.more = True
                return

    @property
    def too_large(self) -> int:
        """How many of the lines read so far are left out because they are too large."""
        return len(self._refused)

    def refused(self) -> pa.RecordBatchReader:
        """The lines that are too large (line, raw, field, reason), for DuckDB: to be read when all others are.

        Of their text only a digest is kept, as `held_text` of redact.sql does it: two of one length stay two.
        """

        def rows() -> Iterator[pa.RecordBatch]:
            told = [
                {"line": line, "raw": f"{size} bytes\x1d{digest}", "reason": why}
                for line, size, digest, why in self._refused
            ]
            yield pa.RecordBatch.from_pylist(told, REFUSED_SCHEMA)

        return pa.RecordBatchReader.from_batches(REFUSED_SCHEMA, rows())

    def count(self) -> int:
        """How many lines the file has, whatever was made of them."""
        for _ in self:
            pass
        return self._lines + self.too_large


def text_blocks(path: Path) -> Iterator[bytes]:
    """The decompressed file in blocks of whole lines, without a byte order mark.

    Every block ends with a line feed, the last one with an added one if the file has none there. Raises
    UnreadableFileError for a line that is too long to be held, and for a file that unpacks to more than it may.
    """
    lines = 0
    for block, length, _ in _blocks(_without_mark(path), LONGEST_CSV_LINE):
        if length:
            raise UnreadableFileError(
                f"line {lines + 1:,} is longer than {LONGEST_CSV_LINE // MEBIBYTE} MiB ({length:,} bytes)"
            )
        yield block
        lines += block.count(b"\n")


def chunks_of(path: Path) -> Iterator[bytes]:
    """The decompressed file in pieces of some MiB.

    Raises OSError where its compression is broken, UnreadableFileError where it unpacks to more than it may or is no
    text.
    """
    packing = compression_of(path)
    with pa.input_stream(str(path), compression=packing) as stream:
        size = 0
        while chunk := stream.read(_CHUNK):
            if not size and not packing:
                _check_text(chunk)
            size += len(chunk)
            if packing:
                check_unpacked(size, path.stat().st_size)
            yield chunk


def _check_text(head: bytes) -> None:
    """Raise UnreadableFileError for a file whose first bytes are those of another kind of file than its name says."""
    for mark, (kind, way_out) in _NO_TEXT.items():
        if head.startswith(mark):
            raise UnreadableFileError(f"it is a {kind} by its first bytes; {way_out}")


def _without_mark(path: Path) -> Iterator[bytes]:
    """The chunks of a file without its byte order mark."""
    chunks = chunks_of(path)
    for chunk in chunks:
        yield chunk.removeprefix(BYTE_ORDER_MARK)
        break
    yield from chunks


def _blocks(chunks: Iterator[bytes], longest: int) -> Iterator[tuple[bytes, int, str]]:
    """Blocks of whole lines, each with length and digest of its first line if that is too long, else 0 and ''.

    Of a line that is too long only the line feed is left.
    """
    rest: list[bytes] = []
    # Of the line that is not yet whole; its beginning is not kept when it is too long already.
    length = 0
    digest = hashlib.md5(usedforsecurity=False)
    for chunk in chunks:
        end = chunk.find(b"\n")
        length += len(chunk) if end < 0 else end
        if length > longest:
            for part in (*rest, chunk if end < 0 else chunk[:end]):
                digest.update(part)
            rest = []
        if end < 0:
            if length <= longest:
                rest.append(chunk)
            continue
        cut = chunk.rfind(b"\n") + 1
        if length > longest:
            yield chunk[end:cut], length, digest.hexdigest()
            digest = hashlib.md5(usedforsecurity=False)
        else:
            yield b"".join([*rest, chunk[:cut]]), 0, ""
        rest, length = [chunk[cut:]], len(chunk) - cut
    if length:
        yield (b"\n", length, digest.hexdigest()) if length > longest else (b"".join([*rest, b"\n"]), 0, "")


def _batches(path: Path, refused: list[Refused]) -> Iterator[pa.RecordBatch]:
    """The lines that can be read; those that cannot are added to `refused`."""
    chunks = _without_mark(path)
    head = next(chunks, b"")
    chunks = chain([head], chunks)
    first = 1
    if begins_array(head):
        for whole, offsets in array_records(chunks):
            yield _without(_batch(whole, offsets, first), None, _too_large(whole, offsets, first, "record", refused))
            first += len(offsets) - 1
        return
    for whole, length, digest in _blocks(chunks, LONGEST_RECORD):
        if length:
            refused.append((first, length, digest, too_long("line", length)))
        data = np.frombuffer(whole, np.uint8)
        offsets = np.append(0, np.flatnonzero(data == _NEWLINE) + 1)
        large = _too_large(whole, offsets, first, "line", refused)
        yield _without(_batch(whole, offsets, first), _blank_lines(data, offsets), large)
        # Blank lines are left out of the batch, but they are lines.
        first += len(offsets) - 1


def _without(batch: pa.RecordBatch, blank: np.ndarray | None, large: list[int]) -> pa.RecordBatch:
    """The batch without lines that are blank or too large."""
    if blank is None and not large:
        return batch
    keep = np.ones(batch.num_rows, np.bool_) if blank is None else ~blank
    keep[large] = False
    return batch.filter(pa.array(keep))


def _too_large(whole: bytes, offsets: np.ndarray, first: int, what: str, refused: list[Refused]) -> list[int]:
    """Positions of texts that are too long or hold too much to be parsed; they are added to `refused`."""
    found = []
    for at in np.flatnonzero(np.diff(offsets) > LARGE_RECORD).tolist():
        begin, end = int(offsets[at]), int(offsets[at + 1])
        values = sum(whole.count(mark, begin, end) for mark in (b"[", b"{", b":", b","))
        if end - begin > LONGEST_RECORD + 1:
            reason = too_long(what, end - begin)
        elif values > MOST_VALUES:
            reason = too_full(what, values)
        else:
            continue
        found.append(at)
        digest = hashlib.md5(whole[begin:end], usedforsecurity=False).hexdigest()
        refused.append((first + at, end - begin, digest, reason))
    return found


def _batch(whole: bytes, offsets: np.ndarray, first: int) -> pa.RecordBatch:
    """The texts between the offsets, without copying them one by one."""
    count = len(offsets) - 1
    binary = pa.Array.from_buffers(pa.large_binary(), count, [None, pa.py_buffer(offsets), pa.py_buffer(whole)])
    try:
        raw = binary.cast(pa.large_string()).cast(pa.string())
    except pa.ArrowInvalid:
        raw = pa.array([text.as_py().decode("utf-8", "backslashreplace") for text in binary], pa.string())
    return pa.record_batch([pa.array(np.arange(first, first + count)), raw], schema=SCHEMA)


def _blank_lines(data: np.ndarray, offsets: np.ndarray) -> np.ndarray | None:
    """Which lines hold nothing but white space, None where none does; only short lines are looked at."""
    short = np.diff(offsets) <= _LONGEST_BLANK
    if not short.any():
        return None
    return short & np.logical_and.reduceat(_BLANK[data], offsets[:-1])
