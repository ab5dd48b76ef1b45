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
_SET = ("provider", "model", "model_tier", "service_tier", "card", "context_from", "currency")
_KEYS = (*_SET, "valid_from", "valid_to")


def page(facts: Facts) -> Page:
    """Rates in force at the end of the data, models in use first; then every rate of another
    time."""
    in_force = [r for r in facts.prices if r["in_force"]]
    other = [r for r in facts.prices if not r["in_force"]]
    last_day = facts.build["data_through"].date().isoformat()
    used = {(r["provider"], r["model"], r["model_tier"]) for r in in_force if r["in_use"]}
    cards = [
        Card(
            "in-force",
            f"{len(used):,} of {len(facts.models):,} models in use have a rate in force on {last_day}",
            f"What does each token cost on {last_day}, per million?",
            term="price-book",
            tables=[
                _table("in-force-table", f"Rates in force on {last_day}, per million tokens", _in_force_sets(in_force))
            ],
            how=f"One row a rate set, as it stood on {last_day}, the last day of the data; {len(in_force):,} "
            f"rates in all, version {facts.build['price_book_digest'][:12]}. Valid from is the newest change of "
            "the row. A dash: no rate for that kind of token on that day, so a request that uses such tokens "
            "has no price.",
        ),
        Card(
            "history",
            _history_title(other),
            "What did it cost at other times?",
            tables=[_table("history-table", "Rates of other times, per million tokens", _interval_sets(other))],
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


def _in_force_sets(rows: list[Row]) -> list[list[Row]]:
    """Rates of one day by rate set, whatever day each of them dates from; the newest of a unit counts."""
    made = []
    for _, group in groupby(sorted(rows, key=_order), key=lambda r: tuple(r[k] for k in _SET)):
        newest: dict[str, Row] = {}
        for rate in sorted(group, key=lambda r: (r["valid_from"], r["known_from"])):
            newest[rate["unit"]] = rate
        made.append(list(newest.values()))
    return made


def _interval_sets(rows: list[Row]) -> list[list[Row]]:
    """Rates by rate set and the time they were valid in."""
    return [list(group) for _, group in groupby(sorted(rows, key=_order), key=_key)]


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
        row["currency"],
        -row["valid_from"].toordinal(),
        row["valid_from"],
        row["valid_to"] is None,
        row["valid_to"] or row["valid_from"],
    )


def _table(id: str, caption: str, sets: list[list[Row]]) -> Table:  # noqa: A002
    """One row a set of rates, one column a token kind that is priced anywhere in them."""
    rows = [r for rates in sets for r in rates]
    present = {r["unit"] for r in rows}
    units = [(u, label) for u, label in UNITS if u in present]
    long_context = any(r["context_from"] for r in rows)
    lines = []
    for rates in sets:
        row = rates[0]
        ends = [r["valid_to"] for r in rates if r["valid_to"]]
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
                cells.day(max(r["valid_from"] for r in rates).date()),
                cells.day(min(ends).date() if ends else None),
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
