"""Files that are being written while a run looks at them: what of them is whole is read, the rest is left.

A log that grows is known by its content, so a part of it is a file like any other, and what comes later is new content
in which the earlier records are duplicates. Only an end that is torn must not be read: a file that changed within
`[landing] quiet_seconds` and ends in the middle of something is waited for, once a run. If it still changes then, its
whole lines are taken from a copy where it is plain text, and it is left for the next run otherwise. A writer may pause
for longer within a line of JSON: for ten minutes such a line is left.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from pipelines.errors import MeterhouseError
from pipelines.landing.discover import content_digest
from pipelines.landing.json_array import begins_array
from pipelines.landing.limits import LONGEST_RECORD
from pipelines.landing.lines import BYTE_ORDER_MARK, compression_of
from pipelines.landing.readers import file_type_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pipelines.home import Home
    from pipelines.landing.discover import LandedFile
    from pipelines.landing.new_files import NewFile

_HEAD, _TAIL = 1 << 10, 1 << 20
_CHUNK = 8 << 20
_PARTS = "growing"
_UNENDED_SECONDS = 600


class FilesChangedError(MeterhouseError):
    """Files, by their number, that were written while they were read."""

    def __init__(self, numbers: list[int], file: Path) -> None:
        self.numbers = numbers
        super().__init__(
            "it changed while it was being read.",
            file=file,
            way_out="Nothing of it was kept. Write a file under a name that ends in .part, rename it when it is "
            "complete, and try again.",
        )


def wait_until_quiet(new: list[NewFile], seconds: float) -> tuple[list[NewFile], list[NewFile]]:
    """Files that may be read, and those that are being written: changed lately, torn at the end, still changing."""
    longest = max(seconds, _UNENDED_SECONDS) if seconds else 0
    torn = [file for file in new if _age(file.landed) < longest and not ends_whole(file.landed.path)]
    fresh = [file for file in torn if _age(file.landed) < seconds]
    if fresh:
        pause(min(seconds, max(seconds - _age(file.landed) for file in fresh)))
    growing = [file for file in torn if has_changed(file.landed) or _ends_within_json(file.landed.path)]
    return [file for file in new if file not in growing], growing


def pause(seconds: float) -> None:
    """Wait; a function of its own for tests."""
    time.sleep(seconds)


def require_unchanged(new: list[NewFile]) -> None:
    """Raise FilesChangedError where a file is no longer what it was when it was found."""
    changed = [number for number, file in enumerate(new) if has_changed(file.landed)]
    if changed:
        raise FilesChangedError(changed, new[changed[0]].landed.path)


def has_changed(landed: LandedFile) -> bool:
    """Whether a file has another size or time than when it was found, or is gone."""
    try:
        stat = landed.path.stat()
    except OSError:
        return True
    return (stat.st_size, stat.st_mtime_ns) != (landed.size, landed.mtime_ns)


def whole_parts(home: Home, files: Iterable[NewFile]) -> list[NewFile]:
    """Copies of the whole lines of plain text files, each under its file's name; others are left out."""
    return [part for file in files if (part := part_of(home, file))]


def part_of(home: Home, file: NewFile, size: int | None = None) -> NewFile | None:
    """A copy of the first `size` bytes of a plain text file, or of all its whole lines; None where it has none."""
    landed = file.landed
    if not _has_lines(landed.path):
        return None
    home.make_work()
    (home.work / _PARTS).mkdir(exist_ok=True)
    copy = Path(tempfile.mkdtemp(dir=home.work / _PARTS)) / landed.path.name
    try:
        copied = _copy_lines(landed.path, copy, size)
    except FileNotFoundError:
        return None
    if not copied or (size is not None and copied != size):
        return None
    stat = copy.stat()
    part = replace(landed, path=copy, size=stat.st_size, mtime_ns=stat.st_mtime_ns)
    return replace(file, landed=part, digest=content_digest(copy))


def up_to_line_end(part: NewFile, whole: Path) -> NewFile:
    """A copy of the beginning of a file, with the rest of the line that it ends within; known as it was."""
    size = part.landed.path.stat().st_size
    if _last(part.landed.path, 1) == b"\n":
        return part
    with whole.open("rb") as source, part.landed.path.open("ab") as copy:
        source.seek(size)
        while chunk := source.readline(_CHUNK):
            copy.write(chunk)
            if chunk.endswith(b"\n"):
                break
    stat = part.landed.path.stat()
    return replace(part, landed=replace(part.landed, size=stat.st_size, mtime_ns=stat.st_mtime_ns))


def _has_lines(path: Path) -> bool:
    """Whether a part of a file up to a line feed is a file of the same kind."""
    try:
        return (file_type_of(path) or "jsonl") != "parquet" and not compression_of(path) and not _is_array(path)
    except OSError:
        return False


@contextmanager
def copies(home: Home) -> Iterator[None]:
    """A block at the end of which the copies that were made are removed, and those of a run that was killed."""
    try:
        yield
    finally:
        shutil.rmtree(home.work / _PARTS, ignore_errors=True)


def ends_whole(path: Path) -> bool:
    """Whether a file ends where a writer may have stopped: after a line, a record, an array, a stream, a footer."""
    try:
        if (file_type_of(path) or "jsonl") == "parquet":
            return _last(path, 4) == b"PAR1"
        if compression_of(path):
            return _is_whole_stream(path)
        tail = _last(path, _TAIL)
        if _is_array(path):
            return tail.rstrip().endswith(b"]")
    except OSError:
        return False
    if tail and b"\n" not in tail:
        tail = _last(path, LONGEST_RECORD)
    return not tail or tail.endswith(b"\n") or _is_json(tail.rsplit(b"\n", 1)[-1])


def _ends_within_json(path: Path) -> bool:
    """Whether a plain file of JSON lines ends within a record."""
    try:
        if (file_type_of(path) or "jsonl") != "jsonl" or not _has_lines(path) or ends_whole(path):
            return False
        last = _last(path, LONGEST_RECORD).rsplit(b"\n", 1)[-1]
    except OSError:
        return False
    return last.removeprefix(BYTE_ORDER_MARK).lstrip().startswith(b"{")


def _is_json(text: bytes) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _is_array(path: Path) -> bool:
    with path.open("rb") as file:
        return begins_array(file.read(_HEAD).removeprefix(BYTE_ORDER_MARK))


def _is_whole_stream(path: Path) -> bool:
    with pa.input_stream(str(path), compression=compression_of(path)) as stream:
        while stream.read(_CHUNK):
            pass
    return True


def _last(path: Path, size: int) -> bytes:
    with path.open("rb") as file:
        file.seek(max(path.stat().st_size - size, 0))
        return file.read()


def _copy_lines(path: Path, copy: Path, most: int | None) -> int:
    """Copy a file up to its last line feed, or so many bytes of it; returns how many bytes that is."""
    size, left = 0, sys.maxsize if most is None else most
    with path.open("rb") as source, copy.open("wb") as target:
        while chunk := source.read(min(_CHUNK, left)):
            left -= len(chunk)
            target.write(chunk)
            cut = chunk.rfind(b"\n")
            size = target.tell() - len(chunk) + cut + 1 if cut >= 0 else size
        size = target.tell() if most is not None else size
        target.truncate(size)
    return size


def _age(landed: LandedFile) -> float:
    """Seconds since the last change, by our clock."""
    return time.time() - landed.mtime_ns / 1e9
