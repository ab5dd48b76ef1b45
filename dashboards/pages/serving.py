"""Hours of GPUs, for who sees cost: what requests carry, what stood idle, and what no card prices."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from dashboards import cells
from dashboards.chart_parts import model_label
from dashboards.page import Card, Cell, Column, Table
from pipelines.money import total
from pipelines.publish import numbers

if TYPE_CHECKING:
    from pipelines.publish.facts import Facts
    from pipelines.publish.series import Row


def card(facts: Facts) -> Card:
    """Hours of the window's days; what stood idle before or after them is named."""
    shown = [row for row in facts.serving if row["span"] == "shown"]
    return Card(
        "serving",
        _finding(shown),
        "What did own GPUs cost, and is all of it in the cost of requests?",
        tables=[_table(shown)],
        how="A UTC day's hours times the price of an hour are spread over the tokens of that day. Where there were "
        "none, or no card has the price of an hour, nothing can be spread: it is in no organisation's cost and in no "
        "margin. The UTC days are those with the dates of the billing days shown." + _elsewhere(facts.serving),
        term="cost",
    )


def needed(facts: Facts) -> bool:
    """Whether there are hours that no request carries."""
    return any(row["idle_amount"] is None or row["idle_amount"] for row in facts.serving)


def _finding(rows: list[Row]) -> str:
    if not rows:
        return "No GPU hours in the days shown"
    said = []
    if amounts := _idle(rows):
        said.append(f"{amounts} of GPU hours served no request and is in no cost")
    unpriced = _unpriced_hours(rows)
    if unpriced:
        said.append(f"{_hours(unpriced)} {'has' if unpriced == 1 else 'have'} no price")
    found = "; ".join(said) or "All GPU hours are in the cost of requests"
    return found[0].upper() + found[1:]


def _elsewhere(rows: list[Row]) -> str:
    """A sentence on hours outside the window that no request carries; nothing where there are none."""
    said = []
    for span in ("before", "after"):
        there = [row for row in rows if row["span"] == span]
        unpriced = _unpriced_hours(there)
        amounts = _idle(there)
        parts = [
            f"idle hours of {amounts}" if amounts else "",
            f"{_hours(unpriced)} without a price" if unpriced else "",
        ]
        if any(parts):
            said.append(f"{span} these days {', '.join(part for part in parts if part)}")
    return f" Not in the table, and in no cost either: {'; '.join(said)}." if said else ""


def _idle(rows: list[Row]) -> str:
    """What idle hours cost, by currency: `$60.12 and \u20ac6.00`."""
    idle: dict[str, Decimal] = {}
    for row in rows:
        if row["idle_amount"]:
            idle[row["currency"]] = total([idle.get(row["currency"], Decimal(0)), row["idle_amount"]])
    return " and ".join(numbers.money(amount, currency) for currency, amount in idle.items())


def _unpriced_hours(rows: list[Row]) -> Decimal:
    return sum((row["gpu_hours"] for row in rows if row["serving_amount"] is None), Decimal(0))


def _hours(hours: Decimal) -> str:
    return f"{cells.quantity(hours).text} GPU hour{'' if hours == 1 else 's'}"


def _table(rows: list[Row]) -> Table:
    with_reason = any(row["serving_amount"] is None for row in rows)
    columns = [
        Column("Model", "model", text=True),
        Column("GPU hours", "gpu hours"),
        Column("Idle", "idle gpu hours"),
        Column("Cost of hours", "cost of gpu hours", term="cost"),
        Column("In requests", "allocated cost"),
        Column("In none", "idle cost"),
        Column("First day", "first day", text=True),
        Column("Last day", "last day", text=True),
        *([Column("Why no price", "reason", text=True)] if with_reason else []),
    ]
    lines = [[*_line(row), *([_reason(row)] if with_reason else [])] for row in rows]
    return Table("serving-table", "Hours of GPUs by model", columns, lines, empty="No hours of GPUs in these days.")


def _reason(row: Row) -> Cell:
    if row["serving_amount"] is not None:
        return cells.BLANK
    return cells.text(f"{row['unpriced_reason']} on these days", css="l w")


def _line(row: Row) -> list[Cell]:
    name = Cell(model_label(row["model"], row["model_tier"]))
    hours = [cells.quantity(row["gpu_hours"]), cells.quantity(row["idle_hours"])]
    days = [cells.day(row["first_day"]), cells.day(row["last_day"])]
    if row["serving_amount"] is None:
        nothing = Cell(numbers.NOTHING)
        return [name, *hours, Cell("no price", css="np"), nothing, nothing, *days]
    parts = [row["allocated_amount"], row["idle_amount"]]
    written = numbers.written_parts(parts)
    exact, shown = [row["serving_amount"], *parts], [total(written), *written]
    return [
        name,
        *hours,
        *(cells.shown_money(amount, text, row["currency"]) for amount, text in zip(exact, shown, strict=True)),
        *days,
    ]
