"""Data quality and run: may these pages be trusted?"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from dashboards import cells
from dashboards.page import Audience, Card, Cell, Column, Fact, Page, Table, sees_cost
from dashboards.pages import records
from pipelines.publish import numbers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipelines.publish.facts import Facts
    from pipelines.publish.series import Row

RECORDS = ("records_read", "accepted", "duplicates", "amendments", "quarantined", "difference")
ROWS = 60
_ZERO = Decimal(0)
_NOT_IN_FORCE = "no rate in force at this instant"  # as rated_usage.sql writes it


def page(facts: Facts, audience: Audience) -> Page:
    """Files, refused records, unpriced usage, and the totals at every stage."""
    cards = [_ledger(facts, audience)] if facts.total else []
    cards += [
        records.sources(facts),
        _unpriced(facts),
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
    """The same totals at each stage; every page figure is a sum of the last ones."""
    cost = sees_cost(audience)
    stages: list[Row] = [
        *facts.ledger,
        _stage("Page: organisations, all rows", facts.organizations),
        _stage("Page: products, all rows", facts.products),
        _stage("Page: models, all rows", facts.models),
    ]
    if facts.daily is not None:
        daily = facts.daily
        stages.append(
            {
                "stage": "Page: daily chart, all days",
                "requests": sum(daily.requests),
                "tokens": sum(daily.total_tokens),
                "revenue": sum(daily.revenue, _ZERO),
                "cost": sum(daily.cost, _ZERO),
            }
        )
    keys = ["requests", "tokens", "revenue", *(["cost"] if cost else [])]
    first = stages[0]
    rows, differing = [], 0
    for stage in stages:
        gaps = [(stage[k] or 0) - (first[k] or 0) for k in keys]
        differing += any(gaps)
        verdict = (
            Cell("equal", css="ok l")
            if not any(gaps)
            else Cell(
                "differs: " + ", ".join(f"{k} {numbers.raw(g)}" for k, g in zip(keys, gaps, strict=True) if g),
                css="bad l",
            )
        )
        rows.append(
            [
                Cell(stage["stage"]),
                cells.count(stage["requests"]),
                cells.count(stage["tokens"]),
                *(Cell(f"{stage[k] or 0:,.12f}", numbers.raw(stage[k])) for k in keys[2:]),
                verdict,
            ]
        )
    columns = [
        Column("Stage", "stage", text=True),
        Column("Requests", "requests"),
        Column("Tokens", "tokens"),
        *(Column(f"{k.capitalize()}, {facts.currency}", f"{k} ({facts.currency})") for k in keys[2:]),
        Column("Against the first", "check", text=True),
    ]
    title = (
        "Totals are equal at every stage, to the last digit"
        if not differing
        else f"{differing} stages differ from the rated events"
    )
    return Card(
        "ledger",
        title,
        "Do the pages show what was metered?",
        tables=[Table("ledger-table", "Totals ledger", columns, rows)],
        how=f"Days {facts.period.words() if facts.period else ''}. Amounts are written in full.",
        term="ledger",
    )


def _stage(name: str, rows: Sequence[Row]) -> Row:
    return {
        "stage": name,
        "requests": sum(r["requests"] for r in rows),
        "tokens": sum(r["total_tokens"] for r in rows),
        **{k: sum((r[k] for r in rows if r[k] is not None), _ZERO) for k in ("revenue", "cost")},
    }


def _unpriced(facts: Facts) -> Card:
    reasons = {
        (r["provider"], r["model"], r["model_tier"], r["service_tier"]): r["reason"] for r in facts.unpriced_reasons
    }
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
            cells.text(
                _with_dates(reasons.get((r["provider"], r["model"], r["model_tier"], r["service_tier"]), ""), r),
                css="l w",
            ),
        ]
        for r in facts.unpriced[:200]
    ]
    total = [
        Cell("Total"),
        cells.BLANK,
        cells.BLANK,
        cells.BLANK,
        cells.count(sum(r["requests"] for r in facts.unpriced)),
        cells.count(sum(r["tokens"] for r in facts.unpriced)),
        *[cells.BLANK] * 4,
    ]
    title = "Every request has a price"
    if facts.unpriced:
        title = (
            f"{numbers.count(sum(r['requests'] for r in facts.unpriced))} requests with "
            f"{numbers.short(sum(r['tokens'] for r in facts.unpriced))} tokens have no price"
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
        "known from a later day only, add one with the earlier valid_from.",
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
        Fact("Price book", b["price_book_digest"]),
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
            f"Billed in {r['billing_currency']}",
            f"{numbers.raw(r['revenue'])} {r['billing_currency']}",
            note=f"{numbers.count(r['requests'])} requests, not in the totals of these pages",
        )
        for r in facts.currencies
        if r["billing_currency"] and r["billing_currency"] != facts.currency
    ]
    lines.append(Fact("Meterhouse", b["project_version"]))
    return Card(
        "build",
        "What these pages were made from",
        "Which data, which prices, which version?",
        facts=lines,
    )
