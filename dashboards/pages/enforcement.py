"""The card of usage that suspensions and licences do not allow. What is flagged is decided in pipelines/watch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashboards import cells
from dashboards.page import Card, Cell, Column, Table
from dashboards.pages.reasons import words
from pipelines.publish import numbers

if TYPE_CHECKING:
    from pipelines.publish.facts import Facts
    from pipelines.publish.series import Row


def card(facts: Facts) -> list[Card]:
    """The card, where the home has facts about organisations at all."""
    told = facts.enforcement_summary
    if not (told.get("organizations") or told.get("faults")):
        return []
    n = told["flags"]
    columns = [
        Column("Organisation", "organisation", text=True),
        Column("Rule", "rule", text=True),
        Column("What", "what", text=True),
        Column("First day", "first day", text=True),
        Column("Last day", "last day", text=True),
        Column("Requests", "requests"),
        Column("Refused", "refused requests"),
        Column("Output tokens", "output tokens"),
        Column("Revenue", "revenue", term="revenue"),
    ]
    title = "No usage after a suspension or outside a licence"
    if not told["organizations"]:
        title = "No fact about an organisation to hold usage against"
    if n:
        whom = numbers.counted(told["flagged_organizations"], "organisation")
        title = f"{numbers.counted(n, 'flag')} on {whom}: usage after a suspension or outside a licence"
    left = n - len(facts.enforcement)
    note = f"The latest {len(facts.enforcement):,}; the other {left:,} are in `enforcement_flags`." if left else ""
    return [
        Card(
            "enforcement",
            title,
            "Who uses what a suspension or a licence does not allow?",
            paragraphs=_not_told(told),
            tables=[
                Table(
                    "enforcement-table",
                    "Usage after a suspension or outside a licence",
                    columns,
                    [_row(flag) for flag in facts.enforcement],
                    empty="None, as far as the facts about organisations tell.",
                    stacked=True,
                )
            ],
            how=f"Held against the facts of {numbers.counted(told['organizations'], 'organisation')}. These flags are "
            "certain and outside the alert budget. Suspensions: all usage since, from the next whole hour. Licences: "
            f"the days the watch looks at. Refused requests are no usage. {note}".rstrip(),
        )
    ]


def _row(flag: Row) -> list[Cell]:
    return [
        cells.text(flag["organization_id"], css="l"),
        cells.text(words(flag["rule"]), css="l"),
        cells.text(flag["detail"], css="l w"),
        cells.day(flag["first_seen"]),
        cells.day(flag["last_seen"]),
        cells.count(flag["requests"]),
        cells.count(flag["refused_requests"]),
        cells.short(flag["output_tokens"]),
        cells.money(flag["revenue_amount"], flag["billing_currency"] or ""),
    ]


def _not_told(told: Row) -> list[str]:
    """What is not known is said, and nothing is flagged for it."""
    faults, unknown, begun = told["faults"], told["unknown_region_requests"], told["begun_hour_requests"]
    said = []
    if faults:
        what = numbers.counted(faults, "row or file", "rows or files")
        said.append(f"{what} of facts {'is' if faults == 1 else 'are'} faulty and did not count: the run names each.")
    if unknown:
        what, does = numbers.counted(unknown, "request"), "names" if unknown == 1 else "name"
        text = f"{what} of organisations whose licence limits regions {does} no region"
        said.append(f"{text}: whether they were within it is not known.")
    if begun:
        what, does = numbers.counted(begun, "request"), "does" if begun == 1 else "do"
        said.append(f"{what} fell into the hour in which a suspension began and {does} not count.")
    return said
