"""What must hold of the readers for any bytes: each check takes them and raises AssertionError where it does not.

The references here are slow and plain. Hypothesis (`test_readers.py`) and atheris (`harness.py`) call the same checks.
"""

from __future__ import annotations

import json
import shutil
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from pipelines.landing import lines
from pipelines.landing.csv_rows import CsvRows, find_rows
from pipelines.landing.failures import UnreadableFileError
from pipelines.landing.ingest import ingest
from pipelines.landing.json_array import array_records, begins_array
from pipelines.landing.lines import BYTE_ORDER_MARK, LineReader
from pipelines.settings import Settings, Source
from tests.landing.homes import drop, entries, make_home

if TYPE_CHECKING:
    from pathlib import Path

CHUNKS = (1, 2, 3, 7, 64, 8 << 20)
_SPACE = b" \t\n\r\x0b\x0c"


def check_lines(folder: Path, content: bytes, chunk: int) -> None:
    """Every line is there with its number, but blank ones; and as many are counted."""
    path = folder / "a.jsonl"
    path.write_bytes(content)
    # A mark is looked for in the first chunk alone.
    if chunk >= len(BYTE_ORDER_MARK):
        content = content.removeprefix(BYTE_ORDER_MARK)
    if begins_array(content[: max(chunk, 1)]):
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "_CHUNK", chunk)
        reader = LineReader(path)
        try:
            got = [pair for batch in reader for pair in zip(*batch.to_pydict().values(), strict=True)]
        except UnreadableFileError:
            # Of a file that is no text nothing is a line.
            assert content.startswith(tuple(lines._NO_TEXT))
            return
    whole = content if content.endswith(b"\n") or not content else content + b"\n"
    expected = [
        (number, line.decode("utf-8", "backslashreplace"))
        for number, line in enumerate(_lines(whole), 1)
        if len(line) > 16 or line.strip(_SPACE)
    ]
    assert got == expected
    assert reader.count() == len(expected)


def _lines(whole: bytes) -> list[bytes]:
    return [line + b"\n" for line in whole.split(b"\n")[:-1]]


def check_array(content: bytes, chunk: int) -> None:
    """An array is taken apart as a JSON parser does it, whatever the chunks; what is no array is refused."""
    if not begins_array(content):
        return
    got = _records(content, chunk)
    assert got == _records(content, len(content) or 1)
    try:
        parsed = json.loads(content.decode())
    except (ValueError, RecursionError):
        return
    if all(isinstance(record, dict) for record in parsed):
        assert got is not None
        assert [json.loads(text) for text in got] == parsed
    else:
        assert got is None


def _records(content: bytes, chunk: int) -> list[bytes] | None:
    """Texts of the records, None where the array is refused."""
    found = []
    try:
        for whole, places in array_records(content[n : n + chunk] for n in range(0, len(content), chunk)):
            found += [whole[a:b] for a, b in pairwise(places.tolist())]
    except UnreadableFileError:
        return None
    return found


def check_csv(folder: Path, content: bytes, chunk: int) -> None:
    """Rows begin where a slow reader finds them, whatever the chunks."""
    path = folder / "a.csv"
    path.write_bytes(content)
    got = _rows(path, chunk)
    whole = _rows(path, 8 << 20)
    if got is None or whole is None:
        # A header that does not end in one chunk is looked at in that one alone.
        return
    assert (got.names, got.delimiter, got.header) == (whole.names, whole.delimiter, whole.header)
    assert got.lines.tolist() == whole.lines.tolist()
    assert got.blank.tolist() == whole.blank.tolist()
    assert got.unclosed == whole.unclosed
    starts, closed = _slow_rows(content.removeprefix(BYTE_ORDER_MARK), got.delimiter.encode())
    assert got.lines.tolist() == starts
    assert (got.unclosed is None) == closed


def _rows(path: Path, chunk: int) -> CsvRows | None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "_CHUNK", chunk)
        try:
            return find_rows(path)
        except UnreadableFileError:
            return None


def _slow_rows(content: bytes, delimiter: bytes) -> tuple[list[int], bool]:
    """The line on which each row begins, byte by byte, and whether the last quote is closed."""
    if content and not content.endswith(b"\n"):
        content += b"\n"
    line, starts, inside, fresh, at = 1, [1], False, True, 0
    while at < len(content):
        byte = content[at : at + 1]
        if inside:
            if byte == b'"':
                if content[at + 1 : at + 2] == b'"':
                    at += 1
                else:
                    inside = False
        elif byte == b'"' and fresh:
            inside = True
        line += byte == b"\n"
        if byte == b"\n" and not inside:
            starts.append(line)
        fresh = not inside and byte in (delimiter, b"\n", b"\r")
        at += 1
    return (starts if inside else starts[:-1]), not inside


def check_home(folder: Path, content: bytes, name: str, log_format: str) -> None:
    """A file of these bytes lands without an error, and every record of it is accounted for."""
    shutil.rmtree(folder / "home", ignore_errors=True)
    home = make_home(folder / "home")
    drop(home, f"g/{name}", content)
    ingest(home, Settings(sources=(Source(name="g", format=log_format),)))
    for entry in entries(home):
        parts = ("accepted", "duplicates", "amendments", "quarantined", "dropped")
        assert entry["records_read"] == sum(entry[p] for p in parts), entry
