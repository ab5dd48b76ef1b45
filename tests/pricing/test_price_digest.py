"""The digest of the prices: the same for the same prices, another for any other."""

from __future__ import annotations

import pytest

from pipelines.errors import MeterhouseError
from pipelines.pricing.digest import price_book_digest
from tests.pricing.price_books import (
    DEFAULTS,
    alias_row,
    exchange_row,
    hours_row,
    term_row,
    write_book,
    write_home,
)


def test_order_of_rows_and_way_of_writing_do_not_count(tmp_path, row):
    rows = [row(unit=unit, price=price) for unit, price in [("input", "0.5"), ("output", "2"), ("training", "8")]]
    first = price_book_digest(seed=write_book(tmp_path / "a.csv", rows))
    rows.reverse()
    rows[0]["price"] += ".00"
    rows[2]["price"] += "0"
    assert price_book_digest(seed=write_book(tmp_path / "b.csv", rows)) == first
    assert len(first) == 64


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("card", "contract"),
        ("model", "m-2"),
        ("model_tier", "fine_tuned"),
        ("service_tier", "batch"),
        ("region", "eu"),
        ("unit", "output"),
        ("price", "1.000001"),
        ("currency", "EUR"),
        ("context_from", "1"),
        ("valid_from", "2024-01-01T00:00:00.000001Z"),
        ("valid_to", "2025-01-01T00:00:00Z"),
        ("known_from", "2024-01-02T00:00:00Z"),
        ("source", "elsewhere"),
        ("checked_on", "2024-01-02"),
    ],
)
def test_every_field_counts(tmp_path, row, field, value):
    assert DEFAULTS[field] != value
    before = price_book_digest(seed=write_book(tmp_path / "a.csv", [row()]))
    after = price_book_digest(seed=write_book(tmp_path / "b.csv", [row(**{field: value})]))
    assert before != after


def test_home_cards_count(tmp_path, row, home):
    seed = write_book(tmp_path / "a.csv", [row()])
    alone = price_book_digest(home, seed=seed)
    assert alone == price_book_digest(seed=seed)
    write_book(home.prices / "own.csv", [row(card="contract")])
    assert price_book_digest(home, seed=seed) != alone


@pytest.mark.parametrize(
    ("table", "one", "other"),
    [
        ("aliases", alias_row(), alias_row(model="m-2")),
        ("terms", term_row("discount"), term_row("discount", percent="11")),
        ("exchange_rates", exchange_row(), exchange_row(rate="1.086")),
        ("serving_hours", hours_row(), hours_row(gpu_hours="23")),
    ],
)
def test_every_table_of_a_home_counts(tmp_path, row, home, table, one, other):
    seed = write_book(tmp_path / "a.csv", [row(), row(model="m-2")])
    digests = [price_book_digest(home, seed=seed)]
    for rows in ([one], [other]):
        write_home(home, **{table: rows})
        digests.append(price_book_digest(home, seed=seed))
    assert len(set(digests)) == 3


def test_faulty_card_is_refused(tmp_path, row, home):
    write_book(home.prices / "own.csv", [row(card="contract", price="-1")])
    with pytest.raises(MeterhouseError, match=r"own.csv, line 2, field price: price -1 is negative"):
        price_book_digest(home, seed=write_book(tmp_path / "a.csv", [row()]))
