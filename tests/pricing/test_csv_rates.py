"""A CSV of rates as a source: its own dates, ends and sources."""

from __future__ import annotations

from datetime import date

import pytest

from pipelines.errors import MeterhouseError
from pipelines.pricing.append import append_rows
from pipelines.pricing.csv_rates import read_csv
from pipelines.pricing.importer import propose
from pipelines.pricing.tables import RATES, read_rows
from tests.pricing.price_books import write_book

TODAY = date(2026, 11, 22)
MARCH, JUNE = "2026-03-01T00:00:00Z", "2026-06-01T00:00:00Z"


@pytest.fixture
def imported(tmp_path):
    """What a CSV with these rows adds to a book with those."""

    def rows(csv, book=()):
        path = write_book(tmp_path / "in.csv", csv)
        return propose(book, read_csv(path), TODAY).rows

    return rows


def test_rows_keep_their_own_card_dates_block_source_and_knowledge(imported, row):
    given = row(card="contract", region="eu", price="0.002", per="1000", valid_from=MARCH, valid_to=JUNE, source="PDF")
    (found,) = imported([given])
    assert found == given


def test_where_the_book_learns_something_is_the_day_of_import(imported, row):
    (found,) = imported([row(known_from="", valid_from=MARCH)])
    assert (found["known_from"], found["checked_on"]) == ("2026-11-22T00:00:00Z", "2024-01-01")


def test_only_what_differs_is_added(imported, row):
    book = [row(), row(unit="output", price="5.00")]
    csv = [row(unit="output", price="5.000"), row(price="2.00", valid_from=MARCH, known_from=MARCH)]
    assert [(r["unit"], r["valid_from"]) for r in imported(csv, book)] == [("input", MARCH)]


def test_gap_between_two_rows_is_kept(imported, row):
    found = imported([row(valid_from=MARCH, valid_to=JUNE), row(valid_from="2026-07-01T00:00:00Z", price="2.00")])
    assert [(r["valid_from"], r["valid_to"]) for r in found] == [(MARCH, JUNE), ("2026-07-01T00:00:00Z", "")]


def test_an_open_row_of_the_book_is_ended_by_a_correction(imported, row, tmp_path):
    book = [row()]
    csv = [row(valid_to=MARCH, known_from="", source="contract ended")]
    (end,) = imported(csv, book)
    assert (end["valid_from"], end["valid_to"], end["known_from"]) == (
        "2024-01-01T00:00:00Z",
        MARCH,
        "2026-11-22T00:00:00Z",
    )
    path = write_book(tmp_path / "book.csv", book)
    append_rows(path, [end])
    assert imported(csv, read_rows(RATES, [path]).to_pylist()) == []


def test_a_faulty_file_is_refused_by_its_own_line(tmp_path, row):
    path = write_book(tmp_path / "in.csv", [row(), row(unit="output", price="free")])
    with pytest.raises(MeterhouseError, match=r"in.csv, line 3, field price"):
        read_csv(path)
