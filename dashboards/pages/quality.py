"""Data quality and run: may these pages be trusted?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashboards import cells
from dashboards.page import Audience, Card, Cell, Column, Fact, Page, Table, sees_cost
from dashboards.pages import causes, records
from pipelines.publish import ledger, numbers

if TYPE_CHECKING:
    from pipelines.publish.facts import Facts
    from pipelines.publish.series import Row


def page(facts: Facts, audience: Audience) -> Page:
    """Files, refused records, unpriced usage, and the totals at every stage."""
    cards = [_ledger(facts, audience)] if facts.total else []
    cards += [
        records.sources(facts),
        *causes.cards(facts, audience),
        records.quarantine(facts, audience),
        records.files(facts),
        _build(facts, audience),
    ]
    return Page(
        "quality.html",
        "cards.html.j2",
        "quality",
        "Data quality and run",
        {"tiles": [], "cards": cards},
    )


def _ledger(facts: Facts, audience: Audience) -> Card:
    """The same totals at each stage; every page figure is a sum of the last ones. No site with a gap is built."""
    stages = ledger.stages(facts)
    keys = [k for k in ledger.KEYS if k != "cost" or sees_cost(audience)]
    if not stages[0]["meters"]:
        keys.remove("meters")
    rows = [
        [
            Cell(stage["stage"]),
            *(_ledger_cell(stage, k) for k in keys),
            Cell("differs", css="bad l") if ledger.gaps(stage, stages[0]) else Cell("equal", css="ok l"),
        ]
        for stage in stages
    ]
    heads = {
        "requests": Column("Requests", "requests"),
        "tokens": Column("Tokens", "tokens"),
        "meters": Column("Hours and calls", "hours and calls"),
        **{k: Column(f"{k.capitalize()}, {facts.currency}", f"{k} ({facts.currency})") for k in ("revenue", "cost")},
    }
    columns = [
        Column("Stage", "stage", text=True),
        *(heads[k] for k in keys),
        Column("Against the first", "check", text=True),
    ]
    return Card(
        "ledger",
        "Totals are equal at every stage, to the last digit",
        "Do the pages show what was metered?",
        tables=[Table("ledger-table", "Totals ledger", columns, rows)],
        how=f"Days {facts.period.words() if facts.period else ''}. Amounts are written in full. "
        "Where a stage differs from the first, no page is published.",
        term="ledger",
    )


def _ledger_cell(stage: Row, key: str) -> Cell:
    if key not in stage:
        return cells.text("")
    value = stage[key] or 0
    if key == "meters":
        return cells.quantity(value)
    return Cell(f"{value:,.18f}", numbers.raw(value)) if key in {"revenue", "cost"} else cells.count(value)


def _build(facts: Facts, audience: Audience) -> Card:
    b = facts.build
    lines = [
        Fact(
            "Data",
            f"{b['data_from']:%Y-%m-%d %H:%M:%S} to {b['data_through']:%Y-%m-%d %H:%M:%S} UTC"
            if b["data_through"]
            else "none yet",
        ),
        Fact("Billing day", f"in {b['billing_time_zone']}"),
        Fact("Reporting currency", facts.currency),
        Fact(
            "Price book",
            b["price_book_digest"],
            note=f"as it was known at {b['known_at']:%Y-%m-%d %H:%M:%S} UTC" if b["known_at"] else "",
        ),
        Fact("Revenue card", b["revenue_card"]),
    ]
    if sees_cost(audience):
        lines.append(
            Fact(
                "Cost card",
                b["cost_card"],
                note="the same card as revenue: margin is nil" if facts.at_list_price else "",
            )
        )
    lines += [
        Fact(
            f"Billed in {r['currency']}",
            f"{numbers.raw(r['amount'])} {r['currency']}",
            note=f"{numbers.counted(r['requests'], 'request')}, counted on these pages but in no amount",
        )
        for r in facts.foreign
    ]
    if sees_cost(audience):
        lines += [
            Fact(
                f"Cost in {r['currency']}, apart",
                f"{numbers.raw(r['amount'])} {r['currency']}",
                note=f"{numbers.counted(r['requests'], 'request')}, in no cost or margin of these pages",
            )
            for r in facts.foreign_costs
        ]
    lines.append(Fact("Meterhouse", b["project_version"]))
    return Card(
        "build",
        "What these pages were made from",
        "Which data, which prices, which version?",
        facts=lines,
    )
