"""Reading price files and putting a home's cards into the warehouse."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import pytest

from pipelines.errors import MeterhouseError
from pipelines.pricing.book import COLUMNS, read_rows, write_home_prices
from tests.pricing.price_books import write_book


def test_lines_are_those_of_the_file(tmp_path, row):
    path = write_book(tmp_path / "a.csv", [row(source="one,\ntwo lines"), row(unit="output")])
    assert read_rows([path])["line"].to_pylist() == [2, 4]


def test_home_without_cards_gets_an_empty_table(connection, home):
    assert write_home_prices(connection, home) == 0
    columns = connection.execute("describe run.home_prices").fetchall()
    assert [name for name, *_ in columns] == list(COLUMNS)
    types = {name: type_ for name, type_, *_ in columns}
    assert types["price"] == "DECIMAL(18,6)"
    assert types["valid_from"] == types["valid_to"] == types["known_from"] == "TIMESTAMP"
    assert (types["per"], types["context_from"], types["checked_on"]) == (
        "BIGINT",
        "BIGINT",
        "DATE",
    )


def test_cards_are_replaced_not_added(connection, home, row):
    write_book(home.prices / "a.csv", [row(card="contract", known_from="")])
    write_book(home.prices / "b.csv", [row(card="cost", price="0.25")])
    assert write_home_prices(connection, home) == 2
    assert write_home_prices(connection, home) == 2
    rows = connection.execute(
        "select card, price, valid_from, valid_to, known_from from run.home_prices order by card"
    ).fetchall()
    start = datetime.fromisoformat("2024-01-01")
    assert rows == [
        ("contract", Decimal("1.00"), start, None, start),
        ("cost", Decimal("0.25"), start, None, start),
    ]
    (home.prices / "a.csv").unlink()
    assert write_home_prices(connection, home) == 1


def test_faulty_card_leaves_the_table_as_it_was(connection, home, row):
    write_book(home.prices / "a.csv", [row(card="contract")])
    write_home_prices(connection, home)
    write_book(home.prices / "b.csv", [row(card="cost", unit="requests")])
    with pytest.raises(MeterhouseError, match=r"b.csv, line 2, field unit: unknown unit 'requests'"):
        write_home_prices(connection, home)
    assert connection.execute("select card from run.home_prices").fetchall() == [("contract",)]
