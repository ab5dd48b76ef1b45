"""Usage without an amount, by model and cause: of revenue for all who see data quality, of cost for who sees cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dashboards import cells
from dashboards.page import Audience, Card, Cell, Column, Table, sees_cost
from pipelines.publish import numbers

if TYPE_CHECKING:
    from pipelines.publish.facts import Facts
    from pipelines.publish.series import Row

ROWS = 200
_KEYS = ("provider", "model", "model_tier", "service_tier")
_NOT_IN_FORCE = "no rate in force at this instant"  # as rated_usage.sql writes it


@dataclass(frozen=True, slots=True)
class _Side:
    """Words of one side of rating."""

    side: str
    id: str
    missing: str
    question: str
    all_found: str
    remedy: str
    command: str
    term: str


_REVENUE = _Side(
    "revenue",
    "unpriced",
    "price",
    "What is not in any amount, and why?",
    "every request found its rate.",
    "Add the missing rates as CSV under prices/ in the home, then run again.",
    "meterhouse unpriced",
    "not-priced",
)
_COST = _Side(
    "cost",
    "uncosted",
    "cost",
    "What is in no cost and no margin, and why?",
    "every request found its cost.",
    "Add the missing rates of the cost card as CSV under prices/ in the home, then run again.",
    "meterhouse unpriced --side cost",
    "cost",
)


def cards(facts: Facts, audience: Audience) -> list[Card]:
    """Causes of missing revenue; and of missing cost where there are any that are not the very same."""
    unpriced, uncosted = (facts.without_amount.get(side.side, []) for side in (_REVENUE, _COST))
    made = [_card(facts, _REVENUE, with_request=sees_cost(audience))]
    same_card = facts.build["cost_card"] == facts.build["revenue_card"]
    if sees_cost(audience) and uncosted and not (same_card and _shape(uncosted) == _shape(unpriced)):
        made.append(_card(facts, _COST, with_request=True))
    return made


def _shape(rows: list[Row]) -> list[tuple[object, ...]]:
    return [tuple(row[k] for k in (*_KEYS, "requests")) for row in rows]


def _card(facts: Facts, side: _Side, *, with_request: bool) -> Card:
    """One side by model; who works with prices also gets a request to explain, and the commands."""
    missing = facts.without_amount.get(side.side, [])
    reasons = {tuple(r[k] for k in _KEYS): r for r in facts.without_amount_reasons.get(side.side, [])}
    columns = [
        Column("Model", "model", text=True),
        Column("Provider", "provider", text=True),
        Column("Tier", "tier", text=True),
        Column("Service tier", "service tier", text=True),
        Column("Requests", "requests"),
        Column("Tokens at stake", "tokens"),
        Column("Organisations", "organisations"),
        Column("First day", "first day", text=True),
        Column("Last day", "last day", text=True),
        Column("Reason", "reason", text=True),
        *([Column("A request of them", "request", text=True)] if with_request else []),
    ]
    rows = [
        [
            cells.text(r["model"]),
            cells.text(r["provider"], css="l"),
            cells.text(str(r["model_tier"]).replace("_", "-"), css="l"),
            cells.text(r["service_tier"], css="l"),
            cells.count(r["requests"]),
            cells.count(r["tokens"]),
            cells.count(r["organizations"]),
            cells.day(r["first_day"]),
            cells.day(r["last_day"]),
            cells.text(_with_dates(found.get("reason"), r), css="l w"),
            *([cells.text(found.get("event_id"), css="l id")] if with_request else []),
        ]
        for r in missing[:ROWS]
        for found in [reasons.get(tuple(r[k] for k in _KEYS), {})]
    ]
    n, tokens = (sum(r[k] for r in missing) for k in ("requests", "tokens"))
    total = [
        Cell("Total"),
        cells.BLANK,
        cells.BLANK,
        cells.BLANK,
        cells.count(n),
        cells.count(tokens),
        *[cells.BLANK] * (5 if with_request else 4),
    ]
    title = f"Every request has a {side.missing}"
    if missing:
        title = (
            f"{numbers.counted(n, 'request')} with {numbers.short(tokens)} token{'s' if tokens != 1 else ''} "
            f"{'has' if n == 1 else 'have'} no {side.missing}"
        )
    return Card(
        side.id,
        title,
        side.question,
        tables=[
            Table(
                f"{side.id}-table",
                f"Usage without a {side.missing}, all data",
                columns,
                rows,
                [total] if rows else [],
                empty=f"Nothing: {side.all_found}",
                note=f"The first {ROWS} of {len(missing):,}." if len(missing) > ROWS else "",
            )
        ],
        how=f"All data. {side.remedy} Where a rate is known from a later day only, add one with the earlier "
        "valid_from."
        + (
            f" `{side.command}` writes the lines that are missing; `meterhouse explain EVENT_ID` with the id of "
            "a request tells why it has no amount."
            if with_request
            else ""
        ),
        term=side.term,
    )


def _with_dates(reason: str | None, row: Row) -> str:
    """The reason; where no rate was in force, also since when or until when the book knows one.

    The reason is that of the newest day, so a rate that ended is named before one that came late.
    """
    if reason != _NOT_IN_FORCE or row["rates_from"] is None:
        return reason or ""
    if row["rates_to"].date() <= row["last_day"]:
        return f"{reason}: the rate is known only up to {row['rates_to']:%Y-%m-%d}"
    if row["rates_from"].date() >= row["first_day"]:
        return f"{reason}: the rate is known only from {row['rates_from']:%Y-%m-%d} on"
    return reason
