"""Price-book rows as the simulator needs them: to find a rate, and to make the demo's cost card.

A plain Python reading of the CSV, apart from the SQL that rates real usage, so that the one can
check the other. Sums of money belong in `money.py`.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.errors import MeterhouseError
from pipelines.simulate.catalogue import COST_CARD, COST_SHARE, PROVIDER
from pipelines.simulate.traffic import base_of

if TYPE_CHECKING:
    from collections.abc import Sequence

HEADER = (
    "card", "provider", "model", "model_tier", "service_tier", "unit", "price", "per", "currency",
    "context_from", "valid_from", "valid_to", "known_from", "source", "checked_on",
)  # fmt: skip
PRICE_STEP = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class PriceRow:
    """One row of the book; `text` keeps it as written."""

    card: str
    model: str
    model_tier: str
    service_tier: str
    unit: str
    price: Decimal  # of one token
    valid_from: datetime
    valid_to: datetime | None
    known_from: datetime
    text: dict[str, str]


def price_book_path() -> Path:
    """The project's list prices."""
    return Path(__file__).resolve().parents[2] / "dbt_project" / "seeds" / "price_book.csv"


def load_book(path: Path) -> list[PriceRow]:
    """The provider's rows of a price-book CSV, without long-context tiers (none is used here)."""
    if not path.exists():
        raise MeterhouseError(
            "the price book is missing.",
            file=path,
            way_out="Run from a complete copy of the project.",
        )
    with path.open(newline="", encoding="utf-8") as file:
        rows = [r for r in csv.DictReader(file) if r["provider"] == PROVIDER and r["context_from"] in {"", "0"}]
    return [
        PriceRow(
            card=r["card"],
            model=r["model"],
            model_tier=r["model_tier"],
            service_tier=r["service_tier"],
            unit=r["unit"],
            price=Decimal(r["price"]) / Decimal(r["per"]),
            valid_from=datetime.fromisoformat(r["valid_from"]),
            valid_to=datetime.fromisoformat(r["valid_to"]) if r["valid_to"] else None,
            known_from=datetime.fromisoformat(r["known_from"]),
            text=r,
        )
        for r in rows
    ]


def rates_at(book: Sequence[PriceRow], model: str, *, card: str, batch: bool, at: datetime) -> dict[str, Decimal]:
    """Price of one token by unit, for the exact model id at that instant; {} when there is none.

    The row that began last is in force until its end; of rows with one start the last known counts.
    A tuned model has the rates of its base's `fine_tuned` rows only.
    """
    base, tier = base_of(model), "fine_tuned" if model.startswith("ft:") else "base"
    service_tier = "batch" if batch else "standard"
    begun: dict[str, PriceRow] = {}
    for row in book:
        same = (row.card, row.model, row.model_tier, row.service_tier) == (
            card,
            base,
            tier,
            service_tier,
        )
        if not same or row.valid_from > at:
            continue
        other = begun.get(row.unit)
        if other is None or (row.valid_from, row.known_from) > (other.valid_from, other.known_from):
            begun[row.unit] = row
    return {u: r.price for u, r in begun.items() if r.valid_to is None or at < r.valid_to}


def current_rates(book: Sequence[PriceRow], model: str, *, batch: bool, at: datetime) -> dict[str, Decimal]:
    """What a gateway without a price history would use: the list price at the end of the period."""
    return rates_at(book, model, card="list", batch=batch, at=at)


def write_cost_card(book: Sequence[PriceRow], path: Path) -> None:
    """The demo's cost card: a share of list price for each model used, in the book's own form."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, HEADER, lineterminator="\n")
        writer.writeheader()
        for row in book:
            share = COST_SHARE.get((row.model, row.model_tier))
            if row.card != "list" or share is None or row.unit == "training":
                continue
            price = (Decimal(row.text["price"]) * Decimal(share)).quantize(PRICE_STEP)
            changed = {
                "card": COST_CARD,
                "price": format(price, "f"),
                "source": f"demo assumption: {Decimal(share) * 100:.0f}% of list price",
            }
            writer.writerow({name: row.text[name] for name in HEADER} | changed)
