"""Putting a home's own rows of every price table into the warehouse."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import pytest

from pipelines.errors import MeterhouseError
from pipelines.pricing.book import write_home_tables
from pipelines.pricing.tables import RATES, TABLES, TERMS, read_rows
from tests.pricing.price_books import (
    alias_row,
    exchange_row,
    hours_row,
    term_row,
    write_book,
    write_home,
)

START = datetime.fromisoformat("2024-01-01")


def cards(connection):
    return connection.execute("select card, price from run.home_prices order by card").fetchall()


def test_lines_are_those_of_the_file(tmp_path, row):
    path = write_book(tmp_path / "a.csv", [row(source="one,\ntwo lines"), row(unit="output")])
    assert read_rows(RATES, [path])["line"].to_pylist() == [2, 4]


def test_home_without_files_gets_empty_tables(connection, home):
    write_home_tables(connection, home)
    for table in TABLES:
        assert connection.execute(f"select count(*) from {table.warehouse}").fetchone() == (0,)
        described = {name: type_ for name, type_, *_ in connection.execute(f"describe {table.warehouse}").fetchall()}
        assert [name for name in described if name != "term_id"] == list(table.columns)
    types = dict(connection.execute("select column_name, column_type from (describe run.home_prices)").fetchall())
    assert types["price"] == "DECIMAL(18,6)"
    assert types["valid_from"] == types["valid_to"] == types["known_from"] == "TIMESTAMP"
    assert (types["per"], types["context_from"], types["checked_on"]) == ("BIGINT", "BIGINT", "DATE")


def test_every_table_is_typed(connection, home, row):
    write_home(
        home,
        rates=[row(card="contract", region="eu", known_from="")],
        aliases=[alias_row(valid_to="2025-01-01T00:00:00Z")],
        terms=[
            term_row("discount", percent="12.5", checked_on=""),
            term_row("graduated", quantity="0", percent="", price="0.5", per="1000", currency="EUR"),
        ],
        exchange_rates=[exchange_row(rate="1.085")],
        serving_hours=[hours_row(gpu_hours="1.5")],
    )
    write_home_tables(connection, home)
    ask = connection.execute
    assert ask("select card, region, price, valid_to, known_from from run.home_prices").fetchall() == [
        ("contract", "eu", Decimal("1.00"), None, START)
    ]
    assert ask("select alias, model, valid_to from run.home_aliases").fetchall() == [
        ("m-latest", "m-1", datetime.fromisoformat("2025-01-01"))
    ]
    terms = ask("select kind, quantity, percent, price, per, currency, card, checked_on from run.terms order by kind")
    assert terms.fetchall() == [
        ("discount", Decimal(0), Decimal("12.5"), None, None, None, None, None),
        ("graduated", Decimal(0), None, Decimal("0.5"), 1000, "EUR", None, date(2024, 1, 1)),
    ]
    assert ask("select rate, known_from from run.home_exchange_rates").fetchall() == [(Decimal("1.085"), START)]
    assert ask("select usage_date, gpu_hours from run.serving_hours").fetchall() == [(date(2024, 1, 2), Decimal("1.5"))]


def test_terms_have_ids_of_their_own(connection, home):
    terms = [term_row("graduated"), term_row("graduated", quantity="10"), term_row("volume", unit="output")]
    write_home(home, terms=[*terms, term_row("discount"), term_row("discount", valid_from="2025-01-01T00:00:00Z")])
    write_home_tables(connection, home)
    assert connection.execute("select count(distinct term_id), count(*) from run.terms").fetchone() == (5, 5)


def test_cards_are_replaced_not_added(connection, home, row):
    write_book(home.prices / "a.csv", [row(card="contract", known_from="")])
    write_book(home.prices / "b.csv", [row(card="cost", price="0.25")])
    for _ in range(2):
        write_home_tables(connection, home)
        assert cards(connection) == [("contract", Decimal("1.00")), ("cost", Decimal("0.25"))]
    (home.prices / "a.csv").unlink()
    write_home_tables(connection, home)
    assert cards(connection) == [("cost", Decimal("0.25"))]


def test_faulty_file_leaves_the_tables_as_they_were(connection, home, row):
    write_home(home, rates=[row(card="contract")])
    write_home_tables(connection, home)
    write_home(home, rates=[row(card="cost")], terms=[term_row("discount", percent="110")])
    with pytest.raises(MeterhouseError, match=r"own.csv, line 2, field percent: percent 110 is above 100"):
        write_home_tables(connection, home)
    assert cards(connection) == [("contract", Decimal("1.00"))]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_the_header_of_another_table_is_refused(tmp_path, row, table):
    other = TERMS if table is RATES else RATES
    path = tmp_path / "a.csv"
    path.write_text(",".join(other.columns) + "\n", encoding="utf-8")
    with pytest.raises(MeterhouseError, match=f"line 1: the header is not that of a file of {table.name}: missing"):
        read_rows(table, [path])


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_file_of_another_table_is_told_where_it_belongs(tmp_path, table):
    place = "prices/" if table is RATES else f"prices/{table.folder}/"
    path = tmp_path / "a.csv"
    for columns in (table.columns, reversed(table.columns)):
        path.write_text(",".join(columns) + "\n", encoding="utf-8")
        for other in TABLES:
            if other is not table:
                with pytest.raises(MeterhouseError, match=f"This is a file of {table.name}: move it to {place} of the"):
                    read_rows(other, [path])
    if table is RATES:
        path.write_text(",".join(c for c in table.columns if c != "region") + "\n", encoding="utf-8")
        with pytest.raises(MeterhouseError, match="move it to prices/ of the home"):
            read_rows(TERMS, [path])


def test_columns_in_another_order_are_told_as_such(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(",".join(reversed(TERMS.columns)) + "\n", encoding="utf-8")
    with pytest.raises(MeterhouseError, match=r"columns in another order or named twice.*Use exactly: organization_id"):
        read_rows(TERMS, [path])
