"""What an import proposes: from when, and that nothing of the book changes."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import MeterhouseError
from pipelines.pricing.append import append_rows
from pipelines.pricing.importer import instant_of, propose
from pipelines.pricing.series import MILLION, Change, LeftOut, Series, Source, inexact, price_text
from pipelines.pricing.tables import RATES, read_rows
from tests.pricing.price_books import price_row

TODAY = date(2026, 11, 22)
NOW = "2026-11-22T00:00:00Z"


def series(*changes: tuple[date | None, str | None], **key) -> Series:
    key = {"unit": "input", **key}
    per = key.pop("per", MILLION)
    return Series(
        provider="acme",
        model="m-1",
        entry="acme/m",
        changes=tuple(
            Change(day and instant_of(day), None if price is None else Decimal(price), "origin 0, entry acme/m", per)
            for day, price in changes
        ),
        **key,
    )


def proposal(book, *known, on=TODAY, says_ends=False):
    return propose(book, Source("origin", list(known), says_ends=says_ends), on)


def proposed(book, *known, **how):
    return [(r["valid_from"], r["price"], r["valid_to"]) for r in proposal(book, *known, **how).rows]


def test_undated_price_is_valid_from_the_day_of_import():
    assert proposed([], series((None, "2.5"))) == [(NOW, "2.50", "")]


def test_dated_price_is_valid_from_its_date_and_replaces_the_undated():
    known = series((None, "3"), (date(2026, 3, 1), "2"))
    assert proposed([], known) == [("2026-03-01T00:00:00Z", "2.00", "")]


def test_announced_price_follows_todays():
    known = series((None, "1"), (date(2027, 1, 1), "2"))
    assert proposed([], known) == [(NOW, "1.00", ""), ("2027-01-01T00:00:00Z", "2.00", "")]


def test_price_that_stops_is_ended():
    known = series((None, "1"), (date(2027, 1, 1), None))
    assert proposed([], known) == [(NOW, "1.00", "2027-01-01T00:00:00Z")]


@pytest.mark.parametrize(("price", "per"), [("2.500", "1000000"), ("0.0025", "1000"), ("0.000002", "1")])
def test_known_price_is_not_said_again_in_whatever_block(price, per):
    same = Decimal(price) * (MILLION // int(per))
    found = proposal([price_row(price=price, per=per)], series((None, str(same))))
    assert (found.rows, found.unchanged) == ([], 1)
    assert proposal([price_row(price=price, per=per)], series((None, price), per=int(per))).rows == []


def test_another_price_supersedes_and_names_the_old_row():
    old = price_row(price="3.00")
    (one,) = proposal([old], series((None, "2.5"))).changed
    assert (one.row["valid_from"], one.row["price"], one.row["known_from"]) == (NOW, "2.50", NOW)
    assert one.before == old
    assert not one.is_end


def test_ended_row_does_not_count_as_known():
    book = [price_row(price="2.50", valid_to="2025-01-01T00:00:00Z")]
    (one,) = proposal(book, series((None, "2.5"))).added
    assert (one.row["valid_from"], one.before) == (NOW, None)


@pytest.mark.parametrize(
    "key",
    [
        {"card": "own"},
        {"model_tier": "fine_tuned"},
        {"service_tier": "batch"},
        {"region": "eu"},
        {"unit": "output"},
        {"currency": "EUR"},
        {"context_from": 1},
    ],
)
def test_every_part_of_the_key_is_compared(key):
    (one,) = proposal([price_row(price="2.50")], series((None, "2.5"), **key)).added
    assert {name: one.row[name] for name in key} == {name: str(value) for name, value in key.items()}


def test_late_news_also_corrects_the_import_after_it():
    book = [price_row(price="5.00", valid_from="2026-11-01T00:00:00Z", source="origin 0")]
    known = series((None, "5"), (date(2026, 10, 1), "4"))
    assert proposed(book, known) == [
        ("2026-10-01T00:00:00Z", "4.00", ""),
        ("2026-11-01T00:00:00Z", "4.00", ""),
    ]


def test_later_row_of_another_source_is_left_alone():
    book = [price_row(price="5.00", valid_from="2027-03-01T00:00:00Z", source="price page")]
    assert proposed(book, series((None, "4"))) == [(NOW, "4.00", "")]


def test_unit_the_source_dropped_is_told_and_kept():
    known = series((None, "1"), (date(2026, 3, 1), None))
    found = proposal([price_row(price="1.00")], known)
    assert found.rows == []
    assert found.left_out == [
        LeftOut("the source no longer prices it; the book stays as it is", "acme m-1 standard input")
    ]


def test_a_source_that_says_ends_ends_a_row_by_a_new_one():
    known = series((date(2024, 1, 1), "1"), (date(2026, 3, 1), None))
    found = proposal([price_row(price="1.00")], known, says_ends=True)
    (one,) = found.changed
    assert one.is_end
    assert (one.row["valid_from"], one.row["valid_to"]) == ("2024-01-01T00:00:00Z", "2026-03-01T00:00:00Z")
    assert one.row["known_from"] == NOW


@pytest.mark.parametrize(("price", "reason"), [("0.1234567", "more than six decimals"), ("-1", "is negative")])
def test_price_that_cannot_stand_in_a_row_is_told(price, reason):
    found = proposal([], series((None, price)))
    assert found.rows == []
    assert reason in found.left_out[0].reason


def test_row_that_the_book_would_not_go_by_is_told():
    change = Change("2024-01-01T00:00:00Z", Decimal(2), "origin", known_from="2023-06-01T00:00:00Z")
    one = Series("acme", "m-1", "line 2", "input", (change,))
    found = proposal([price_row()], one, says_ends=True)
    assert found.rows == []
    assert "learned another price" in found.left_out[0].reason


prices = st.decimals(0, 50, places=2, allow_nan=False).map(str)
days = st.dates(date(2024, 1, 1), date(2028, 1, 1))


@given(
    st.lists(st.tuples(days, prices), max_size=4, unique_by=lambda p: p[0]),
    st.lists(st.tuples(st.none() | days, prices), min_size=1, max_size=4, unique_by=lambda p: p[0]),
)
def test_a_second_import_proposes_nothing(book, changes):
    rows = [price_row(valid_from=instant_of(day), known_from="", price=price) for day, price in book]
    known = series(*sorted(changes, key=lambda c: (c[0] is not None, c[0])))
    rows += proposal(rows, known).rows
    assert proposal(rows, known).rows == []


@given(st.decimals(0, 10**9, places=6, allow_nan=False))
def test_price_text_is_plain_and_exact(price):
    text = price_text(price)
    assert Decimal(text) == price
    assert inexact(price) is None
    assert "e" not in text.lower()
    assert len(text.split(".")[1]) >= 2


# Appending.


def test_appended_rows_are_sorted_and_old_ones_kept_to_the_letter(book_of, row):
    path = book_of([row(price="3.000", source='said, "so"'), row(unit="output", price="9")])
    before = path.read_text(encoding="utf-8").splitlines()
    append_rows(path, proposal([], series((None, "2.5"))).rows)
    after = path.read_text(encoding="utf-8").splitlines()
    assert len(after) == 4
    assert [line for line in after if line in before] == before
    assert after[2].startswith("list,acme,m-1,base,standard,,input,2.50,1000000,USD,0,2026-11-22")
    append_rows(path, [])
    assert path.read_text(encoding="utf-8").splitlines() == after


def test_a_file_that_is_not_there_is_made(tmp_path, row):
    path = tmp_path / "home" / "prices" / "own.csv"
    append_rows(path, [row(card="own")])
    assert read_rows(RATES, [path])["card"].to_pylist() == ["own"]


def test_overlap_is_refused_and_the_file_untouched(book_of, row):
    path = book_of([row()])
    before = path.read_bytes()
    with pytest.raises(MeterhouseError, match="Nothing was written") as raised:
        append_rows(path, [row(price="2.00")])
    assert "starts twice" in raised.value.cause
    assert str(raised.value.file) == str(path)
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir() if p.suffix == ".new"] == []


def test_rows_are_checked_together_with_the_files_beside(tmp_path, book_of, row):
    seed = book_of([row()])
    path = tmp_path / "home" / "own.csv"
    with pytest.raises(MeterhouseError, match="starts twice"):
        append_rows(path, [row(price="2.00")], beside=[seed])
    assert not path.exists()
    append_rows(path, [row(price="2.00", known_from=NOW)], beside=[seed])
    assert path.exists()
