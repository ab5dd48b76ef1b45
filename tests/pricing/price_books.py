"""Rows of the price tables, valid as they are, and files of them."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from pipelines.pricing.tables import ALIASES, EXCHANGE_RATES, RATES, SERVING_HOURS, TERMS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pipelines.home import Home
    from pipelines.pricing.tables import PriceTable

Row = dict[str, str]

_LIFETIME = {
    "valid_from": "2024-01-01T00:00:00Z",
    "valid_to": "",
    "known_from": "2024-01-01T00:00:00Z",
    "source": "price page",
    "checked_on": "2024-01-01",
}

DEFAULTS: Row = {
    "card": "list",
    "provider": "acme",
    "model": "m-1",
    "model_tier": "base",
    "service_tier": "standard",
    "region": "",
    "unit": "input",
    "price": "1.00",
    "per": "1000000",
    "currency": "USD",
    "context_from": "0",
    **_LIFETIME,
}

_TERM: Row = {**dict.fromkeys(TERMS.columns, ""), "organization_id": "org-1", **_LIFETIME}


def price_row(**changes: str) -> Row:
    """One valid row of a book, with `changes`."""
    return {**DEFAULTS, **changes}


def term_row(kind: str, /, **changes: str) -> Row:
    """One valid term of a kind, with `changes`."""
    own = {
        "card": {"side": "revenue", "card": "list"},
        "uplift": {"side": "revenue", "percent": "10"},
        "discount": {"side": "revenue", "percent": "10"},
        "markup": {"side": "revenue", "percent": "20"},
        "allowance": {"side": "revenue", "unit": "input", "quantity": "1000"},
        "graduated": {"side": "revenue", "unit": "input", "quantity": "0", "percent": "0"},
        "volume": {"side": "revenue", "unit": "input", "quantity": "0", "percent": "0"},
    }[kind]
    return {**_TERM, "kind": kind, **own, **changes}


def alias_row(**changes: str) -> Row:
    """One valid alias of the model m-1, with `changes`."""
    return {"provider": "acme", "alias": "m-latest", "model": "m-1", **_LIFETIME, **changes}


def exchange_row(**changes: str) -> Row:
    """One valid exchange rate, with `changes`."""
    return {"from_currency": "EUR", "to_currency": "USD", "rate": "1.085", **_LIFETIME, **changes}


def hours_row(**changes: str) -> Row:
    """One valid row of serving hours, with `changes`."""
    hours = {"usage_date": "2024-01-02", "provider": "acme", "model": "m-1", "model_tier": "base", "gpu_hours": "24"}
    return {**hours, "source": "cluster", "checked_on": "", **changes}


def write_rows(path: Path, table: PriceTable, rows: Sequence[Row]) -> Path:
    """A file of this table with these rows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, table.columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_book(path: Path, rows: Sequence[Row]) -> Path:
    """A file of rates."""
    return write_rows(path, RATES, rows)


def write_home(home: Home, **tables: Sequence[Row]) -> dict[str, Path]:
    """Files `own.csv` of a home: rates, aliases, terms, exchange_rates, serving_hours."""
    known = {
        "rates": RATES, "aliases": ALIASES, "terms": TERMS, "exchange_rates": EXCHANGE_RATES,
        "serving_hours": SERVING_HOURS,
    }  # fmt: skip
    return {
        name: write_rows(home.prices / known[name].folder / "own.csv", known[name], rows)
        for name, rows in tables.items()
    }
