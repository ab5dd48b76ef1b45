"""What a step expects, asked of the tables; and what holds after every step of any scenario.

Each question collects what differs, so that one failure tells all of it.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tests.landing.homes import quarantined
from tests.scenarios.scenario import COUNTS, Row

if TYPE_CHECKING:
    from pipelines.home import Home
    from pipelines.landing.ingest import IngestSummary
    from tests.scenarios.world import HomeCase

_BY_EVENT = {
    "revenue": "revenue_amount", "cost": "cost_amount", "foreign_cost": "foreign_cost_amount",
    "unpriced": "unpriced_reason", "uncosted": "uncosted_reason",
}  # fmt: skip
# What a line of `months`, `days`, `reported` and `spread` may say of its period.
_SPEND = {
    "requests": "sum(requests)", "tokens": "sum(total_tokens)", "revenue": "sum(revenue_amount)",
    "cost": "sum(cost_amount)", "margin": "sum(margin_amount)", "revenue_only": "sum(revenue_only_amount)",
    "cost_only": "sum(cost_only_amount)", "foreign_cost": "sum(foreign_cost_amount)",
    "unpriced_requests": "sum(unpriced_requests)", "unpriced_tokens": "sum(unpriced_tokens)",
    "uncosted_requests": "sum(uncosted_requests)",
}  # fmt: skip
_REPORTED = {
    "revenue": "sum(reported_revenue_amount)", "cost": "sum(reported_cost_amount)",
    "unconverted": "string_agg(distinct unconverted_reason, '; ')",
}  # fmt: skip
_SPREAD = {"requests": "sum(requests)", "tokens": "sum(tokens)", "amount": "sum(allocated_amount)"}
_SERVING = {
    "hours": "sum(gpu_hours)", "cost": "sum(serving_amount)", "allocated": "sum(allocated_amount)",
    "idle": "sum(idle_amount)", "reason": "string_agg(distinct idle_reason, '; ')",
}  # fmt: skip
_MONTH, _DAY = "strftime({}, '%Y-%m')", "{}::varchar"
_FILTERS = {"organization": "organization_id", "currency": "billing_currency", "model": "model"}
_PERIODS: dict[str, tuple[str, dict[str, str], dict[str, str]]] = {
    "months": ("spend_daily", {"month": _MONTH.format("charge_date"), **_FILTERS}, _SPEND),
    "days": ("spend_daily", {"day": _DAY.format("charge_date"), **_FILTERS}, _SPEND),
    "reported": (
        "spend_reported",
        {"month": _MONTH.format("charge_date"), "day": _DAY.format("charge_date"), **_FILTERS},
        _REPORTED,
    ),
    "spread": ("spread_days", {"day": _DAY.format("usage_date"), "model": "model"}, _SPREAD),
    "serving": (
        "serving_days",
        {"month": _MONTH.format("usage_date"), "day": _DAY.format("usage_date"), "model": "model"},
        _SERVING,
    ),
}
_ALWAYS = {
    "requests that are not rated exactly once": """
        select event_id from (
            select source, event_id, 1 as n from rated_usage
            union all select source, event_id, -1 from stg_usage_events
        ) group by source, event_id having sum(n) != 0""",
    "requests with both an amount and a reason for none, or neither": """
        select event_id from rated_usage
        where (revenue_amount is null) = (unpriced_reason is null)
            or (cost_amount is null) = (uncosted_reason is null)""",
    "days whose total is not the sum of their requests": """
        select charge_date, sum(revenue), sum(cost) from (
            select charge_date, revenue_amount as revenue, cost_amount as cost from rated_usage
            union all select charge_date, -revenue_amount, -cost_amount from spend_daily
        ) group by charge_date having sum(revenue) != 0 or sum(cost) != 0""",
    "amounts below zero": "select event_id from rated_usage where least(revenue_amount, cost_amount) < 0",
    "ways of rating that are not told": "select rating_id from rated_usage anti join ratings using (rating_id)",
}


def unmet(expect: Row, case: HomeCase, home: Home) -> list[str]:
    """What is other than expected, in words; counts of a delivery are asked apart."""
    found: list[str] = []
    for name, column in _BY_EVENT.items():
        found += _by_event(name, expect.get(name, {}), case, column)
    for name in _PERIODS:
        found += [difference for line in expect.get(name, []) for difference in _period(name, line, case)]
    if "quarantine" in expect:
        found += _quarantine(expect["quarantine"], home)
    return found + [f"{what}: {rows}" for what, sql in _ALWAYS.items() if (rows := case.ask(sql))]


def miscounted(expect: Row, summary: IngestSummary) -> list[str]:
    """What became of the records of a delivery; what a file does not name is expected to be 0."""
    if "counts" not in expect:
        return []
    return [
        f"counts: {name} is {getattr(summary, name)}, expected {wanted}"
        for name in COUNTS
        if getattr(summary, name) != (wanted := int(expect["counts"].get(name, 0)))
    ]


def _by_event(name: str, wanted: dict[str, str], case: HomeCase, column: str) -> list[str]:
    if not wanted:
        return []
    rows = case.ask(f"select event_id, {column}, coalesce(unpriced_reason, uncosted_reason) from rated_usage")
    got: dict[str, Any] = {event_id: value for event_id, value, _ in rows}
    why = {event_id: reason for event_id, _, reason in rows}
    return [
        f"{name} of {event_id}: {got.get(event_id, 'no such request')}, expected {value}"
        + (f" ({why[event_id]})" if why.get(event_id) else "")
        for event_id, value in wanted.items()
        if event_id not in got or not _same(got[event_id], value)
    ]


def _period(name: str, line: Row, case: HomeCase) -> list[str]:
    table, filters, measures = _PERIODS[name]
    unknown = set(line) - set(filters) - set(measures)
    assert not unknown, f"{name}: unknown {', '.join(sorted(unknown))}; known: {', '.join((*filters, *measures))}"
    where = {said: value for said, value in line.items() if said in filters}
    asked = {said: value for said, value in line.items() if said in measures}
    condition = " and ".join(f"{filters[said]} = ?" for said in where)
    [got] = case.con.execute(
        f"select {', '.join(measures[said] for said in asked)} from {table} where {condition}", list(where.values())
    ).fetchall()
    if "currency" not in where and "billing_currency" in filters.values():
        [(currencies,)] = case.con.execute(
            f"select count(distinct billing_currency) from {table} where {condition}", list(where.values())
        ).fetchall()
        assert currencies < 2 or table == "spend_reported", f"{name}: say the currency, there are {currencies}"
    return [
        f"{said} of {' '.join(where.values())}: {value}, expected {wanted}"
        for (said, wanted), value in zip(asked.items(), got, strict=True)
        if not _same(value, wanted)
    ]


def _quarantine(wanted: dict[str, str], home: Home) -> list[str]:
    got = {json.loads(record["raw"])["event_id"]: record["reason"] for record in quarantined(home)}
    return [
        f"quarantined {event_id}: {got.get(event_id)}, expected {wanted.get(event_id)}"
        for event_id in sorted(set(got) | set(wanted))
        if wanted.get(event_id, "\0") not in got.get(event_id, "")
    ]


def _same(got: object, wanted: str) -> bool:
    """To the last digit; `none` is a null."""
    if got is None or wanted == "none":
        return got is None and wanted == "none"
    return Decimal(wanted) == got if isinstance(got, (int, Decimal)) else str(got) == wanted
