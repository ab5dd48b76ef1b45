"""Opens one landed file as the relation `records(line, raw, doc)` that format mappings select from.

`doc` is a struct of text fields in the format's shape, null where the record could not be read.
Which fields mean what belongs in `formats/`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import duckdb

from pipelines.landing.csv_records import load_csv
from pipelines.landing.csv_rows import ROW, find_rows
from pipelines.landing.failures import UnreadableFileError
from pipelines.landing.fields import fields_of
from pipelines.landing.formats import Format, contract_shape
from pipelines.landing.limits import FREE_COLUMN, check_column, check_columns, check_rows, check_unpacked, check_values
from pipelines.landing.lines import LineReader
from pipelines.landing.parquet_parts import parquet_parts
from pipelines.sql import identifier, literal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipelines.settings import Source

FileType = Literal["jsonl", "csv", "parquet"]
_SUFFIXES: dict[str, FileType] = {
    ".jsonl": "jsonl", ".json": "jsonl", ".ndjson": "jsonl", ".log": "jsonl",
    ".csv": "csv", ".tsv": "csv", ".parquet": "parquet", ".pq": "parquet",
}  # fmt: skip
# The number of no row.
_EVERY = 1 << 62
_NAME = re.compile(r"(?!.*\d{5}|.*\w{24})[^\W\d][\w.-]*( [\w.-]+){0,2}")


def file_type_of(path: Path) -> FileType | None:
    """Kind of file by its name, compression suffix apart."""
    suffixes = [s.lower() for s in path.suffixes if s.lower() not in {".gz", ".zst"}]
    return _SUFFIXES.get(suffixes[-1]) if suffixes else None


@dataclass(frozen=True, slots=True)
class OpenFile:
    """A file that is open as `records`, and how many it holds: counted apart from what is made of them."""

    rows: int | None = None
    lines: LineReader | None = None
    in_parts: bool = False
    # Opens the next part of a table at each step.
    parts: Iterator[bool] | None = None

    def next_part(self, con: duckdb.DuckDBPyConnection) -> bool:
        """Let `records` be those after the ones that were read, if there may be any."""
        if self.parts is not None:
            return next(self.parts, False)
        if not (self.in_parts and self.lines and self.lines.more):
            return False
        con.register("landed_lines", self.lines.stream(in_parts=True))
        return True

    def count(self) -> int:
        """Records of the file; call it when they have been read."""
        if self.rows is None:
            return self.lines.count() if self.lines else 0
        return self.rows

    def failure(self) -> Exception | None:
        """Why its text could not be read on, in the reader's own words."""
        return self.lines.failure if self.lines else None


def define_constants(con: duckdb.DuckDBPyConnection, source: Source) -> None:
    """What the source's records lack, as the temporary view `source_constants` of one row."""
    con.execute(f"create or replace temp view source_constants as select {_constants(source)}")


def open_records(con: duckdb.DuckDBPyConnection, path: Path, fmt: Format, source: Source) -> OpenFile:
    """Define the temporary view `records` over a file; where it is read in parts, over the first of them.

    Raises UnreadableFileError when the format does not read this type of file or a mapped column
    does not exist in it.
    """
    file_type = file_type_of(path) or "jsonl"
    if file_type not in fmt.file_types:
        raise UnreadableFileError(
            f"format {fmt.name!r} does not read {file_type} files (it reads {', '.join(fmt.file_types)}); "
            f"name another format for source {source.name!r} in meterhouse.toml, or export JSON lines"
        )
    con.execute("set preserve_insertion_order = false")
    define_constants(con, source)
    if file_type == "jsonl":
        rows = None if fmt.inside is None else _count_inside(con, path, fmt.inside)
        return OpenFile(rows, _open_lines(con, path, fmt, source), fmt.alone)
    try:
        return _open_table(con, path, file_type, fmt, source)
    except (duckdb.BinderException, duckdb.NotImplementedException) as error:
        # Nothing has been made of its columns yet but names and types, and those are the file's.
        words = str(error).splitlines()[0]
        raise UnreadableFileError(f"its columns cannot be read as they are named or typed ({words})") from error


def _count_inside(con: duckdb.DuckDBPyConnection, path: Path, inside: str) -> int:
    """Records of a file whose lines hold many; a line in which there is none is one, to be refused."""
    lines = LineReader(path)
    con.register("counted_lines", lines.stream())
    try:
        [(rows,)] = con.execute(f"""
            select coalesce(sum(greatest(1,
                case when json_valid(raw) then len(json_extract(raw, {literal(inside)})) else 1 end)), 0)::bigint
            from counted_lines""").fetchall()
    except duckdb.Error as error:
        raise lines.failure or error from error
    return int(rows) + lines.too_large


def _constants(source: Source) -> str:
    """Every contract column as the source's constant for what its records lack, else null."""
    items = []
    for column in contract_shape():
        value = source.constants.get(column)
        text = str(value).lower() if isinstance(value, bool) else value
        items.append(f"{'null' if text is None else literal(text)}::varchar as {identifier(column)}")
    return ", ".join(items)


