"""Stages many files in one statement: what is in order straight from columns, the few other lines one by one.

A statement over the contract takes a tenth of a second to plan, whatever it reads. Files of which this makes nothing
are left for `staging.py`. How files are read as columns belongs in `columns.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.landing.columns import can_be_columns, counts_in_order, open_columns, plain_lines
from pipelines.landing.failures import UnreadableFileError, is_machine_failure, machine_failure
from pipelines.landing.formats import load_formats
from pipelines.landing.limits import HEAVY_PART
from pipelines.landing.lines import SCHEMA, LineReader
from pipelines.landing.normalise import stage_file
from pipelines.landing.readers import define_constants, define_records

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipelines.landing.new_files import NewFile

# Enough for planning not to count, little enough for progress to show and for every thread to have some.
_BATCH_BYTES = 256 << 20
_BATCH_FILES = 64
# Of a batch in which more lines than this are not in order, every line is read the slow way.
_MOST_LEFT = 10_000


@dataclass(slots=True)
class Batch:
    """Files of one source, by number, and whether they may be read as columns.

    Afterwards, how many records each has of those that are staged.
    """

    files: list[int]
    quick: bool
    lines: dict[int, int] = field(default_factory=dict)


def batches(new: list[NewFile], threads: int) -> Iterator[Batch]:
    """The files in batches of one source each, at least one a thread where there are as many files."""
    size = sum(file.landed.size for file in new)
    most = min(_BATCH_BYTES, size // threads + 1)
    by_source: dict[tuple[str, bool], list[int]] = {}
    for number, file in enumerate(new):
        quick = can_be_columns(file.landed.path, load_formats()[file.landed.source.format])
        by_source.setdefault((file.landed.source.name, quick), []).append(number)
    for (_, quick), numbers in by_source.items():
        batch: list[int] = []
        taken = 0
        for number in numbers:
            if batch and (not quick or taken + new[number].landed.size > most or len(batch) == _BATCH_FILES):
                yield Batch(batch, quick)
                batch, taken = [], 0
            batch.append(number)
            taken += new[number].landed.size
        yield Batch(batch, quick)


def stage_batch(
    con: duckdb.DuckDBPyConnection, batch: Batch, new: list[NewFile], received_at: str, *, kept: bool
) -> None:
    """Stage the files of a batch that can be read as columns; where anything fails, none of them."""
    if not batch.quick:
        return
    source = new[batch.files[0]].landed.source
    fmt = load_formats()[source.format]
    paths = [new[number].landed.path for number in batch.files]
    path = paths[0]
    try:
        for number in batch.files:
            path = new[number].landed.path
            if lines := plain_lines(path):
                batch.lines[number] = lines
        if not batch.lines:
            return
        define_constants(con, source)
        open_columns(con, [new[number].landed.path for number in batch.lines], fmt, kept=kept)
        place = _place(batch)
        stage_file(con, fmt.sql(), place=place, source=source, received_at=received_at, refused_too=False)
        left = _lines_left(con, batch)
        if not left:
            return
        # Lines are numbered by what DuckDB read: where that is not line by line, the numbers are not these.
        expected = [(str(new[number].landed.path), lines) for number, lines in batch.lines.items()]
        in_order = len(left) <= _MOST_LEFT and counts_in_order(con) == expected
        texts = _texts(batch, new, left) if in_order else None
        if texts is None:
            _undo(con, batch)
            return
        con.register("landed_lines", texts)
        define_records(con, fmt, source)
        stage_file(con, fmt.sql(), place=place, source=source, received_at=received_at)
    except (duckdb.Error, OSError, UnreadableFileError) as error:
        if is_machine_failure(error):
            named = (p for p in paths if str(p) in str(error))
            raise machine_failure(error, next(named, path)) from error
        _undo(con, batch)
    finally:
        con.execute("drop table if exists temp.kept_columns")


def _place(batch: Batch) -> str:
    """File number and line in the file, of a line numbered through the batch."""
    begins = _begins(batch)
    parts = [f"when line > {begin} then " for begin in reversed(begins)]
    file = " ".join(part + str(number) for part, number in zip(parts, reversed(batch.lines), strict=True))
    before = " ".join(part + str(begin) for part, begin in zip(parts, reversed(begins), strict=True))
    return f"case {file} end, line - case {before} end"


def _begins(batch: Batch) -> list[int]:
    """How many lines of the batch come before each file."""
    return [0, *accumulate(batch.lines.values())][:-1]


def _lines_left(con: duckdb.DuckDBPyConnection, batch: Batch) -> list[int]:
    """Numbers, through the batch, of the lines that are not staged: all, or one more than may be left."""
    files = ", ".join(f"({number}, {begin})" for number, begin in zip(batch.lines, _begins(batch), strict=True))
    rows = con.execute(f"""
        select range as line from range(1, {sum(batch.lines.values()) + 1}) anti join (
            select staged.line + files.before as range
            from staged inner join (values {files}) as files (file_no, before) using (file_no)
        ) using (range)
        order by line
        limit {_MOST_LEFT + 1}""").fetchall()
    return [line for (line,) in rows]


def _texts(batch: Batch, new: list[NewFile], left: list[int]) -> pa.Table | None:
    """These lines with their texts, numbered through the batch; None where they hold more than is read at once."""
    numbers = np.array(left)
    found, held = [], 0
    for number, begin in zip(batch.lines, _begins(batch), strict=True):
        here = numbers[(numbers > begin) & (numbers <= begin + batch.lines[number])] - begin
        if not len(here):
            continue
        for part in LineReader(new[number].landed.path):
            chosen = part.filter(pa.array(np.isin(part["line"].to_numpy(), here)))
            held += chosen.nbytes
            # The slow way reads long lines in parts.
            if held > HEAVY_PART:
                return None
            found.append(chosen.set_column(0, SCHEMA.field(0), pc.add(chosen["line"], begin)))
    return pa.Table.from_batches(found, SCHEMA)


def _undo(con: duckdb.DuckDBPyConnection, batch: Batch) -> None:
    if batch.lines:
        con.execute(f"delete from staged where file_no in ({', '.join(map(str, batch.lines))})")
    batch.lines = {}
