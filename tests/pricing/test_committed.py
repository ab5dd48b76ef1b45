"""Rows that come with Meterhouse are append-only: none that was committed may change or go."""

from __future__ import annotations

import os
from pathlib import Path

import duckdb
import pytest

from pipelines.errors import MeterhouseError
from pipelines.pricing import committed
from pipelines.pricing.book import SEED, write_home_tables
from pipelines.pricing.check import find_table_problems, require_valid_tables
from pipelines.pricing.committed import changed_rows, record, unrecorded_rows
from pipelines.pricing.digest import price_book_digest
from pipelines.pricing.tables import RATES, TABLES
from tests.pricing.price_books import write_book

SEEDED = [table for table in TABLES if table.seed]


@pytest.mark.parametrize("table", SEEDED, ids=lambda table: table.name)
def test_no_committed_row_has_changed(table):
    assert changed_rows(table, table.seed) == []


@pytest.mark.parametrize("table", SEEDED, ids=lambda table: table.name)
def test_every_row_is_recorded(table):
    assert unrecorded_rows(table, table.seed) == [], "`meterhouse prices import --write` records appended rows"


@pytest.fixture
def recorded(tmp_path, row):
    """A book of two recorded rows, and the folder of digests."""
    rows = [row(), row(unit="output", price="5.00")]
    book, folder = write_book(tmp_path / "book.csv", rows), tmp_path / "committed"
    folder.mkdir()
    assert record(RATES, book, folder) == 2
    return book, folder, rows


def test_rows_may_be_added_and_sorted_anew(recorded, row):
    book, folder, rows = recorded
    write_book(book, [row(unit="training", price="8.00"), *reversed(rows)])
    assert changed_rows(RATES, book, folder) == []
    assert unrecorded_rows(RATES, book, folder) == [2]
    assert record(RATES, book, folder) == 1
    assert record(RATES, book, folder) == 0
    assert len((folder / "book.txt").read_text(encoding="utf-8").split()) == 3


@pytest.mark.parametrize("field", RATES.columns)
def test_a_change_of_any_field_is_seen(recorded, field):
    book, folder, rows = recorded
    write_book(book, [rows[0], {**rows[1], field: rows[1][field] + "0"}])
    (found,) = changed_rows(RATES, book, folder)
    assert (found.severity, found.line) == ("error", 3)
    assert found.cause == "1 committed row was changed or removed; not committed before: line 3"
    before = (folder / "book.txt").read_bytes()
    with pytest.raises(MeterhouseError, match="Put the row back as it was"):
        record(RATES, book, folder)
    assert (folder / "book.txt").read_bytes() == before


def test_a_lost_row_is_seen(recorded):
    book, folder, rows = recorded
    write_book(book, rows[:1])
    (found,) = changed_rows(RATES, book, folder)
    assert found.cause == "1 committed row was changed or removed"


def test_a_run_is_refused_over_a_committed_row_that_has_changed(home, monkeypatch, tmp_path):
    """What a build asks of the tables includes that the past is as it was."""
    monkeypatch.setattr(committed, "FOLDER", tmp_path)
    require_valid_tables(home)
    lines = [*committed.row_digests(RATES, RATES.seed), "0123456789ab"]
    (tmp_path / "price_book.txt").write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(MeterhouseError, match="1 committed row was changed or removed"):
        price_book_digest(home)
    with duckdb.connect() as con, pytest.raises(MeterhouseError, match="Put the row back as it was"):
        write_home_tables(con, home)


def test_another_book_is_its_owners(home, tmp_path, monkeypatch, row):
    monkeypatch.setattr(committed, "FOLDER", tmp_path)
    (tmp_path / "price_book.txt").write_text("0123456789ab\n", encoding="utf-8")
    require_valid_tables(home, seed=write_book(tmp_path / "price_book.csv", [row()]))
    (found,) = find_table_problems(home, seed=Path(os.path.relpath(SEED)))
    assert found.cause == "1 committed row was changed or removed; not committed before: line 2, 3, 4, 5, 6 …"
