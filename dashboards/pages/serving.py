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
    """All hours of the home, whatever day they are of: cost above is that of requests alone."""
    return Card(
        "serving",
        _finding(facts.serving),
        "What did own GPUs cost, and is all of it in the cost of requests?",
        tables=[_table(facts.serving)],
        how="A UTC day's hours times the price of an hour are spread over the tokens of that day. Where there were "
        "none, or no card has the price of an hour, nothing can be spread: it is in no organisation's cost and in no "
        "margin.",
        term="cost",
    )


def needed(facts: Facts) -> bool:
    """Whether there are hours that no request carries."""
    return any(row["idle_amount"] is None or row["idle_amount"] for row in facts.serving)


def _finding(rows: list[Row]) -> str:
    idle: dict[str, Decimal] = {}
    for row in rows:
        if row["idle_amount"]:
            idle[row["currency"]] = total([idle.get(row["currency"], Decimal(0)), row["idle_amount"]])
    unpriced = sum((row["gpu_hours"] for row in rows if row["serving_amount"] is None), Decimal(0))
    said = []
    if idle:
        amounts = " and ".join(numbers.money(amount, currency) for currency, amount in idle.items())
        said.append(f"{amounts} of GPU hours served no request and is in no cost")
    if unpriced:
        said.append(f"{cells.quantity(unpriced).text} GPU hours have no price")
    found = "; ".join(said) or "All GPU hours are in the cost of requests"
    return found[0].upper() + found[1:]


def _table(rows: list[Row]) -> Table:
    columns = [
        Column("Model", "model", text=True),
        Column("GPU hours", "gpu hours"),
        Column("Idle", "idle gpu hours"),
        Column("Cost of hours", "cost of gpu hours", term="cost"),
        Column("In requests", "allocated cost"),
        Column("In none", "idle cost"),
        Column("First day", "first day", text=True),
        Column("Last day", "last day", text=True),
    ]
    lines = [_line(row) for row in rows]
    return Table("serving-table", "Hours of GPUs by model", columns, lines)


def _line(row: Row) -> list[Cell]:
    name = Cell(model_label(row["model"], row["model_tier"]))
    days = [cells.day(row["first_day"]), cells.day(row["last_day"])]
    if row["serving_amount"] is None:
        nothing = Cell(numbers.NOTHING)
        unknown = Cell("no price", css="np")
        return [name, cells.quantity(row["gpu_hours"]), nothing, unknown, nothing, nothing, *days]
    parts = [row["allocated_amount"], row["idle_amount"]]
    written = numbers.written_parts(parts)
    exact, shown = [row["serving_amount"], *parts], [total(written), *written]
    return [
        name,
        cells.quantity(row["gpu_hours"]),
        cells.quantity(row["idle_hours"]),
        *(cells.shown_money(amount, text, row["currency"]) for amount, text in zip(exact, shown, strict=True)),
        *days,
    ]