def _open_lines(con: duckdb.DuckDBPyConnection, path: Path, fmt: Format, source: Source) -> LineReader:
    lines = LineReader(path)
    con.register("landed_lines", lines.stream(in_parts=fmt.alone))
    define_records(con, fmt, source)
    con.register("long_lines", lines.refused())
    con.execute("create or replace temp view records_refused as select * from long_lines")
    return lines


def define_records(con: duckdb.DuckDBPyConnection, fmt: Format, source: Source) -> None:
    """Define the temporary view `records` over the registered `landed_lines` (line, raw)."""
    if fmt.shape == "mapping":
        shape: Any = {}
        for field in source.columns.values():
            _nest(shape, field.split("."))
        pairs = {c: f"parsed.{'.'.join(identifier(p) for p in f.split('.'))}" for c, f in source.columns.items()}
        doc = f"case when parsed is not null then {_struct_of(pairs)} end"
    else:
        shape = contract_shape() if fmt.shape == "contract" else fmt.shape
        pairs = {c: f"parsed.{identifier(c)}" for c in shape} if fmt.shape == "contract" else {}
        doc = f"case when parsed is not null then {_struct_of(pairs)} end" if pairs else _with_nested_text(fmt)
    # Any JSON value fits the shape with nothing but nulls: only an object is a record.
    con.execute(f"""
        create or replace temp view records as
        with parsed_lines as (
            select line, raw,
                case when starts_with(ltrim(raw), '{{')
                    then try(from_json(raw, {literal(json.dumps(shape))}))
                end as parsed
            from landed_lines
        )
        select line, raw, {doc} as doc from parsed_lines""")


def _nest(shape: dict[str, Any], parts: list[str]) -> None:
    for part in parts[:-1]:
        shape = shape.setdefault(part, {})
    shape[parts[-1]] = "VARCHAR"


def _struct_of(pairs: dict[str, str]) -> str:
    """A struct of every contract column: the field's text, else null."""
    items = [f"{identifier(c)} := ({pairs.get(c, 'null')})::varchar" for c in contract_shape()]
    return f"struct_pack({', '.join(items)})"


def _with_nested_text(fmt: Format) -> str:
    """The parsed record, nested fields read from text where a table dump left them as text."""
    if not isinstance(fmt.shape, dict) or "csv" not in fmt.file_types:
        return "parsed"
    doc = "parsed"
    for field, shape in fmt.shape.items():
        if shape == "VARCHAR":
            continue
        quoted = " or ".join(f"contains(raw, {literal(json.dumps(field) + gap)})" for gap in (':"', ': "'))
        text = f"nullif(raw ->> {literal('$.' + json.dumps(field))}, '')"
        nested = f"from_json({text}, {literal(json.dumps(shape))})"
        # Text that is no JSON at all must not be looked into.
        doc = f"""case when parsed is not null and ({quoted})
            then case when {text} is null or json_type(try_cast({text} as json)) = 'OBJECT'
                then struct_update({doc}, {identifier(field)} := try({nested})) end
            else {doc} end"""
    return doc


def _open_table(
    con: duckdb.DuckDBPyConnection, path: Path, file_type: FileType, fmt: Format, source: Source
) -> OpenFile:
    """CSV and Parquet: each field of the shape is the column of that name, null where there is none.

    Rows are counted by the quotes of a CSV file and by the footer of a Parquet file.
    """
    if file_type == "csv":
        found = find_rows(path)
        rows, columns = found.count(), dict.fromkeys(found.names, "VARCHAR")
        kept = fields_of(fmt, source, nested=False).plain()
        parts = load_csv(con, path, found, kept, in_parts=fmt.alone)
    else:
        rows = _check_parquet(con, path)
        described = con.execute(f"describe from read_parquet({literal(path)})").fetchall()
        columns = {name: kind for name, kind, *_ in described}
        parts = _open_parquet(con, path, parquet_parts(con, path, alone=fmt.alone))
    _require_known(columns, fmt, source)
    next(parts)
    content = "to_json(struct_pack(" + ", ".join(f"{identifier(c)} := {identifier(c)}" for c in columns) + "))"
    # A file without even a header has no columns to look for, and no rows.
    empty = not columns and not isinstance(fmt.shape, dict)
    doc = _struct_of({}) if empty else _doc_of_columns(columns, fmt, source)
    con.execute(f"""
        create or replace temp view records as
        select {ROW} as line, {content if columns else "''"}::varchar as raw, {doc} as doc
        from landed_rows""")
    con.execute("""
        create or replace temp view records_refused as select line, raw, field, reason from landed_refused""")
    return OpenFile(rows, parts=parts)


