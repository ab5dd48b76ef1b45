"""Which rows of a Parquet file are read at once, by what their values take when they are unpacked.

A footer counts a text that all rows share but once, and DuckDB works on 2,048 rows at a time, however long they are.
What a column means belongs in `formats/`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipelines.landing.limits import HEAVY_PART, HEAVY_ROW, LONGEST_RECORD, check_heavy, check_unpacked, too_long
from pipelines.sql import identifier, literal

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb
    from duckdb.sqltypes import DuckDBPyType

_VECTOR = 2048
# Bytes that a value of a list takes at least: in memory, or in the text that is made of it.
_PLACE = 8
_NESTED = ("struct", "map", "list", "array")


def parquet_parts(con: duckdb.DuckDBPyConnection, path: Path, *, alone: bool) -> list[tuple[int, int]]:
    """First and last number (from 0) of the rows that are read at once; nothing where it may be all of them.

    Defines `landed_refused` (line, field, reason, raw): rows that are too long, and in none of the parts. Raises
    UnreadableFileError where the values take more than any log's, and where many long rows must be read at once
    because the format does not make of each what it does `alone`.
    """
    con.execute("""
        create or replace temp table landed_refused (line bigint, field varchar, reason varchar, raw varchar)""")
    rows = con.sql(f"from read_parquet({literal(path)})")
    sizes = [s for name, kind in zip(rows.columns, rows.types, strict=True) if (s := _size(identifier(name), kind))]
    if not sizes:
        return []
    sized = f"""
        select file_row_number as n, {" + ".join(f"coalesce({s}, 0)" for s in sizes)} as size
        from read_parquet({literal(path)}, file_row_number = true)"""
    [(size, most)] = con.execute(f"""
        select coalesce(sum(size), 0)::bigint, coalesce(max(size), 0)::bigint
        from (select sum(size) as size from ({sized}) group by n // {_VECTOR})""").fetchall()
    check_unpacked(size, path.stat().st_size)
    if most <= HEAVY_PART:
        return []
    if not alone:
        check_heavy(most)
        return []
    con.execute(f"create or replace temp table row_sizes as {sized}")
    told = too_long("row", 0).replace("(0 bytes)", "(")
    con.execute(f"""
        insert into landed_refused
        select n + 1, null, {literal(told)} || format('{{:,}} bytes)', size::bigint), size || ' bytes'
        from row_sizes where size > {LONGEST_RECORD}""")
    parts = con.execute(f"""
        with parts as (
            select n, size, count(*) filter (where size > {LONGEST_RECORD}) over by_number as refused,
                sum(case when size > {HEAVY_ROW} then size else 0 end) over by_number // {HEAVY_PART} as part
            from row_sizes
            window by_number as (order by n)
        )
        select min(n), max(n) from parts where size <= {LONGEST_RECORD} group by part, refused order by 1""").fetchall()
    return parts or [(0, -1)]


def _size(value: str, kind: DuckDBPyType, depth: int = 0) -> str | None:
    """SQL for the bytes of the texts and lists in a value, None where its type has none."""
    children: list[tuple[str, Any]] = kind.children if kind.id in _NESTED else []
    if kind.id == "varchar":
        return f"strlen({value})"
    if kind.id == "blob":
        return f"octet_length({value})"
    if kind.id == "struct":
        fields = [_size(f"struct_extract({value}, {literal(name)})", below, depth) for name, below in children]
        return " + ".join(f"coalesce({f}, 0)" for f in fields if f) or None
    if kind.id == "map":
        (_, key), (_, below) = children
        lists = [_all(f"map_keys({value})", key, depth), _all(f"map_values({value})", below, depth)]
        return " + ".join(f"coalesce({s}, 0)" for s in lists)
    if kind.id in {"list", "array"}:
        below = children[0][1]
        return _all(value if kind.id == "list" else f"({value})::{below}[]", below, depth)
    return None


def _all(values: str, kind: DuckDBPyType, depth: int) -> str:
    """SQL for what a list takes: a place for each value, of which a file may name but one and how often, and theirs."""
    places = f"len({values}) * {_PLACE}"
    size = _size(f"v{depth}", kind, depth + 1)
    return f"{places} + coalesce(list_sum(list_transform({values}, lambda v{depth}: {size})), 0)" if size else places
