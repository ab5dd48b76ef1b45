"""The audit of exported files: against each other by day, currencies and organisation, and against the warehouse."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import duckdb
import pytest

from pipelines.errors import MeterhouseError
from pipelines.publish.audit import audit
from tests.publish.fixture import TABLES, make_tables

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RELATIONS = {**{t: t for t in TABLES}, "rated_usage": "rated"}
ROW = "rowid = (select min(rowid) from t where revenue_amount > 0 and input_tokens > 0 and web_search_calls > 0)"


@pytest.fixture(scope="module")
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    """The tables that the files were made from."""
    with duckdb.connect() as con:
        make_tables(con)
        yield con


@pytest.fixture
def fresh(published: Path, tmp_path: Path) -> Path:
    """An exported folder that a test may change."""
    folder = tmp_path / "fresh"
    shutil.copytree(published, folder)
    return folder


def change(folder: Path, table: str, sql: str) -> None:
    with duckdb.connect() as con:
        path = folder / f"{table}.parquet"
        con.execute(f"create table t as from '{path}'")
        con.execute(sql)
        con.execute(f"copy t to '{path}' (format parquet)")


def test_files_as_they_were_written_agree(warehouse: duckdb.DuckDBPyConnection, fresh: Path) -> None:
    (rows,) = warehouse.execute("select count(*) from rated").fetchone() or (0,)
    assert audit(warehouse, fresh, RELATIONS, None, None) == rows > 0
    assert audit(warehouse, fresh, RELATIONS, fresh, ["2026-05-01"]) == rows


@pytest.mark.parametrize(
    "sql",
    [
        # Totals over all kinds stay as they are: only the kinds show it.
        f"update t set input_tokens = input_tokens - 1, output_tokens = output_tokens + 1 where {ROW}",
        f"update t set image_input_tokens = image_input_tokens + 1 where {ROW}",
        f"update t set web_search_calls = web_search_calls + 1 where {ROW}",
        f"update t set hosting_hours = hosting_hours + 0.000001 where {ROW}",
        f"update t set revenue_amount = revenue_amount + 0.000000000000000001 where {ROW}",
        f"update t set foreign_cost_amount = 1 where {ROW}",
        # Sums over currencies stay as they are.
        f"update t set billing_currency = 'EUR' where {ROW}",
        f"update t set cost_currency = 'EUR' where {ROW}",
    ],
)
def test_changed_spend_is_found(warehouse: duckdb.DuckDBPyConnection, fresh: Path, sql: str) -> None:
    change(fresh, "spend_daily", sql)
    with pytest.raises(MeterhouseError, match=r"do not agree: only (rated_usage|spend_daily)"):
        audit(warehouse, fresh, RELATIONS, None, None)


# No hours of GPUs, facts about organisations or newcomers are in these files: no row of them can be lost or doubled.
EMPTY = {"serving_days", "enforcement_flags", "newcomers"}


@pytest.mark.parametrize("table", [table for table in TABLES if table not in EMPTY])
@pytest.mark.parametrize("sql", ["delete from t where rowid = 0", "insert into t select * from t where rowid = 0"])
def test_file_with_another_number_of_rows_than_the_warehouse_is_found(
    warehouse: duckdb.DuckDBPyConnection, fresh: Path, table: str, sql: str
) -> None:
    change(fresh, table, sql)
    with pytest.raises(MeterhouseError, match=rf"do not agree: {table} has .* rows, the warehouse "):
        audit(warehouse, fresh, RELATIONS, None, None)


@pytest.mark.parametrize(
    ("table", "words"),
    [("rated_usage", "rated_usage has .* rows, the warehouse "), ("usage_events", "rated_usage has .* usage_events ")],
)
def test_lost_day_is_found(warehouse: duckdb.DuckDBPyConnection, fresh: Path, table: str, words: str) -> None:
    shutil.rmtree(min((fresh / table).iterdir()))
    with pytest.raises(MeterhouseError, match=f"do not agree: {words}"):
        audit(warehouse, fresh, RELATIONS, None, None)
