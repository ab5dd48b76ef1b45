"""What the documentation says a column is made from holds: no other field of a record has a say in it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pytest

from pipelines.landing.contract import MAPPED
from pipelines.landing.formats import Format, load_formats
from pipelines.landing.lineage import ITEM, Lineage, Path, Place, lineage
from pipelines.landing.lines import SCHEMA
from pipelines.landing.readers import define_constants, define_records
from pipelines.landing.staging import define_macros
from pipelines.sql import identifier
from tests.landing.golden import FORMATS, rows_of, samples, source_of
from tests.landing.homes import make_home

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipelines.settings import Source
    from tests.landing.homes import Row


@pytest.fixture(scope="module")
def con(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with the functions that the formats use."""
    with duckdb.connect() as con:
        con.execute("set threads = 1; set timezone = 'UTC'")
        define_macros(con, make_home(tmp_path_factory.mktemp("lineage") / "home"))
        yield con


@pytest.mark.parametrize("name", FORMATS)
def test_no_field_but_those_named_changes_a_column(con: duckdb.DuckDBPyConnection, name: str) -> None:
    """All fields that are not named for a column are blanked at once: it must stay what it is, in every sample."""
    fmt = load_formats()[name]
    found = lineage(fmt)
    compared = 0
    for source, records in _records_by_source(name):
        # Columns that are read from the same places are tried together.
        tried: dict[tuple[Place, ...], list[str]] = {}
        for column in (c.name for c in MAPPED):
            read = found.get(column, Lineage((), (), ()))
            if all(place.path for place in read.made):
                places = sorted({_of_source(p, source) for p in (*read.made, *read.chosen)}, key=str)
                tried.setdefault(tuple(places), []).append(column)
        blanked = [[_blanked(r, (), _kept(places, fmt)) for r in records] for places in tried]
        before, *after = _mapped(con, fmt, source, [records, *blanked])
        for columns, rows in zip(tried.values(), after, strict=True):
            for row, was in zip(rows, before, strict=True):
                if not was["unreadable"]:
                    assert {c: row[c] for c in columns} == {c: was[c] for c in columns}, was["raw"]
                    compared += sum(was[c] is not None for c in columns)
    assert compared


def _records_by_source(name: str) -> Iterator[tuple[Source, list[Row]]]:
    """The records of all samples that are read by the same entry."""
    found: dict[str, tuple[Source, list[Row]]] = {}
    for sample in samples(name):
        source = source_of(name, "any", sample.stem)
        found.setdefault(repr(source), (source, []))[1].extend(row for _, row in rows_of(sample))
    yield from found.values()


def _mapped(
    con: duckdb.DuckDBPyConnection, fmt: Format, source: Source, deliveries: list[list[Row]]
) -> list[list[Row]]:
    """The rows that the mapping makes of each delivery, before any check of the contract."""
    # One statement is faster, where records of a call that are brought together are not taken for those of another.
    if "partition by" in fmt.sql():
        return [_rows(con, fmt, source, records) for records in deliveries]
    rows = _rows(con, fmt, source, [r for records in deliveries for r in records])
    size = len(rows) // len(deliveries)
    assert len(rows) == size * len(deliveries)
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def _rows(con: duckdb.DuckDBPyConnection, fmt: Format, source: Source, records: list[Row]) -> list[Row]:
    texts = [json.dumps(r) for r in records]
    con.register("landed_lines", pa.table([range(1, len(texts) + 1), texts], SCHEMA))
    define_constants(con, source)
    define_records(con, fmt, source)
    columns = ["raw", "unreadable", *(c.name for c in MAPPED)]
    rows = con.execute(f"select {', '.join(map(identifier, columns))} from ({fmt.sql()}) order by line").fetchall()
    return [dict(zip(columns, values, strict=True)) for values in rows]


def _kept(places: tuple[Place, ...], fmt: Format) -> Callable[[Path, Any], bool]:
    """Which values of a record may count: those at, below or above a place, by path and value."""

    def kept(path: Path, value: Any) -> bool:
        # What is looked for in the text of a record may stand anywhere in it.
        return any(_counts(p, path) if p.path else f"'{value}'" in fmt.body for p in places)

    return kept


def _of_source(place: Place, source: Source) -> Place:
    """The place in a record of a source that maps its own columns."""
    first, *rest = place.path or ("",)
    if source.columns and first in source.columns:
        return Place((*source.columns[first].split("."), *rest), place.holds_more)
    return place


def _blanked(value: Any, path: Path, kept: Callable[[Path, Any], bool]) -> Any:
    """A value of a record with null for whatever in it is not kept."""
    if isinstance(value, dict):
        return {k: _blanked(v, (*path, k), kept) for k, v in value.items()}
    if isinstance(value, list):
        return [_blanked_item(v, path, kept) for v in value]
    return value if kept(path, value) else None


