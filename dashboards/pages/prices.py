"""The price book, for finance: rates in force and their history."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from dashboards import cells
from dashboards.chart_parts import model_label
from dashboards.page import Card, Cell, Column, Page, Table
from pipelines.publish import numbers

if TYPE_CHECKING:
    from pipelines.publish.facts import Facts
    from pipelines.publish.series import Row

ROWS = 300
UNITS = (
    ("input", "Input"),
    ("cached_input", "Cached"),
    ("cache_write_5m", "Write 5 min"),
    ("cache_write_1h", "Write 1 h"),
    ("audio_input", "Audio in"),
    ("output", "Output"),
    ("audio_output", "Audio out"),
    ("training", "Training"),
)
_KEYS = (
    "provider",
    "model",
    "model_tier",
    "service_tier",
    "card",
    "context_from",
    "valid_from",
    "valid_to",
    "currency",
)


def page(facts: Facts) -> Page:
    """Rates in force at the end of the data, models in use first; then every rate of another
    time."""
    in_force = [r for r in facts.prices if r["in_force"]]
    other = [r for r in facts.prices if not r["in_force"]]
    used = {(r["provider"], r["model"], r["model_tier"]) for r in in_force if r["in_use"]}
    cards = [
        Card(
            "in-force",
            f"{len(used):,} of {len(facts.models):,} models in use have a rate in force",
            "What does each token cost today, per million?",
            term="price-book",
            tables=[_table("in-force-table", "Rates in force, per million tokens", in_force)],
            how=f"In force at the end of the data; {len(in_force):,} rates in all. Version "
            f"{facts.build['price_book_digest'][:12]}. "
            "A dash is a token kind without a rate: usage of it is not priced.",
        ),
        Card(
            "history",
            _history_title(other),
            "What did it cost at other times?",
            tables=[_table("history-table", "Rates of other times, per million tokens", other)],
            how="The book only grows: a request keeps the rate of its own instant.",
            term="price-book",
        ),
    ]
    return Page("prices.html", "cards.html.j2", "prices", "Prices", {"tiles": [], "cards": cards})


def _history_title(rows: list[Row]) -> str:
    models = {(r["provider"], r["model"], r["model_tier"]) for r in rows}
    if not rows:
        return "No rate was ever replaced"
    return f"{len(rows):,} rates of {len(models):,} model{'s' if len(models) > 1 else ''} belong to other times"


def _key(row: Row) -> tuple[Any, ...]:
    return tuple(row[k] for k in _KEYS)


def _order(row: Row) -> tuple[Any, ...]:
    """Models in use first, then by name; the list before other cards, the newest rate first."""
    return (
        not row["in_use"],
        row["provider"],
        row["model"],
        row["model_tier"],
        row["service_tier"] != "standard",
        row["service_tier"],
        row["card"] != "list",
        row["card"],
        row["context_from"],
        -row["valid_from"].toordinal(),
        row["valid_from"],
        row["valid_to"] is None,
        row["valid_to"] or row["valid_from"],
        row["currency"],
    )


def _table(id: str, caption: str, rows: list[Row]) -> Table:  # noqa: A002
    """One row an interval of a rate set, one column a token kind that is priced anywhere in it."""
    present = {r["unit"] for r in rows}
    units = [(u, label) for u, label in UNITS if u in present]
    long_context = any(r["context_from"] for r in rows)
    lines = []
    for _, group in groupby(sorted(rows, key=_order), key=_key):
        rates = list(group)
        row = rates[0]
        prices = {r["unit"]: numbers.per_million(r["price"], r["per"]) for r in rates}
        lines.append(
            [
                cells.text(model_label(row["model"], row["model_tier"])),
                cells.text(row["provider"], css="l"),
                cells.text(row["service_tier"], css="l"),
                cells.text(row["card"], css="l"),
                *(
                    [cells.count(row["context_from"]) if row["context_from"] else Cell(numbers.NOTHING, "0")]
                    if long_context
                    else []
                ),
                *(cells.listed(prices.get(u), row["currency"]) for u, _ in units),
                cells.day(row["valid_from"].date()),
                cells.day(row["valid_to"].date() if row["valid_to"] else None),
                cells.day(max((r["checked_on"] for r in rates if r["checked_on"]), default=None)),
            ]
        )
    columns = [
        Column("Model", "model", text=True),
        Column("Provider", "provider", text=True),
        Column("Service tier", "service tier", text=True),
        Column("Card", "card", text=True),
        *([Column("From input", "from input tokens")] if long_context else []),
        *(Column(label, f"{label.lower()} per 1M tokens") for _, label in units),
        Column("Valid from", "valid from (UTC)", text=True),
        Column("Valid to", "valid to (UTC)", text=True),
        Column("Checked", "checked on", text=True),
    ]
    note = (
        f"The first {ROWS:,} of {len(lines):,}, models in use first; all are in exports/published/price_book.parquet."
        if len(lines) > ROWS
        else ""
    )
    return Table(
        id,
        caption,
        columns,
        lines[:ROWS],
        controls=True,
        note=note,
        empty="The price book has no such rate.",
    )
