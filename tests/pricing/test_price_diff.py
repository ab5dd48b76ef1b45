"""What differs between two books, and when; and how prices and terms are listed."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.pricing.diff import diff_prices
from pipelines.pricing.listing import select_prices, select_terms
from pipelines.pricing.tables import RATES, TERMS, read_rows
from tests.pricing.price_books import price_row, term_row, write_book, write_rows

MARCH, JUNE = "2024-03-01T00:00:00Z", "2024-06-01T00:00:00Z"


def at(text):
    return datetime.fromisoformat(text.removesuffix("Z"))


@pytest.fixture
def differ(tmp_path):
    """Differences of two lists of rows: change, from, to, old, new, percent."""

    def compare(old, new, **how):
        found = diff_prices(
            read_rows(RATES, [write_book(tmp_path / "old.csv", old)]),
            read_rows(RATES, [write_book(tmp_path / "new.csv", new)]),
            **how,
        )
        return [(one.change, one.starts_at, one.ends_at, one.old, one.new, one.percent) for one in found]

    return compare


START = at("2024-01-01")


def test_the_same_prices_said_otherwise_are_no_difference(differ, row):
    old = [row(), row(valid_from=MARCH), row(valid_from=JUNE, price="2.00")]
    new = [row(price="0.001", per="1000", source="else"), row(valid_from=JUNE, price="2.0")]
    assert differ(old, new) == []


def test_added_and_ended(differ, row):
    assert differ([], [row()]) == [("added", START, None, None, Decimal(1), None)]
    assert differ([row()], []) == [("ended", START, None, Decimal(1), None, None)]
    assert differ([row()], [row(valid_to=MARCH)]) == [("ended", at(MARCH), None, Decimal(1), None, None)]


def test_dearer_and_cheaper_with_percent(differ, row):
    assert differ([row()], [row(), row(valid_from=MARCH, price="1.25")]) == [
        ("dearer", at(MARCH), None, Decimal(1), Decimal("1.25"), Decimal("25.00"))
    ]
    assert differ([row(price="3.00")], [row(price="2.00")]) == [
        ("cheaper", START, None, Decimal(3), Decimal(2), Decimal("-33.33"))
    ]
    assert differ([row(price="0")], [row(price="2.00")])[0][5] is None


def test_a_change_holds_between_its_instants_only(differ, row):
    new = [row(), row(valid_from=MARCH, price="2.00"), row(valid_from=JUNE)]
    assert differ([row()], new) == [("dearer", at(MARCH), at(JUNE), Decimal(1), Decimal(2), Decimal("100.00"))]


def test_another_currency_is_another_price(differ, row):
    found = differ([row()], [row(currency="EUR")])
    assert [(change, old, new) for change, _, _, old, new, _ in found] == [
        ("added", None, Decimal(1)),
        ("ended", Decimal(1), None),
    ]


def test_what_was_known_when(differ, row):
    book = [row(), row(price="2.00", known_from=JUNE)]
    assert differ(book, book) == []
    found = differ(book, book, old_known_at=at("2024-05-31"), new_known_at=at(JUNE))
    assert found == [("dearer", START, None, Decimal(1), Decimal(2), Decimal("100.00"))]


@pytest.mark.parametrize(
    ("unit", "price", "per", "shown", "block"),
    [
        ("input", "0.002", "1000", "2", 1_000_000),
        ("output", "0.000001", "1", "1", 1_000_000),
        ("gpu_hour", "2.5", "1", "2.5", 1),
        ("hosting_hour", "3", "1", "3", 1),
        ("web_search", "0.01", "1", "10", 1_000),
        ("request", "4", "1000", "4", 1_000),
    ],
)
def test_prices_are_for_what_the_unit_is_sold_by(tmp_path, row, unit, price, per, shown, block):
    new = write_book(tmp_path / "new.csv", [row(unit=unit, price=price, per=per)])
    (found,) = diff_prices(read_rows(RATES, []), read_rows(RATES, [new]))
    assert (found.new, found.per) == (Decimal(shown), block)


def test_only_what_is_asked_for(differ, row):
    new = [row(), row(model="m-2"), row(provider="other"), row(card="own")]
    assert len(differ([], new)) == 4
    assert len(differ([], new, model="m-2")) == 1
    assert len(differ([], new, provider="other")) == 1
    assert len(differ([], new, card="own")) == 1


books = st.lists(
    st.builds(
        lambda month, months, price: price_row(
            valid_from=f"2024-{month:02}-01T00:00:00Z",
            valid_to=f"2024-{month + months:02}-01T00:00:00Z" if months else "",
            # Later starts are known later, so that any two rows may stand together.
            known_from=f"2024-{month:02}-01T00:00:00Z",
            price=price,
        ),
        st.integers(1, 6),
        st.integers(0, 6),
        st.sampled_from(["1.00", "2.00", "3.00"]),
    ),
    max_size=4,
    unique_by=lambda r: r["valid_from"],
)


def price_at(rows, instant):
    """The obvious reading: the last row begun, unless it has ended."""
    begun = [r for r in rows if r["valid_from"] <= instant]
    last = max(begun, key=lambda r: r["valid_from"], default=None)
    return None if last is None or (last["valid_to"] and last["valid_to"] <= instant) else Decimal(last["price"])


@settings(deadline=None, max_examples=40)
@given(books, books)
def test_every_instant_is_told_exactly_where_prices_differ(tmp_path_factory, old, new):
    folder = tmp_path_factory.mktemp("books")
    found = diff_prices(
        *(read_rows(RATES, [write_book(folder / name, rows)]) for name, rows in (("old.csv", old), ("new.csv", new)))
    )
    for month in range(1, 13):
        instant = f"2024-{month:02}-15T00:00:00Z"
        told = [
            (one.old, one.new)
            for one in found
            if one.starts_at <= at(instant) and (one.ends_at is None or at(instant) < one.ends_at)
        ]
        prices = (price_at(old, instant), price_at(new, instant))
        assert told == ([] if prices[0] == prices[1] else [prices])


# Lists.


def test_list_shows_every_part_of_the_key_and_filters(book_of, row):
    rows = read_rows(
        RATES,
        [
            book_of(
                [
                    row(),
                    row(region="eu", price="1.10", valid_from=MARCH, known_from=JUNE),
                    row(card="own", unit="request", per="1000", price="0.4"),
                ]
            )
        ],
    )
    lifetime = ("2024-01-01T00:00:00Z", "open")
    said = ("2024-01-01T00:00:00Z", "2024-01-01", "price page")
    assert select_prices(rows, card="own") == [
        ("own", "acme", "m-1", "base", "standard", "", "request", "0.400000 USD", "1000", "0", *lifetime, *said)
    ]
    assert [r[5] for r in select_prices(rows, card="list")] == ["", "eu"]
    assert [r[5] for r in select_prices(rows, card="list", at=at("2024-02-01"))] == [""]
    assert [r[5] for r in select_prices(rows, card="list", known_at=at("2024-05-31"))] == [""]
    assert select_prices(rows, provider="other") == select_prices(rows, model="m-2") == []


def test_terms_are_listed_in_the_order_of_application(tmp_path):
    rows = [
        term_row("volume", unit="output", percent="", price="0.5", per="1000", currency="EUR"),
        term_row("graduated", quantity="1000000", percent="12.5"),
        term_row("graduated"),
        term_row("allowance", quantity="5000"),
        term_row("discount", valid_to=JUNE),
        term_row("uplift", region="eu"),
        term_row("card", card="contract"),
        term_row("discount", side="cost"),
        term_row("markup", organization_id="*"),
        term_row("markup", organization_id="*", model="m-1", percent=""),
        term_row("discount", organization_id="org-2", known_from=JUNE),
    ]
    table = read_rows(TERMS, [write_rows(tmp_path / "terms.csv", TERMS, rows)])
    shown = [(r[0], r[1], r[7], r[8], r[10]) for r in select_terms(table, organization="org-1")]
    assert shown == [
        ("*", "markup", "", "+20 %", "open"),
        ("*", "markup", "", "no mark-up", "open"),
        ("org-1", "card", "", "card contract", "open"),
        ("org-1", "uplift", "", "+10 %", "open"),
        ("org-1", "discount", "", "-10 %", JUNE),
        ("org-1", "allowance", "5000", "free", "open"),
        ("org-1", "graduated", "0", "-0 %", "open"),
        ("org-1", "graduated", "1000000", "-12.5 %", "open"),
        ("org-1", "volume", "0", "0.500000 EUR per 1000", "open"),
        ("org-1", "discount", "", "-10 %", "open"),
    ]
    assert len(select_terms(table)) == 11
    assert len(select_terms(table, known_at=at("2024-05-31"))) == 10
    assert [r[1] for r in select_terms(table, organization="org-1", at=at(JUNE)) if r[2] == "revenue"].count(
        "discount"
    ) == 0