def _blanked_item(item: Any, path: Path, kept: Callable[[Path, Any], bool]) -> Any:
    if isinstance(item, dict) and set(item) == {"key", "value"}:
        named = (*path, f"[{item['key']}]")
        return item if kept(named, item["value"]) else {"key": item["key"], "value": {}}
    return _blanked(item, (*path, ITEM), kept)


def _counts(place: Place, path: Path) -> bool:
    """Whether what stands at a path can count where a column reads this place."""
    shorter = min(len(place.path), len(path))
    if place.path[:shorter] != path[:shorter]:
        return False
    return len(path) <= len(place.path) or not place.holds_more


def _format(body: str) -> Format:
    shape = {"a": "VARCHAR", "deepPart": {"b": "VARCHAR"}, "items": [{"kind": "VARCHAR", "count": "VARCHAR"}]}
    columns = ", ".join(f"null as {c.name}" for c in MAPPED if f" as {c.name}" not in body and f".{c.name}" not in body)
    return Format("x", "X", ("jsonl",), (), shape, (), by_record=True, inside=None, body=body.replace("…", columns))


def _read(body: str, column: str = "model") -> tuple[list[str], list[str], tuple[str | int, ...]]:
    read = lineage(_format(body))[column]
    made, chosen = (["/".join(p.path) for p in places] for places in (read.made, read.chosen))
    return made, chosen, read.constants


def test_fields_are_followed_through_ctes_and_stars_under_the_names_of_the_source() -> None:
    body = "with f as (select *, doc.deeppart as p from records), g as (select * from f) select p.B as model, … from g"
    assert _read(body) == (["deepPart/b"], [], ())


def test_conditions_stand_apart_from_values_and_literals() -> None:
    body = "select case when doc.a > '1' then doc.deeppart.b else 'x' end as model, … from records"
    assert _read(body) == (["deepPart/b"], ["a"], ("x",))


def test_what_a_value_must_differ_from_decides_and_is_no_part_of_it() -> None:
    assert _read("select nullif(doc.a, doc.deeppart.b) as model, … from records") == (["a"], ["deepPart/b"], ())


def test_an_item_of_a_list_is_made_from_the_field_that_is_taken_and_chosen_by_the_field_that_is_asked() -> None:
    body = "select [i.count for i in doc.items if i.kind = 'z'][1] as model, … from records"
    assert _read(body) == (["items/[]/count"], ["items/[]/kind"], ())


def test_a_count_of_items_is_made_from_what_the_items_are_counted_by() -> None:
    body = "select len([i for i in doc.items if i.kind = 'z']) as n, … from records"
    assert _read(body, "n") == (["items/[]/kind"], [], ())


def test_positions_of_a_list_that_the_sql_makes_are_kept_apart() -> None:
    body = "with f as (select [doc.a, doc.deeppart.b] as two from records) select two[2] as model, … from f"
    assert _read(body) == (["deepPart/b"], [], ())


def test_text_that_is_read_as_json_has_the_names_of_its_own_shape() -> None:
    body = """select from_json(json_extract(raw, '$.Out'), '[{"camelCase"' || ': "VARCHAR"}]')[1].camelcase as model,
        … from records"""
    assert _read(body)[0] == ["Out/[]/camelCase"]


def test_entries_of_a_map_are_named_by_their_key() -> None:
    body = """with f as (select map_from_entries(list_transform(doc.items, lambda i:
        { 'key': i.kind, 'value': i.count })) as own from records) select own['x.y'] as model, … from f"""
    assert _read(body) == (["items/[x.y]"], [], ())


def test_a_value_of_a_window_is_chosen_by_its_partition() -> None:
    body = "select max(doc.a) over (partition by doc.deeppart.b) as model, … from records"
    assert _read(body) == (["a"], ["deepPart/b"], ())


def test_literals_go_by_the_name_that_a_macro_gives_them() -> None:
    assert _read("select provider_name('vertex_ai') as provider, … from records", "provider") == ([], [], ("google",))


def test_columns_that_are_always_null_or_0_are_left_out() -> None:
    assert list(lineage(_format("select 0::bigint as output_tokens, doc.a as model, … from records"))) == ["model"]


@pytest.mark.parametrize(
    "body",
    [
        "select doc.a as model, … from records where doc.a is not null",
        "select list_reduce(doc.items, lambda x: x) as model, … from records",
        "select nowhere.a as model, … from records",
        "select doc.a as model, … from records union all select 1",
        (
            "with other as (select line + 1 as next from records) "
            "select doc.a as model, … from records inner join other on records.line = other.next"
        ),
    ],
)
def test_what_cannot_be_followed_is_an_error(body: str) -> None:
    with pytest.raises(NotImplementedError, match="the lineage of a format"):
        lineage(_format(body))
