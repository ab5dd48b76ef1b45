"""Says what a person can do when the disk or a permission stopped a run, in the system's own words or DuckDB's.

What it means for a landed file that could not be read belongs in `landing/failures.py`.
"""

from __future__ import annotations

import errno
import os
import re

import duckdb

from pipelines.errors import MeterhouseError

_WAYS_OUT = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), "Make room on the disk, and run again."),
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), "Let this user read and write the home, and run again."),
    errno.EIO: "See to the disk, and run again.",
    **dict.fromkeys((errno.EMFILE, errno.ENFILE), "Allow more open files (ulimit -n), and run again."),
}
_NUMBERS = {os.strerror(number): number for number in _WAYS_OUT}
_FILE = re.compile(r'file "([^"]+)"')


def fault_in(text: str) -> str | None:
    """The system's words for such a fault, where a text has them."""
    return next((words for words in _NUMBERS if words in text), None)


def machine_error(error: BaseException) -> MeterhouseError | None:
    """The error to show instead of one of the system or of DuckDB; None where the machine is not to blame."""
    if isinstance(error, OSError):
        number, file = error.errno, error.filename2 or error.filename
    elif isinstance(error, duckdb.Error) and (words := fault_in(str(error))):
        named = _FILE.search(str(error))
        number, file = _NUMBERS[words], named[1] if named else None
    else:
        return None
    if number not in _WAYS_OUT:
        return None
    return MeterhouseError(
        f"{os.strerror(number)}.",
        file=None if file is None else os.fsdecode(file),
        way_out=f"{_WAYS_OUT[number]} What stood before still stands.",
    )
