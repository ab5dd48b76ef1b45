"""Fixtures of the price tests."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from pipelines.home import Home
from tests.pricing.price_books import build_rates, price_row, write_book

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home without price cards."""
    return Home(tmp_path / "home")


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        yield opened


@pytest.fixture
def row() -> Callable[..., dict[str, str]]:
    return price_row


@pytest.fixture
def book_of(tmp_path: Path) -> Callable[[list[dict[str, str]]], Path]:
    """Writes rows to a book of the test's own."""
    return lambda rows: write_book(tmp_path / "book.csv", rows)


@pytest.fixture
def rates_of(connection: duckdb.DuckDBPyConnection, home: Home, tmp_path: Path) -> Callable[..., list[dict[str, Any]]]:
    """Rates of a book (rows, or a path) as a list of dicts."""

    def build(book: list[dict[str, str]] | Path) -> list[dict[str, Any]]:
        path = book if isinstance(book, Path) else write_book(tmp_path / "book.csv", book)
        build_rates(connection, path, home)
        found = connection.execute(
            "select * from price_rates order by card, provider, model, model_tier, service_tier,"
            " currency, valid_from, context_from"
        )
        names = [column[0] for column in found.description]
        return [dict(zip(names, values, strict=True)) for values in found.fetchall()]

    return build
