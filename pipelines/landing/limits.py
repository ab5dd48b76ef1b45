"""How much one file may ask of the machine: every limit of the readers, and what is said where one is passed.

They are far beyond any log, and there so that a file made to harm, or broken, ends as a quarantined record and not as
a run that never ends. What a single value may be belongs in `contract.py`.
"""

from __future__ import annotations

from pipelines.landing.failures import UnreadableFileError

MEBIBYTE = 1 << 20
# A line of JSON, a record of an array, a row of CSV.
LONGEST_RECORD = 64 * MEBIBYTE
# A record longer than this is looked at before it is parsed: of so many values a parser needs hundreds of MiB.
LARGE_RECORD = 8 * MEBIBYTE
MOST_VALUES = 2_000_000
# DuckDB works on 2,048 rows of a table at a time, and needs several times what they hold. Where lines or rows longer
# than the first hold more than the second, they are read in parts; where that cannot be, up to the third is taken.
HEAVY_ROW = MEBIBYTE >> 6
HEAVY_PART = 32 * MEBIBYTE
MOST_AT_ONCE = 128 * MEBIBYTE
# A column of a Parquet file is unpacked by the page, of which there may be but one.
FREE_COLUMN = 128 * MEBIBYTE
# A CSV file with a line longer than this cannot be told into rows at all.
LONGEST_CSV_LINE = 2 * LONGEST_RECORD
MOST_COLUMNS = 2_000
MOST_CSV_ROWS = 100_000_000
# Logs pack to a tenth or a thirtieth, at the very best to a hundredth. Beyond the first of these sizes a file may not
# unpack to more than so many times its own, and none to more than the second.
FREE_BYTES = 1 << 30
MOST_TIMES = 250
MOST_BYTES = 1 << 38
# A row that differs from the one before takes more than a tenth of a byte in any Parquet file; so does a list's value.
FREE_ROWS = 10_000_000
MOST_ROWS_A_BYTE = 10

# What is kept of a refused record's text, beyond which an ellipsis stands: so many tokens (names, values, marks) of
# JSON, characters of what is no JSON, where the beginning is enough to find it by; and texts that its format reads.
MOST_TOKENS = 3_000
MOST_BROKEN = 2_000
MOST_PAIRS = 1_000


def check_unpacked(size: int, packed: int) -> None:
    """Raise UnreadableFileError where `packed` bytes unpack to `size`, and that is more than they may."""
    most = min(max(FREE_BYTES, packed * MOST_TIMES), MOST_BYTES)
    if size > most:
        raise UnreadableFileError(
            f"its {packed:,} bytes unpack to more than {most // MEBIBYTE:,} MiB, as no log's do: nothing was "
            "taken from it; if it is one, unpack it, split it and land the parts"
        )


def too_long(what: str, length: int) -> str:
    """The reason with which a record is refused for its length in bytes."""
    return f"the {what} is longer than {LONGEST_RECORD // MEBIBYTE} MiB ({length:,} bytes)"


def too_full(what: str, values: int) -> str:
    """The reason with which a record is refused for what it holds."""
    return f"the {what} holds more than {MOST_VALUES:,} values ({values:,} brackets, colons and commas)"


def check_columns(count: int) -> None:
    """Raise UnreadableFileError for a table with more columns than any log has."""
    if count > MOST_COLUMNS:
        raise UnreadableFileError(
            f"it has {count:,} columns, more than the {MOST_COLUMNS:,} that are read; leave out those that no mapping "
            "names"
        )


def check_rows(rows: int, size: int) -> None:
    """Raise UnreadableFileError for a Parquet file of so many rows in so few bytes that they must all be alike."""
    if rows > max(FREE_ROWS, size * MOST_ROWS_A_BYTE):
        raise UnreadableFileError(
            f"it says that its {size:,} bytes hold {rows:,} rows, as no log's do: nothing was taken from it; "
            "if it is one, split it and land the parts"
        )


def check_values(values: int, size: int) -> None:
    """Raise UnreadableFileError for lists of so many values in so few bytes that they must all be alike."""
    if values > max(FREE_ROWS, size * MOST_ROWS_A_BYTE):
        raise UnreadableFileError(
            f"it says that its {size:,} bytes hold lists of {values:,} values, as no log's do; leave out the columns "
            "of lists that no mapping names"
        )


def check_column(name: str, size: int, packed: int) -> None:
    """Raise UnreadableFileError where a part of a Parquet column unpacks to more than it may."""
    if size > max(FREE_COLUMN, packed * MOST_TIMES):
        raise UnreadableFileError(
            f"of its column {name!r} {packed:,} bytes unpack to {size // MEBIBYTE:,} MiB, as no log's do; leave the "
            "column out if no mapping names it, or land JSON lines"
        )


def check_heavy(size: int) -> None:
    """Raise UnreadableFileError where rows that can only be read together hold more than they may."""
    if size > MOST_AT_ONCE:
        raise UnreadableFileError(
            f"2,048 of its rows hold {size // MEBIBYTE:,} MiB, and its format reads no more than "
            f"{MOST_AT_ONCE // MEBIBYTE} MiB of them at once; leave out the columns of long texts that no mapping names"
        )
