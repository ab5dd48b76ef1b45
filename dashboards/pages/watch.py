"""The review queue of trust and safety. Flags are leads for a person to review, not findings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashboards import cells
from dashboards.page import Card, Cell, Column, Page, Table, Tile
from dashboards.pages import case, records
from dashboards.pages.reasons import json_list, parse_reasons, words
from dashboards.svg import spark
from pipelines.publish import numbers

if TYPE_CHECKING:
    from pipelines.publish.facts import Facts


def pages(facts: Facts) -> list[Page]:
    """The queue first, then a page for each case."""
    return [_queue(facts), *(case.page(facts, flag) for flag in facts.flags)]


def _queue(facts: Facts) -> Page:
    n = len(facts.flags)
    if facts.daily is None:
        return Page("index.html", "empty.html.j2", "index", "Extraction watch", records.refused(facts))
    output = sum(f["output_tokens"] or 0 for f in facts.flags)
    organizations = {f["organization_id"] for f in facts.flags}
    for flag in facts.flags:
        organizations.update(json_list(flag["linked_organizations"]))
    part = numbers.share(output, facts.total["output_tokens"])
    tiles = [
        Tile(
            "Cases to review",
            numbers.count(sum(f["state"] == "new" for f in facts.flags)),
            term="flag",
            note=f"{numbers.count(n)} in the queue, cut at the alert budget",
        ),
        Tile(
            "Organisations flagged",
            numbers.count(len(organizations)),
            note=f"of {len(facts.organizations):,} active, linked ones included",
        ),
        Tile(
            "Output tokens in flagged windows",
            numbers.short(output),
            "",
            str(output),
            note=f"{numbers.percent(part)} of all output" if part is not None else "",
        ),
        Tile(
            "Output tokens, all organisations",
            numbers.short(facts.total["output_tokens"]),
            "",
            str(facts.total["output_tokens"]),
            spark=spark(facts.daily.output_tokens),
        ),
    ]
    columns = [
        Column("#", "rank"),
        Column("Organisation", "organisation", text=True),
        Column("Flagged for", "detector", text=True),
        Column("Why", "first reason", text=True),
        Column("First day", "first day", text=True),
        Column("Last day", "last day", text=True),
        Column("Output tokens", "output tokens"),
        Column("Revenue", f"revenue ({facts.currency})", term="revenue"),
        Column("Score", "score", term="score"),
        Column("Linked", "linked organisations"),
        Column("State", "state", text=True),
        Column("Output by day", "", text=True),
    ]
    rows = []
    for place, flag in enumerate(facts.flags, start=1):
        reasons = parse_reasons(flag["reasons"])
        name = flag["organization_id"]
        series = facts.organization_daily.get(name)
        rows.append(
            [
                cells.count(flag["rank"] or place),
                cells.text(name, href=case.path(flag), css="l"),
                cells.text(words(flag["detector"]), css="l"),
                cells.text(reasons[0]["text"] if reasons else "", css="l w"),
                cells.day(flag["first_seen"]),
                cells.day(flag["last_seen"]),
                cells.short(flag["output_tokens"]),
                cells.money(flag["revenue_amount"], facts.currency),
                _score(flag["score"]),
                cells.count(len(json_list(flag["linked_organizations"]))),
                cells.text(flag["state"], css="l state"),
                Cell("", html=spark(series.output_tokens)) if series else cells.BLANK,
            ]
        )
    title = f"{n} case{'s' if n != 1 else ''} to review" if n else "No case in the queue"
    card = Card(
        "queue",
        title,
        "Which usage resembles harvesting, and how strongly?",
        term="flag",
        tables=[
            Table(
                "queue-table",
                "Review queue",
                columns,
                rows,
                empty="No usage was unusual enough for the alert budget.",
            )
        ],
        how="Ranked by the detectors; the number of cases is held to the alert budget, not to a "
        "fixed threshold. A flag is a lead for a "
        "person to review. It says nothing about intent.",
    )
    return Page(
        "index.html",
        "cards.html.j2",
        "index",
        "Extraction watch",
        {"tiles": tiles, "cards": [card]},
    )


def _score(value: float | None) -> Cell:
    return Cell(numbers.NOTHING) if value is None else Cell(f"{value:.2f}", repr(value))
