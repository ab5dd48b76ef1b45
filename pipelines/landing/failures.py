"""Tells a file that can never be read from a machine that could not read it just now.

The first is quarantined as a whole; the second fails the run, so that nothing is committed and the
next run reads the file. What is wrong with single records belongs in `normalise.py`.
"""

from __future__ import annotations

import errno
import os
import re
from typing import TYPE_CHECKING

import duckdb

from pipelines.errors import MeterhouseError

if TYPE_CHECKING:
    from pathlib import Path

_MACHINE = tuple(
    os.strerror(number)
    for number in (
        errno.EACCES, errno.EAGAIN, errno.EBUSY, errno.EDQUOT, errno.EFBIG, errno.EINTR, errno.EIO, errno.EMFILE,
        errno.ENFILE, errno.ENODEV, errno.ENOENT, errno.ENOMEM, errno.ENOSPC, errno.ENOTCONN, errno.EPERM,
        errno.EROFS, errno.ESTALE, errno.ETIMEDOUT,
    )
)  # fmt: skip
# What DuckDB says, with or without the system's own words, when it cannot open, read or spill.
_DUCKDB = re.compile(
    r"No files found that match"
    r"|(Cannot|Could not|Failed to) (open|read(?! enough bytes)|write|seek|truncate|sync|create)"
    r"|temporary (file|directory)|max_temp_directory_size|offload data block",
    re.IGNORECASE,
)
# What the readers of compressed files say.
_DAMAGED = re.compile(r"inflate|[dD]ecompress|ompressed stream|zstd|ZSTD|LZ4|BZ2")
_NUMBERED = re.compile(r"\[errno \d+\]", re.IGNORECASE)


class UnreadableFileError(Exception):
    """The content of a file cannot be read as its source says; `field` is the column it is about."""

    def __init__(self, reason: str, *, field: str | None = None) -> None:
        self.field = field
        super().__init__(reason)


class TooLargeError(MeterhouseError):
    """A file that could not be read in the memory there is; what is read beside it may have taken its share."""

    def __init__(self, path: Path, cause: str) -> None:
        self.path = path
        super().__init__(
            f"reading it takes more memory than there is: {cause}.",
            file=path,
            way_out="It is left where it is, and nothing of it was kept. Raise METERHOUSE_MEMORY_LIMIT or split the "
            "file, and run again.",
        )


def is_machine_failure(error: Exception) -> bool:
    """Whether the machine (disk, permission, open files, memory) failed, not the file's content.

    Arrow reports a cut-off or damaged stream as an OSError without a number; the system's errors
    have one, which DuckDB keeps only as text when it reads through Arrow.
    """
    if isinstance(error, UnreadableFileError):
        return False
    if isinstance(error, duckdb.OutOfMemoryException | MemoryError):
        return True
    if isinstance(error, OSError) and error.errno is not None:
        return True
    text = str(error)
    if _NUMBERED.search(text) or any(words in text for words in _MACHINE):
        return True
    return isinstance(error, duckdb.IOException) and _DUCKDB.search(text) is not None


def machine_failure(error: Exception, file: Path) -> MeterhouseError:
    """The error that is raised when a file could not be read just now: TooLargeError where memory was too small."""
    cause = str(error).strip().split("\n", 1)[0].rstrip(".")
    # DuckDB says so too where the disk is full to which it spills.
    if isinstance(error, duckdb.OutOfMemoryException | MemoryError) and not _DUCKDB.search(cause):
        return TooLargeError(file, cause)
    return MeterhouseError(
        f"it could not be read just now: {cause}.",
        file=file,
        way_out="Nothing of this run was kept. See to the disk, memory or permission and run again.",
    )


def first_cause(error: Exception, path: Path, name: str) -> str:
    """The first line of a reading error without what DuckDB and Python put around it; of damage, with a way out."""
    line = str(error).splitlines()[0].split(" Detail:")[0]
    line = re.sub(r"^.*?reading the stream registered as '\w+' failed: (Unknown error: )?", "", line)
    line = line.replace(str(path), name)
    if _DAMAGED.search(line):
        line += "; it is cut off or damaged, or its name promises another compression: land it anew"
    return line
