"""All currencies in that of reports, for who sees revenue and cost: one total, its rates, and what has none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashboards import cells, foreign
from dashboards.page import Card, Cell, Column, Table
from pipelines.publish import numbers

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from pipelines.publish.facts import Facts
    from pipelines.publish.series import Row

SIDES = ("revenue", "cost")
_NOTHING = Cell(numbers.NOTHING)


def card(facts: Facts) -> Card:
    """What came in and what it cost, whatever currency it is in."""
    lost = [row for row in facts.converted if row["unconverted"] is not None]
    tables = [_amounts(facts, lost)]
    if facts.exchange:
        tables.append(_rates(facts))
    return Card(
        "currencies",
        _finding(facts),
        f"What do all currencies come to in {facts.currency}?",
        paragraphs=[foreign.unconverted(row, facts.currency) for row in lost],
        tables=tables,
        how="Each billing day at the rate of exchange in force when it began."
        + (" Add what is missing under `prices/exchange_rates/` of the home, then run again." if lost else ""),
        term="converted",
    )


def _finding(facts: Facts) -> str:
    """The total of the first side that has more than one currency."""
    sides = [[row for row in facts.converted if row["side"] == side] for side in SIDES]
    rows = next(rows for rows in sides if any(row["currency"] != facts.currency for row in rows))
    return f"{rows[0]['side'].capitalize()} in all currencies: {foreign.in_all(rows, facts.currency)}"


def _amounts(facts: Facts, lost: Sequence[Row]) -> Table:
    """A line a currency; amounts of two currencies stand in one line, never in one sum."""
    found = {(row["side"], row["currency"]): row for row in facts.converted}
    currencies = list(dict.fromkeys(row["currency"] for row in facts.converted))
    rows = [
        [Cell(name), *(cell for side in SIDES for cell in _side(found.get((side, name)), facts.currency, lost))]
        for name in currencies
    ]
    made = {side: [found[side, name]["reported"] for name in currencies if (side, name) in found] for side in SIDES}
    foot = [Cell("All that has a rate of exchange" if lost else "All")]
    for side in SIDES:
        known = foreign.sum_of(made[side])
        foot += [cells.BLANK, _money(known, facts.currency), *([cells.BLANK] if lost else [])]
    width = 3 if lost else 2
    shown: dict[int, list[Decimal | None]] = {
        2 + place * width: _written([*made[side], foreign.sum_of(made[side])]) for place, side in enumerate(SIDES)
    }
    heads = [
        Column(label, csv, term=term)
        for side in SIDES
        for label, csv, term in (
            (side.capitalize(), f"{side} in its currency", side),
            (f"{side.capitalize()} in {facts.currency}", f"{side} in all ({facts.currency})", "converted"),
            *([("No rate", f"{side} without a rate of exchange, in its currency", "")] if lost else []),
        )
    ]
    return Table(
        "currencies-table", f"Each currency, and all in {facts.currency}",
        [Column("Currency", "currency", text=True), *heads], rows,
        [*cells.rounding_row(foot, rows, shown, facts.currency), foot],
    )  # fmt: skip


def _side(row: Row | None, currency: str, lost: Sequence[Row]) -> list[Cell]:
    """One side of a currency: as it is, converted, and what could not be."""
    if row is None:
        return [_NOTHING] * (3 if lost else 2)
    made = [cells.money(row["amount"], row["currency"]), _money(row["reported"], currency)]
    return [*made, *([_money(row["unconverted"], row["currency"])] if lost else [])]


def _money(amount: Decimal | None, currency: str) -> Cell:
    return _NOTHING if amount is None else cells.money(amount, currency)


def _written(amounts: Sequence[Decimal | None]) -> list[Decimal | None]:
    return [None if amount is None else numbers.rounded(amount) for amount in amounts]


def _rates(facts: Facts) -> Table:
    """What one unit was worth, and on which billing days."""
    columns = [
        Column("One unit of", "currency", text=True),
        Column(f"is worth in {facts.currency}", f"rate of exchange ({facts.currency})"),
        Column("From billing day", "first billing day", text=True),
        Column("To", "last billing day", text=True),
    ]
    rows = [
        [
            Cell(row["currency"]),
            Cell("no rate", css="np") if row["rate"] is None else cells.listed(row["rate"], facts.currency),
            cells.day(row["first_day"]),
            cells.day(row["last_day"]),
        ]
        for row in facts.exchange
    ]
    return Table("exchange-table", "Rates of exchange of the days shown", columns, rows)
