"""The price book, for finance: rates in force and their history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashboards import cells
from dashboards.page import Card, Column, Page, Table
from pipelines.publish import numbers

if TYPE_CHECKING:
    from pipelines.publish.facts import Facts, Row

ROWS = 300


def page(facts: Facts) -> Page:
    """Rates in force at the end of the data, models in use first; then every rate that was replaced."""
    in_force = [r for r in facts.prices if r["in_force"]]
    old = [r for r in facts.prices if r["valid_to"] is not None or not r["in_force"]]
    used = {(r["provider"], r["model"], r["model_tier"]) for r in in_force if r["in_use"]}
    total = facts.total
    cards = [
        Card("in-force", f"{len(in_force):,} rates in force; {len(used):,} of {len(facts.models):,} models in use have one",
             "What does each token cost today?", term="price-book",
             tables=[_table("in-force-table", "Rates in force", in_force)],
             how=f"In force at the end of the data. Version {facts.build['price_book_digest'][:12]}; "
             f"{numbers.count(total['unpriced_requests'])} requests found no rate."),
        Card("history", _history_title(old), "What did it cost before?", tables=[_table("history-table", "Earlier and later rates", old)],
             how="The book only grows: a request keeps the rate of its own instant.", term="price-book"),
    ]  # fmt: skip
    return Page("prices.html", "cards.html.j2", "prices", "Prices", {"tiles": [], "cards": cards})


def _history_title(rows: list[Row]) -> str:
    models = {(r["provider"], r["model"], r["model_tier"]) for r in rows}
    return f"{len(rows):,} rates of {len(models):,} models were in force at other times" if rows else "No rate was ever replaced"


def _table(id: str, caption: str, rows: list[Row]) -> Table:  # noqa: A002
    columns = [Column("Model", "model", text=True), Column("Provider", "provider", text=True), Column("Card", "card", text=True),
               Column("Service tier", "service tier", text=True), Column("Token kind", "token kind", text=True),
               Column("From input", "from input tokens"), Column("Price per 1M", "price per 1M"), Column("Currency", "currency", text=True),
               Column("Valid from", "valid from (UTC)", text=True), Column("Valid to", "valid to (UTC)", text=True),
               Column("Checked", "checked on", text=True)]  # fmt: skip
    lines = []
    for row in rows[:ROWS]:
        model = row["model"] + (" \u00b7 fine-tuned" if row["model_tier"] == "fine_tuned" else "")
        price = numbers.per_million(row["price"], row["per"])
        lines.append(
            [cells.text(model), cells.text(row["provider"], css="l"), cells.text(row["card"], css="l"),
             cells.text(row["service_tier"], css="l"), cells.text(str(row["unit"]).replace("_", " "), css="l"),
             cells.count(row["context_from"]) if row["context_from"] else cells.text(""), cells.rate(price, row["currency"]),
             cells.text(row["currency"], css="l"), cells.day(row["valid_from"].date()),
             cells.day(row["valid_to"].date() if row["valid_to"] else None), cells.day(row["checked_on"])]
        )  # fmt: skip
    note = f"The first {ROWS:,} of {len(rows):,}, models in use first; all are in exports/published/price_book.parquet." if len(rows) > ROWS else ""
    return Table(id, caption, columns, lines, controls=True, note=note, empty="The price book has no such rate.")

