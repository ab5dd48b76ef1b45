"""Writes small price books and renders the model price_rates without dbt."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import jinja2

from pipelines.pricing.book import COLUMNS, SEED, TYPED, read_rows, write_home_prices

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

    from pipelines.home import Home

PRICE_RATES = SEED.parents[1] / "models" / "rating" / "price_rates.sql"

DEFAULTS = {
    "card": "list",
    "provider": "acme",
    "model": "m-1",
    "model_tier": "base",
    "service_tier": "standard",
    "unit": "input",
    "price": "1.00",
    "per": "1000000",
    "currency": "USD",
    "context_from": "0",
    "valid_from": "2024-01-01T00:00:00Z",
    "valid_to": "",
    "known_from": "2024-01-01T00:00:00Z",
    "source": "price page",
    "checked_on": "2024-01-01",
}


def price_row(**changes: str) -> dict[str, str]:
    """One valid row of a book, with `changes`."""
    return {**DEFAULTS, **changes}


def write_book(path: Path, rows: list[dict[str, str]]) -> Path:
    """A price file with these rows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path


def build_rates(connection: duckdb.DuckDBPyConnection, book: Path, home: Home) -> None:
    """Tables price_book, run.home_prices and price_rates, as dbt would build them."""
    connection.register("book_text", read_rows([book]))
    connection.execute(f"create or replace table price_book as select {TYPED} from book_text")
    write_home_prices(connection, home, seed=book)
    sql = jinja2.Template(PRICE_RATES.read_text(encoding="utf-8")).render(
        config=lambda **_: "",
        ref=lambda name: name,
        source=lambda schema, name: f"{schema}.{name}",
    )
    connection.execute(f"create or replace table price_rates as {sql}")
