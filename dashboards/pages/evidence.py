"""Figures of a case: its days, hours, members, and a sample of its requests (metadata only)."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from dashboards import cells, tables
from dashboards.page import Card, Cell, Column, Table
from pipelines.publish import numbers
from pipelines.publish.names import slug

if TYPE_CHECKING:
    from pipelines.publish.facts import Facts
    from pipelines.publish.series import Row

MEMBERS = 200


def days_table(facts: Facts, rows: list[Row], marked: list[int]) -> Table:
    assert facts.period is not None  # noqa: S101 - flags have usage
    columns = [
        Column("Day", "day", text=True),
        Column("Requests", "requests"),
        Column("Output tokens", "output tokens"),
        Column("Tokens a request", "output tokens a request"),
        Column("Peer percentile", "peer percentile", term="peer-percentile"),
        Column("Stands out", "stands out", text=True),
    ]
    largest = max((r["output_tokens"] for r in rows), default=0)
    lines = [
        [
            cells.day(facts.period.days[r["day_index"]]),
            cells.count(r["requests"]),
            cells.count(r["output_tokens"], bar=largest),
            cells.count(round(r["output_tokens"] / r["requests"])) if r["requests"] else cells.BLANK,
            cells.percentile(Decimal(str(r["peer_rank"])) * 100),
            Cell("yes", css="l mk") if r["day_index"] in marked else Cell("", css="l"),
        ]
        for r in rows
    ]
    return Table(
        "days-table",
        "Days of the flagged window",
        columns,
        lines,
        empty="The window lies before the days shown.",
    )


def sample_table(facts: Facts, flag: Row) -> Table:
    columns = [
        Column("Instant, UTC", "instant (UTC)", text=True),
        Column("Key", "key", text=True),
        Column("Product", "product", text=True),
        Column("Model", "model", text=True),
        Column("Operation", "operation", text=True),
        Column("Input", "input tokens"),
        Column("Output", "output tokens"),
        Column("Status", "status"),
        Column("Ended by", "finish reason", text=True),
        Column("ms", "latency (ms)"),
        Column("Network", "network", text=True),
        Column("Template", "template", text=True),
    ]
    rows = [
        [
            cells.instant(r["occurred_at"]),
            _digest(r["api_key_id"]),
            cells.text(r["product_id"], css="l"),
            cells.text(r["model"], css="l"),
            cells.text(r["operation"], css="l"),
            cells.count(r["input_tokens"]),
            cells.count(r["output_tokens"]),
            cells.text(r["status"]),
            cells.text(r["finish_reason"] or "", css="l"),
            cells.count(r["latency_ms"]),
            _digest(r["client_network"]),
            _digest(r["template_digest"]),
        ]
        for r in facts.case_samples.get(flag["case_id"], [])
    ]
    return Table(
        "sample-table",
        "Sample of requests",
        columns,
        rows,
        empty="No request of this window is in the data.",
    )


def members_card(facts: Facts, flag: Row, members: list[Row]) -> list[Card]:
    """The organisations of a case with what each used in the window; no card for a case of one."""
    others = len(members) - 1
    if others < 1:
        return []
    title = f"{len(members)} organisations in this case: {flag['organization_id']} and {others} linked"
    question = "Who works in the same rhythm or shares networks or templates?"
    paged = {r["organization_id"] for r in facts.organizations}
    shown = members[:MEMBERS]
    largest = max(r["output_tokens"] for r in shown)
    columns = [
        Column("Organisation", "organisation", text=True),
        Column("Days", "active days"),
        Column("Requests", "requests"),
        Column("Output tokens", "output tokens"),
        Column("Revenue", f"revenue ({facts.currency})", term="revenue"),
    ]
    rows = [
        [
            cells.text(
                r["organization_id"],
                href=f"../organizations/{slug(r['organization_id'])}.html" if r["organization_id"] in paged else "",
            ),
            cells.count(r["active_days"]),
            cells.count(r["requests"]),
            cells.count(r["output_tokens"], bar=largest),
            *(tables.side_cells(r, facts.currency, with_cost=False) if r["requests"] else [cells.text("")]),
        ]
        for r in shown
    ]
    revenue = tables.known_sum(shown, "revenue")
    total = [
        Cell("Total"),
        cells.BLANK,
        *(cells.count(sum(r[k] for r in shown)) for k in ("requests", "output_tokens")),
        cells.money(revenue, facts.currency),
    ]
    written = [None if v is None else numbers.rounded(v) for v in (*(r["revenue"] for r in shown), revenue)]
    foot = [*cells.rounding_row(total, rows, {4: written}, facts.currency), total]
    note = f"The {MEMBERS} with most output of {len(members):,}." if len(members) > MEMBERS else ""
    card = Card(
        "linked",
        title,
        question,
        tables=[
            Table(
                "linked-table",
                f"Members of case {flag['case_id']} in the window",
                columns,
                rows,
                foot,
                note=note,
            )
        ],
    )
    return [card]


def _digest(value: str | None) -> Cell:
    return cells.text((value or "")[:12], css="l")


def hours(facts: Facts, flag: Row) -> list[tuple[int, int, str]]:
    """Hour, requests, and shade in percent of the busiest hour."""
    counts = {r["hour_of_day"]: r["requests"] for r in facts.case_hours.get(flag["case_id"], [])}
    top = max(counts.values(), default=0)
    return [(h, counts.get(h, 0), f"{counts.get(h, 0) / top * 100:.0f}" if top else "0") for h in range(24)]


def hours_title(facts: Facts, flag: Row) -> str:
    active = sum(1 for _, n, _ in hours(facts, flag) if n)
    return f"Active in {active} of 24 hours of the day"
