"""The price book, for finance: rate sets in force and those of other times."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dashboards import cells
from dashboards.chart_parts import model_label
from dashboards.page import Card, Cell, Column, Page, Table
from dashboards.quantities import QUOTED, UNITS
from pipelines.pricing import units as units_
from pipelines.publish import numbers

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal

    from pipelines.publish.facts import Facts
    from pipelines.publish.series import Row

ROWS = 300
_ENDLESS = 9999  # year in which a rate without an end ends


def page(facts: Facts) -> Page:
    """Rate sets in force at the end of the data, models in use first; then those of other times."""
    ordered = sorted(facts.prices, key=_order)
    in_force = [r for r in ordered if r["in_force"]]
    other = [r for r in ordered if not r["in_force"]]
    last_day = facts.build["data_through"].date().isoformat()
    used = {(r["provider"], r["model"], r["model_tier"]) for r in in_force if r["in_use"]}
    used_of = f"{len(used):,} of {numbers.counted(len(facts.models), 'model')} in use"
    cards = [
        Card(
            "in-force",
            f"{used_of} {'has' if len(used) == 1 else 'have'} rates in force on {last_day}",
            f"What does each token, hour and call cost on {last_day}?",
            term="price-book",
            tables=[_table("in-force-table", f"Rate sets in force on {last_day}", in_force)],
            how=f"One row a rate set, as it stood on {last_day}, the last day of the data; "
            f"{numbers.counted(len(in_force), 'rate set')} in all, version {facts.build['price_book_digest'][:12]}. "
            "Tokens are priced per million, hours by the hour, calls per thousand. Valid from is the newest change of "
            "the set. A dash: no such rate on that day, so a request that uses it has no price. "
            "`meterhouse explain EVENT_ID` shows how one request got its amounts, price row by price row.",
        ),
        Card(
            "history",
            _history_title(other),
            "What did it cost at other times?",
            tables=[_table("history-table", "Rate sets of other times", other)],
            how="One row a rate set: all rates of a model in a time in which none of them changed. The book only "
            "grows: a request keeps the rate of its own instant.",
            term="price-book",
        ),
    ]
    return Page("prices.html", "cards.html.j2", "prices", "Prices", {"tiles": [], "cards": cards})


def _history_title(rows: list[Row]) -> str:
    if not rows:
        return "No rate was ever replaced"
    models = {(r["provider"], r["model"], r["model_tier"]) for r in rows}
    verb = "belongs" if len(rows) == 1 else "belong"
    sets, of = numbers.counted(len(rows), "rate set"), numbers.counted(len(models), "model")
    return f"{sets} of {of} {verb} to other times"


def _order(row: Row) -> tuple[Any, ...]:
    """Models in use first, then by name; the list before other cards, the newest rate first."""
    return (
        not row["in_use"],
        row["provider"],
        row["model"],
        row["model_tier"],
        row["service_tier"] != "standard",
        row["service_tier"],
        row["region"],
        row["card"] != "list",
        row["card"],
        row["context_from"],
        row["currency"],
        -row["valid_from"].toordinal(),
        row["valid_from"],
    )


def _table(id: str, caption: str, sets: list[Row]) -> Table:  # noqa: A002
    """One row a rate set; columns that no shown row fills are left out."""
    shown = sets[:ROWS]
    columns: list[tuple[Column, Callable[[Row], Cell | None]]] = [
        (Column("Model", "model", text=True), lambda r: cells.text(model_label(r["model"], r["model_tier"]))),
        (Column("Valid from", "valid from (UTC)", text=True), lambda r: cells.day(r["valid_from"].date())),
        (Column("Valid to", "valid to (UTC)", text=True), _valid_to),
        (Column("Provider", "provider", text=True), lambda r: cells.text(r["provider"], css="l")),
        (Column("Service tier", "service tier", text=True), lambda r: cells.text(r["service_tier"], css="l")),
        (
            Column("Region", "region", text=True),
            lambda r: cells.text(r["region"], css="l") if r["region"] else None,
        ),
        (Column("Card", "card", text=True), lambda r: cells.text(r["card"], css="l")),
        (
            Column("Priced as", "priced as", text=True),
            lambda r: cells.text(r["priced_as"], css="l") if r["priced_as"] != r["model"] else None,
        ),
        (
            Column("From input", "from input tokens"),
            lambda r: cells.count(r["context_from"]) if r["context_from"] else None,
        ),
        *((_price_column(unit), _price_cell(unit)) for unit in units_.ALL),
        (
            Column("Checked", "checked on", text=True),
            lambda r: cells.day(r["checked_on"]) if r["checked_on"] else None,
        ),
    ]
    made = [[cell(r) for r in shown] for _, cell in columns]
    kept = [place for place, column in enumerate(made) if any(column)]
    blank = {"region": Cell("any", css="l"), "from input tokens": Cell(numbers.NOTHING, "0")}
    rows = [
        [made[place][i] or blank.get(columns[place][0].csv, _nothing(columns[place][0])) for place in kept]
        for i in range(len(shown))
    ]
    note = (
        f"The first {ROWS:,} of {len(sets):,} rate sets, models in use first; all are in "
        "exports/published/price_rates.parquet."
        if len(sets) > ROWS
        else ""
    )
    return Table(
        id,
        caption,
        [columns[place][0] for place in kept],
        rows,
        controls=True,
        note=note,
        empty="The price book has no such rate.",
    )


def _nothing(column: Column) -> Cell:
    return Cell(numbers.NOTHING, css="l" if column.text else "")


def _valid_to(row: Row) -> Cell | None:
    return cells.day(row["valid_to"].date()) if row["valid_to"].year < _ENDLESS else None


def _price_column(unit: units_.Unit) -> Column:
    return Column(UNITS[unit.name], UNITS[unit.name].lower() + QUOTED[unit.dimension][1])


def _price_cell(unit: units_.Unit) -> Callable[[Row], Cell | None]:
    """The set's price of a unit, for as many of it as pages quote one for."""

    def cell(row: Row) -> Cell | None:
        price: Decimal | None = row[unit.price_column]
        return None if price is None else cells.listed(price * QUOTED[unit.dimension][0], row["currency"])

    return cell
