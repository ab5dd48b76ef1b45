"""Rows that come with Meterhouse are append-only: none that was committed may change or go."""

from __future__ import annotations

import pytest

from pipelines.errors import MeterhouseError
from pipelines.pricing.committed import changed_rows, record, unrecorded_rows
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
