"""Fixtures of the price tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
import pytest

from pipelines.home import Home
from pipelines.pricing.check import find_table_problems
from pipelines.pricing.tables import SEEDS
from tests.pricing.price_books import price_row, write_book, write_home

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from pipelines.pricing.findings import Finding
    from tests.pricing.price_books import Row


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home without price cards."""
    found = Home(tmp_path / "home")
    found.root.mkdir()
    return found


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        yield opened


@pytest.fixture
def row() -> Callable[..., Row]:
    return price_row


@pytest.fixture
def book_of(tmp_path: Path) -> Callable[[list[Row]], Path]:
    """Writes rows to a book of the test's own."""
    return lambda rows: write_book(tmp_path / "book.csv", rows)


@pytest.fixture
def problems_of(home: Home, tmp_path: Path) -> Callable[..., list[Finding]]:
    """Findings of a home with these rows of its own, beside a book that prices acme m-1 on the card list."""

    def find(*, book: Sequence[Row] | None = None, **tables: Sequence[Row]) -> list[Finding]:
        seed = write_book(tmp_path / "seed.csv", [price_row()] if book is None else book)
        write_home(home, **tables)
        found = find_table_problems(home, seed=seed)
        return [one for one in found if not one.file.startswith(str(SEEDS))]

    return find
