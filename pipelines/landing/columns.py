"""Reads JSON lines straight into columns: the quick way for records in which nothing is wrong.

DuckDB's own reader is several times faster than taking lines apart one by one, but it tells neither lines nor
reasons. So whatever it does not read as the slow way would, and every record that is refused, is left for `readers.py`:
what a record becomes never depends on the way. Only formats say so that map each record by itself (`by_record`).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from pipelines.landing.formats import contract_shape
from pipelines.landing.json_array import begins_array
from pipelines.landing.limits import LARGE_RECORD
from pipelines.landing.lines import BYTE_ORDER_MARK, chunks_of
from pipelines.landing.readers import file_type_of
from pipelines.sql import identifier, literal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import duckdb

    from pipelines.landing.formats import Format

_NEWLINE, _SPACE = 10, 32


def can_be_columns(path: Path, fmt: Format) -> bool:
    """Whether a file's records may be read so: each by itself, and no list may be written as text."""
    lists = isinstance(fmt.shape, dict) and any(isinstance(shape, list) for shape in fmt.shape.values())
    return fmt.by_record and (file_type_of(path) or "jsonl") == "jsonl" and not (lists and "csv" in fmt.file_types)


def plain_lines(path: Path) -> int | None:
    """How many lines a file has, counted in its bytes; None where lines and records can differ.

    They can where a line is blank, begins with white space or is so long that it is looked at first, where the file
    is a JSON array, or where it begins with a byte order mark. Raises OSError where the file's compression is broken,
    UnreadableFileError where it unpacks to more than it may or is no text.
    """
    lines, last, length = 0, _NEWLINE, 0
    for chunk in chunks_of(path):
        if last == _NEWLINE and not lines and (chunk.startswith(BYTE_ORDER_MARK) or begins_array(chunk)):
            return None
        codes = np.frombuffer(chunk, np.uint8)
        ends = np.flatnonzero(codes == _NEWLINE)
        begins = ends[:-1] if len(ends) and ends[-1] == len(codes) - 1 else ends
        if (codes[begins + 1] <= _SPACE).any() or (last == _NEWLINE and codes[0] <= _SPACE):
            return None
        # A chunk is shorter than that, so only a line over several can be too long.
        if length + (int(ends[0]) if len(ends) else len(codes)) > LARGE_RECORD:
            return None
        length = len(codes) - 1 - int(ends[-1]) if len(ends) else length + len(codes)
        lines, last = lines + len(ends), int(codes[-1])
    return lines if last == _NEWLINE else lines + 1


def open_columns(con: duckdb.DuckDBPyConnection, paths: Sequence[Path], fmt: Format, *, kept: bool) -> None:
    """Define the temporary view `records` over what can be read straight into columns; the text of each is null.

    Lines are numbered through all the files. Those that are no object, and those in which an object is written as text,
    are not in the view. `kept` reads once, into memory, so that what is made of it can be worked on by several
    threads: numbering lines is for one.
    """
    shape = _shape(fmt)
    columns = ", ".join(f"{literal(name)}: {literal(_type_of(below))}" for name, below in shape.items())
    con.execute(f"""
        create or replace temp view landed_columns as
        select row_number() over () as line, *
        from read_json([{", ".join(map(literal, paths))}], format = 'newline_delimited', ignore_errors = true,
            columns = {{{columns}}}, filename = 'landed_file')""")
    if kept:
        con.execute("create or replace temp table kept_columns as select * exclude (landed_file) from landed_columns")
    something = " or ".join(f"{identifier(name)} is not null" for name in shape)
    # Text where an object should be gives one of nothing but nulls.
    objects = [name for name, below in shape.items() if isinstance(below, dict)] if "csv" in fmt.file_types else []
    told = "".join(f" and {identifier(name)} is distinct from {_nothing(shape[name])}" for name in objects)
    packed = ", ".join(f"{identifier(name)} := {identifier(name)}" for name in shape)
    con.execute(f"""
        create or replace temp view records as
        select line, null::varchar as raw, struct_pack({packed}) as doc
        from {"kept_columns" if kept else "landed_columns"}
        where ({something}){told}""")


def counts_in_order(con: duckdb.DuckDBPyConnection) -> list[tuple[str, int]]:
    """File and number of records of each open file as DuckDB's reader finds them, in the order of their numbers."""
    return con.execute("""
        select landed_file, count(*) from landed_columns group by landed_file order by min(line)""").fetchall()


def _shape(fmt: Format) -> dict[str, Any]:
    if isinstance(fmt.shape, dict):
        return fmt.shape
    if fmt.shape != "contract":
        raise TypeError(fmt.shape)
    return contract_shape()


def _type_of(shape: Any) -> str:
    if isinstance(shape, list):
        return f"{_type_of(shape[0])}[]"
    if isinstance(shape, dict):
        return f"STRUCT({', '.join(f'{identifier(name)} {_type_of(below)}' for name, below in shape.items())})"
    return str(shape)


def _nothing(shape: Any) -> str:
    """An object of a shape in which nothing is said."""
    return f"cast(from_json('{{}}', {literal(json.dumps(shape))}) as {_type_of(shape)})"
