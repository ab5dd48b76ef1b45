"""Opens one landed file as the relation `records(line, raw, doc)` that format mappings select from.

`doc` is a struct of text fields in the format's shape, null where the record could not be read.
Which fields mean what belongs in `formats/`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

from pipelines.errors import MeterhouseError
from pipelines.landing.formats import Format, contract_shape
from pipelines.landing.lines import line_reader
from pipelines.sql import identifier, literal

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

    from pipelines.settings import Source

FileType = Literal["jsonl", "csv", "parquet"]
_SUFFIXES: dict[str, FileType] = {
    ".jsonl": "jsonl", ".json": "jsonl", ".ndjson": "jsonl", ".log": "jsonl",
    ".csv": "csv", ".tsv": "csv", ".parquet": "parquet", ".pq": "parquet",
}  # fmt: skip


def file_type_of(path: Path) -> FileType | None:
    """Kind of file by its name, compression suffix apart."""
    suffixes = [s.lower() for s in path.suffixes if s.lower() not in {".gz", ".zst"}]
    return _SUFFIXES.get(suffixes[-1]) if suffixes else None


def open_records(con: duckdb.DuckDBPyConnection, path: Path, fmt: Format, source: Source) -> None:
    """Define the temporary view `records` over a file.

    Raises MeterhouseError when the format does not read this type of file or a mapped column
    does not exist in it.
    """
    file_type = file_type_of(path) or "jsonl"
    if file_type not in fmt.file_types:
        raise MeterhouseError(
            f"format {fmt.name!r} does not read {file_type} files (it reads {', '.join(fmt.file_types)}).",
            file=path,
            way_out="Name another format for this source in meterhouse.toml, or export JSON lines.",
        )
    con.execute("set preserve_insertion_order = false")
    if file_type == "jsonl":
        _open_lines(con, path, fmt, source)
    else:
        _open_table(con, path, file_type, fmt, source)


def _fields_of(source: Source) -> dict[str, str]:
    return dict(source.columns)


def _open_lines(con: duckdb.DuckDBPyConnection, path: Path, fmt: Format, source: Source) -> None:
    con.register("landed_lines", line_reader(path))
    if fmt.shape == "mapping":
        shape: Any = {}
        for field in source.columns.values():
            _nest(shape, field.split("."))
        pairs = {c: f"parsed.{'.'.join(identifier(p) for p in f.split('.'))}" for c, f in source.columns.items()}
        doc = f"case when parsed is not null then {_constants_over(pairs, source)} end"
    else:
        shape = contract_shape() if fmt.shape == "contract" else fmt.shape
        pairs = {c: f"parsed.{identifier(c)}" for c in shape} if fmt.shape == "contract" else {}
        doc = f"case when parsed is not null then {_constants_over(pairs, source)} end" if pairs else "parsed"
    con.execute(f"""
        create or replace temp view records as
        with parsed_lines as (
            select line, raw, try(from_json(raw, {literal(json.dumps(shape))})) as parsed
            from landed_lines
        )
        select line, raw, {doc} as doc from parsed_lines""")


def _nest(shape: dict[str, Any], parts: list[str]) -> None:
    for part in parts[:-1]:
        shape = shape.setdefault(part, {})
    shape[parts[-1]] = "VARCHAR"


def _constants_over(pairs: dict[str, str], source: Source) -> str:
    """A struct of every contract column: the field's text, else the source's constant, else null."""
    items = []
    for column in contract_shape():
        constant = source.constants.get(column)
        parts = [pairs[column]] if column in pairs else []
        if constant is not None:
            parts.append(literal(str(constant).lower() if isinstance(constant, bool) else constant))
        value = f"coalesce({', '.join(parts)})" if len(parts) > 1 else (parts[0] if parts else "null::varchar")
        items.append(f"{identifier(column)} := {value}::varchar")
    return f"struct_pack({', '.join(items)})"


def _open_table(
    con: duckdb.DuckDBPyConnection, path: Path, file_type: FileType, fmt: Format, source: Source
) -> None:
    """CSV and Parquet: each field of the shape is the column of that name, null where there is none."""
    if file_type == "csv":
        # Record order is the only way to a line number, so it is kept here.
        con.execute("set preserve_insertion_order = true")
        con.execute("drop table if exists reject_errors; drop table if exists reject_scans")
        con.execute(f"""
            create or replace temp table landed_rows as
            select row_number() over () as record, * from read_csv({literal(path)},
                all_varchar = true, header = true, store_rejects = true, parallel = false,
                sample_size = -1, max_line_size = 67108864)""")
        con.execute("set preserve_insertion_order = false")
    else:
        con.execute(f"""
            create or replace temp view landed_rows as
            select file_row_number + 1 as record, * exclude (file_row_number)
            from read_parquet({literal(path)}, file_row_number = true)""")
    columns = {
        name: kind for name, kind, *_ in con.execute("describe landed_rows").fetchall() if name != "record"
    }
    content = "to_json(struct_pack(" + ", ".join(f"{identifier(c)} := {identifier(c)}" for c in columns) + "))"
    con.execute(f"""
        create or replace temp view records as
        select {"line" if file_type == "csv" else "record as line"}, {content}::varchar as raw,
            {_doc_of_columns(columns, fmt, source, path)} as doc
        from {_numbered(con) if file_type == "csv" else "landed_rows"}""")
    if file_type == "csv":
        con.execute("""
            create or replace temp view records_refused as
            select line, any_value(csv_line) as raw, any_value(column_name) as field,
                string_agg(distinct error_message, '; ' order by error_message) as reason
            from reject_errors group by line""")


def _numbered(con: duckdb.DuckDBPyConnection) -> str:
    """landed_rows with the line each record ends on.

    Line = header + records before + line feeds inside quoted fields + refused lines before.
    """
    text = [c for c, *_ in con.execute("describe landed_rows").fetchall() if c != "record"]
    feeds = " + ".join(
        f"coalesce(length({identifier(c)}) - length(replace({identifier(c)}, chr(10), '')), 0)" for c in text
    )
    return f"""(
        with counted as (
            select *, 1 + record + sum({feeds}) over (order by record) as expected from landed_rows
        ),
        refused as (
            select line - row_number() over (order by line) + 1 as threshold
            from (select distinct line from reject_errors)
        )
        select counted.* exclude (expected),
            (expected + (select count(*) from refused where threshold <= expected))::bigint as line
        from counted)"""


def _doc_of_columns(columns: dict[str, str], fmt: Format, source: Source, path: Path) -> str:
    if fmt.shape == "mapping":
        for column, field in source.columns.items():
            if field not in columns:
                raise MeterhouseError(
                    f"there is no column {field!r}; the file has {', '.join(columns)}.",
                    file=path,
                    field=column,
                    way_out=f"Correct [sources.columns] {column} of source {source.name!r} in meterhouse.toml.",
                )
        pairs = {c: _as_text(f, columns[f]) for c, f in source.columns.items()}
        return _constants_over(pairs, source)
    if fmt.shape == "contract":
        pairs = {c: _as_text(c, columns[c]) for c in contract_shape() if c in columns}
        return _constants_over(pairs, source)
    if not isinstance(fmt.shape, dict):
        raise TypeError(fmt.shape)
    items = []
    for field, shape in fmt.shape.items():
        if field not in columns:
            value = "null::varchar" if shape == "VARCHAR" else f"from_json('null', {literal(json.dumps(shape))})"
        elif shape == "VARCHAR":
            value = _as_text(field, columns[field])
        else:
            text = identifier(field) if columns[field] in {"VARCHAR", "JSON"} else f"to_json({identifier(field)})"
            value = f"try(from_json({text}, {literal(json.dumps(shape))}))"
        items.append(f"{identifier(field)} := {value}")
    return f"struct_pack({', '.join(items)})"


def _as_text(column: str, kind: str) -> str:
    """A column as the text a JSON log would have had; zoned times keep their zone."""
    if kind == "TIMESTAMP WITH TIME ZONE":
        return f"({identifier(column)} at time zone 'UTC')::varchar || 'Z'"
    return f"{identifier(column)}::varchar"
