"""Data quality and run: may these pages be trusted?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashboards import cells
from dashboards.page import Audience, Card, Cell, Column, Fact, Page, Table, sees_cost
from dashboards.pages import records
from pipelines.publish import ledger, numbers

if TYPE_CHECKING:
    from pipelines.publish.facts import Facts
    from pipelines.publish.series import Row

_NOT_IN_FORCE = "no rate in force at this instant"  # as rated_usage.sql writes it


def page(facts: Facts, audience: Audience) -> Page:
    """Files, refused records, unpriced usage, and the totals at every stage."""
    cards = [_ledger(facts, audience)] if facts.total else []
    cards += [
        records.sources(facts),
        _unpriced(facts, audience),
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


def _unpriced(facts: Facts, audience: Audience) -> Card:
    """Usage without an amount, by model; who works with prices also gets a request to explain, and the commands."""
    keys = ("provider", "model", "model_tier", "service_tier")
    reasons = {tuple(r[k] for k in keys): r for r in facts.unpriced_reasons}
    with_request = sees_cost(audience)
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
        for r in facts.unpriced[:200]
        for found in [reasons.get(tuple(r[k] for k in keys), {})]
    ]
    total = [
        Cell("Total"),
        cells.BLANK,
        cells.BLANK,
        cells.BLANK,
        cells.count(sum(r["requests"] for r in facts.unpriced)),
        cells.count(sum(r["tokens"] for r in facts.unpriced)),
        *[cells.BLANK] * (5 if with_request else 4),
    ]
    title = "Every request has a price"
    if facts.unpriced:
        n, tokens = (sum(r[k] for r in facts.unpriced) for k in ("requests", "tokens"))
        title = (
            f"{numbers.counted(n, 'request')} with {numbers.short(tokens)} token{'s' if tokens != 1 else ''} "
            f"{'has' if n == 1 else 'have'} no price"
        )
    note = f"The first 200 of {len(facts.unpriced):,}." if len(facts.unpriced) > 200 else ""
    return Card(
        "unpriced",
        title,
        "What is not in any amount, and why?",
        tables=[
            Table(
                "unpriced-table",
                "Usage without a price, all data",
                columns,
                rows,
                [total] if rows else [],
                empty="Nothing: every request found its rate.",
                note=note,
            )
        ],
        how="All data. Add the missing rates as CSV under prices/ in the home, then run again. Where a rate is "
        "known from a later day only, add one with the earlier valid_from."
        + (
            " `meterhouse unpriced` writes the lines that are missing; `meterhouse explain EVENT_ID` with the id of "
            "a request tells why it has no amount."
            if with_request
            else ""
        ),
        term="not-priced",
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
