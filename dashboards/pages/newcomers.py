"""The card of newcomers by the risk of their first days. How that is reckoned is decided in pipelines/watch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashboards import cells
from dashboards.page import Card, Cell, Column, Table
from dashboards.pages.reasons import number, parse_reasons
from pipelines.publish import numbers

if TYPE_CHECKING:
    from pipelines.publish.facts import Facts
    from pipelines.publish.series import Row

_TOLD = 3  # reasons of a row; all are in the published table


def card(facts: Facts) -> list[Card]:
    """The card, where there are newcomers."""
    n = facts.newcomer_count
    if not facts.newcomers:
        return []
    columns = [
        Column("#", "rank"),
        Column("Organisation", "organisation", text=True),
        Column("Why", "strongest reasons", text=True),
        Column("First day", "first day", text=True),
        Column("Programme", "programme", text=True),
        Column("Requests", "requests of the first three days"),
        Column("Output tokens", "output tokens of the first three days"),
        Column("Ties", "strength of ties"),
        Column("Behaviour", "strength of behaviour"),
    ]
    shown = len(facts.newcomers)
    left = f" The first {shown:,}; the other {n - shown:,} are in `newcomers`." if n > shown else ""
    compared = numbers.counted(facts.newcomers[0]["compared_with"], "newcomer")
    return [
        Card(
            "newcomers",
            f"{numbers.counted(n, 'newcomer')} of the last two weeks, by what their first days look like",
            "Whose beginning should a person look at first?",
            tables=[
                Table(
                    "newcomers-table",
                    "Newcomers by risk of their first days",
                    columns,
                    [_row(found) for found in facts.newcomers],
                    stacked=True,
                )
            ],
            how="A list to read from the top, not alerts: it has no quota, and somebody always comes first. Ties are "
            "what a newcomer has in common with other new accounts, against chance; behaviour is its first three days "
            f"among those of the {compared} of the watch's window. The stronger of the two ranks.{left}",
        )
    ]


def _row(found: Row) -> list[Cell]:
    return [
        cells.count(found["rank"]),
        cells.text(found["organization_id"], css="l"),
        cells.text(_why(found["reasons"]), css="l w"),
        cells.day(found["first_seen"]),
        cells.text(found["programme"], css="l"),
        cells.count(found["requests"]),
        cells.short(found["output_tokens"]),
        _strength(found["ties_risk"]),
        _strength(found["behaviour_risk"]),
    ]


def _why(reasons: str) -> str:
    """The strongest reasons with their figures."""
    told = parse_reasons(reasons)[:_TOLD]
    return "; ".join(f"{r['text']} ({number(r['value']).text} {r['unit']})" for r in told)


def _strength(value: float | None) -> Cell:
    return Cell(numbers.NOTHING) if value is None else Cell(f"{value:.2f}", repr(value))
