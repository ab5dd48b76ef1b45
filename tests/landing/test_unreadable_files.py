"""A file that cannot be read is one quarantined record, which says why and what to do about it."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.landing.homes import CANONICAL, drop, drop_parquet, event, land, make_home, quarantined

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.home import Home

TRACES = b'{"resourceSpans": []}\n'
INSIDE = {
    "a.jsonl": (gzip.compress(TRACES), "it is a gzip file by its first bytes; give its name the suffix .gz"),
    "a.json": (b"[" + TRACES + b", 1]", "a JSON array with something other than objects in it"),
    "a.jsonl.gz": (gzip.compress(TRACES * 9000)[:-20], "Truncated compressed stream"),
}


def reason(home: Home) -> str:
    """What is said of the only record, which is in quarantine and stands for its file."""
    drop(home, "h/good.jsonl", [event("1")])
    summary = land(home)
    assert (summary.records_read, summary.accepted, summary.quarantined) == (2, 1, 1)
    [record] = quarantined(home)
    assert record["line"] is None
    return str(record["reason"]).removeprefix("the file cannot be read: ")


@pytest.mark.parametrize("name", INSIDE)
def test_the_reader_s_own_words_where_a_line_holds_many_records(tmp_path: Path, name: str) -> None:
    home = make_home(tmp_path / "home", '[[sources]]\nname = "g"\nformat = "otel"\n')
    content, words = INSIDE[name]
    drop(home, f"g/{name}", content)
    assert reason(home).startswith(words)


def test_the_reader_s_own_words_of_a_stream_that_is_cut_off(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home", CANONICAL)
    drop(home, "g/a.jsonl.gz", gzip.compress(b'{"a": 1}\n' * 9000)[:-20])
    assert reason(home).startswith("IOError: Truncated compressed stream")


def test_columns_of_a_parquet_file_without_rows_are_counted(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home", CANONICAL)
    path = drop(home, "g/a.parquet", b"")
    with pq.ParquetWriter(path, pa.schema([(f"c{n}", pa.string()) for n in range(2001)])):
        pass
    assert reason(home).startswith("it has 2,001 columns")


HEAD, ROW = ",".join(event("1")), ",".join(map(str, event("1").values()))
WITH_RETURN = ROW.replace("acme", "ac\rme")
RETURNS = {
    "in a field": (f"{HEAD}\n{ROW}\n{WITH_RETURN}\n{ROW}\n", "line 3 has a carriage return that neither ends it"),
    "after quotes": (
        f'{HEAD},x\n{ROW},"\r\n"\n{WITH_RETURN},\n',
        "line 4 has a carriage return that neither ends it nor stands between quotes; take carriage returns out",
    ),
    "among both": (f"{HEAD}\r\n{ROW}\r\n{WITH_RETURN}\r\n", "line 3 has a carriage return that neither ends it"),
    "doubled": (f"{HEAD}\r\n{ROW}\r\r\n{ROW}\r\n", "line 2 has a carriage return that neither ends it"),
    "last": (f"{HEAD}\n{ROW}\n{ROW}\r", "some of its lines end in a carriage return and a line feed"),
    "for every line feed": (f"{HEAD}\r{ROW}\r{ROW}\r", "its lines end in a carriage return alone; let them end in"),
    "after a blank line": (f"\n{HEAD}\r{ROW}\r{ROW}\r", "its lines end in a carriage return alone; let them end in"),
}


@pytest.mark.parametrize("kind", RETURNS)
def test_the_carriage_return_that_is_in_the_way_is_told(tmp_path: Path, kind: str) -> None:
    home = make_home(tmp_path / "home", CANONICAL)
    content, words = RETURNS[kind]
    drop(home, "g/a.csv", content)
    assert reason(home).startswith(words)


@pytest.mark.parametrize("name", ["file_row_number", "File_Row_Number", "__row"])
def test_a_parquet_column_that_is_called_as_ours_is_told(tmp_path: Path, name: str) -> None:
    home = make_home(tmp_path / "home", CANONICAL)
    drop_parquet(home, "g/a.parquet", {k: [v] for k, v in event("1").items()} | {name: [1]})
    assert reason(home) == f"the name of its column {name!r} is needed to number the rows; rename the column"


def test_columns_that_no_query_can_name_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = make_home(tmp_path / "home", CANONICAL)
    drop_parquet(home, "g/a.parquet", {k: [v] for k, v in event("1").items()} | {"file_row_number": [1]})
    monkeypatch.setattr("pipelines.landing.readers._check_parquet", lambda *_: 1)
    assert reason(home).startswith("its columns cannot be read as they are named or typed (Binder Error")


@pytest.mark.parametrize(("log_format", "shown"), [("canonical", "…"), ("litellm", "…")])
def test_a_table_without_a_header_is_refused_and_not_read_as_if_it_had_one(
    tmp_path: Path, log_format: str, shown: str
) -> None:
    home = make_home(tmp_path / "home", f'[[sources]]\nname = "g"\nformat = "{log_format}"\n')
    drop(home, "g/a.csv", f"{ROW}\n")
    told = reason(home)
    assert told.startswith(f"none of its columns is one that format '{log_format}' reads (it has ")
    assert shown in told
    assert "let a header be its first line" in told


def test_json_lines_under_the_name_of_a_table_are_refused(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home", CANONICAL)
    drop(home, "g/a.csv", json.dumps(event("1")) + "\n")
    assert reason(home).startswith("none of its columns is one that format 'canonical' reads")