def _open_parquet(con: duckdb.DuckDBPyConnection, path: Path, parts: list[tuple[int, int]]) -> Iterator[bool]:
    """Let `landed_rows` be the rows of one part after the other."""
    for first, last in parts or [(0, _EVERY)]:
        chosen = "" if last == _EVERY else f"where file_row_number between {first} and {last}"
        con.execute(f"""
            create or replace temp view landed_rows as
            select file_row_number + 1 as {ROW}, * exclude (file_row_number)
            from read_parquet({literal(path)}, file_row_number = true) {chosen}""")
        yield True


def _check_parquet(con: duckdb.DuckDBPyConnection, path: Path) -> int:
    """The number of rows, by the file's footer. Raises UnreadableFileError where it holds more than it may."""
    [(rows,)] = con.execute(f"select sum(num_rows)::bigint from parquet_file_metadata({literal(path)})").fetchall()
    [(unpacked,)] = con.execute(f"""
        select coalesce(sum(total_uncompressed_size), 0)::bigint from parquet_metadata({literal(path)})""").fetchall()
    # The metadata names columns by row group, of which there may be none. Only a leaf has a type.
    [(columns,)] = con.execute(f"""
        select count(*) filter (type is not null) from parquet_schema({literal(path)})""").fetchall()
    size = path.stat().st_size
    check_rows(rows, size)
    # A column has a value for each row, and more where it has lists.
    [(values,)] = con.execute(f"""
        select coalesce(sum(num_values - row_group_num_rows), 0)::bigint
        from parquet_metadata({literal(path)})""").fetchall()
    check_values(values, size)
    check_unpacked(unpacked, size)
    check_columns(columns)
    large = con.execute(f"""
        select path_in_schema, total_uncompressed_size, least(total_compressed_size, {size})
        from parquet_metadata({literal(path)}) where total_uncompressed_size > {FREE_COLUMN}
        order by total_uncompressed_size / greatest(1, total_compressed_size) desc limit 1""").fetchall()
    for column in large:
        check_column(*column)
    names = [name for name, *_ in con.execute(f"describe from read_parquet({literal(path)})").fetchall()]
    if taken := [name for name in names if name.lower() in {ROW, "file_row_number"}]:
        raise UnreadableFileError(
            f"the name of its column {taken[0]!r} is needed to number the rows; rename the column"
        )
    return int(rows)


def _require_known(columns: dict[str, str], fmt: Format, source: Source) -> None:
    """Raise UnreadableFileError for a table without a column that the format reads: its first row is no header."""
    known = contract_shape() if fmt.shape == "contract" else fmt.shape
    if columns and fmt.shape != "mapping" and not any(name in known for name in columns):
        raise UnreadableFileError(
            f"none of its columns is one that format {fmt.name!r} reads (it has "
            f"{', '.join(list(map(_shown, columns))[:12])}); let a header be its first line, or correct the format of "
            f"source {source.name!r} in meterhouse.toml"
        )


def _doc_of_columns(columns: dict[str, str], fmt: Format, source: Source) -> str:
    if fmt.shape == "mapping":
        for column, field in source.columns.items():
            if field not in columns:
                raise UnreadableFileError(
                    f"there is no column {field!r} (it has {', '.join(map(_shown, columns))}); correct "
                    f"[sources.columns] {column} of source {source.name!r} in meterhouse.toml",
                    field=column,
                )
        return _struct_of({c: _as_text(f, columns[f]) for c, f in source.columns.items()})
    if fmt.shape == "contract":
        return _struct_of({c: _as_text(c, columns[c]) for c in contract_shape() if c in columns})
    if not isinstance(fmt.shape, dict):
        raise TypeError(fmt.shape)
    items, broken = [], []
    for field, shape in fmt.shape.items():
        if field not in columns:
            value = "null::varchar" if shape == "VARCHAR" else f"from_json('null', {literal(json.dumps(shape))})"
        elif shape == "VARCHAR":
            value = _as_text(field, columns[field])
        else:
            text = f"to_json({identifier(field)})"
            if columns[field] in {"VARCHAR", "JSON"}:
                text = f"nullif(trim({identifier(field)}::varchar), '')"
                kind = f"coalesce(json_type(try_cast({text} as json)), 'NONE')"
                broken.append(f"{text} is not null and {kind} != 'OBJECT'")
            value = f"try(from_json({text}, {literal(json.dumps(shape))}))"
        items.append(f"{identifier(field)} := {value}")
    doc = f"struct_pack({', '.join(items)})"
    return f"case when not ({' or '.join(broken)}) then {doc} end" if broken else doc


def _shown(column: str) -> str:
    """A column's name, if it can be none of the values of a file that has no header."""
    return column if _NAME.fullmatch(column) else "…"


def _as_text(column: str, kind: str) -> str:
    """A column as the text a JSON log would have had; zoned times keep their zone."""
    if kind == "TIMESTAMP WITH TIME ZONE":
        return f"({identifier(column)} at time zone 'UTC')::varchar || 'Z'"
    return f"{identifier(column)}::varchar"
