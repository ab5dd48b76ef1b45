"""What is written by day is the same whether a day is written on its own or together with others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
import pytest

from pipelines import by_day
from pipelines.sql import literal

if TYPE_CHECKING:
    from pathlib import Path

# A row on the first day, two on the second and so on; the first of each day at its very beginning.
ROWS = """
    create table rows as
    select (d * 10 + n)::integer as id,
        (date '2024-02-27' + d::integer) + n * interval 10799999999 microsecond as moment,
        moment::date as usage_date
    from range(5) as days (d), range(5) as numbers (n) where n <= d"""


@pytest.mark.parametrize("keep_day", [False, True])
@pytest.mark.parametrize("own_pass", [1, 3, 6])
def test_one_folder_a_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_pass: int, *, keep_day: bool) -> None:
    monkeypatch.setattr(by_day, "OWN_PASS", own_pass)
    columns = "id, usage_date" if keep_day else "id"
    with duckdb.connect() as con:
        con.execute(ROWS)
        for instant in ("moment", "usage_date"):
            folder = tmp_path / instant
            folder.mkdir()
            options = ("compression zstd", "kv_metadata {of: 'a test'}")
            days = by_day.copy_by_day(con, "rows", instant, folder, options, columns=columns, keep_day=keep_day)
            assert days == ["2024-02-27", "2024-02-28", "2024-02-29", "2024-03-01", "2024-03-02"]
            assert sorted(p.name for p in folder.iterdir()) == [f"usage_date={day}" for day in days]
            for number, day in enumerate(days):
                [file] = (folder / f"usage_date={day}").iterdir()
                read = f"read_parquet({literal(file)}, hive_partitioning = false)"
                assert [n for n, *_ in con.execute(f"describe from {read}").fetchall()] == columns.split(", ")
                assert sorted(con.execute(f"select id from {read}").fetchall()) == [
                    (number * 10 + n,) for n in range(number + 1)
                ]
                metadata = f"select decode(value) from parquet_kv_metadata({literal(file)}) where decode(key) = 'of'"
                assert con.execute(metadata).fetchall() == [("a test",)]


def test_no_rows_are_no_days(tmp_path: Path) -> None:
    with duckdb.connect() as con:
        con.execute(ROWS)
        assert (
            by_day.copy_by_day(con, "(from rows where false) as none", "moment", tmp_path, ("compression zstd",)) == []
        )
    assert list(tmp_path.iterdir()) == []
