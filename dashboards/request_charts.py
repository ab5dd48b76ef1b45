"""Specs of the charts of requests: by model, and the share that failed. Money and tokens are in charts.py."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from dashboards.chart_parts import (
    bars,
    count_axis,
    marks,
    model_label,
    plain,
    share_axis,
    shown_period,
    spec,
    stacked_top,
    top_series,
    weekly,
)
from dashboards.page import Chart, Key
from pipelines.publish import numbers
from pipelines.publish.names import OTHER, OTHER_COLOUR
from pipelines.publish.period import day

if TYPE_CHECKING:
    from datetime import date

    from pipelines.publish.facts import Facts

FAILED = "#a55061"


def requests_by_model(facts: Facts) -> Chart:
    """Requests by day, priced or not, stacked by model; fine-tuned hatched."""
    period = shown_period(facts)
    by_size = sorted(facts.model_daily, key=lambda s: (-sum(s.requests), s.family or "", s.model_tier or ""))
    shown, rest = top_series(by_size, facts.colours, lambda s: s.requests)
    traces: list[dict[str, Any]] = []
    legend: list[Key] = []
    columns: list[tuple[str, list[int]]] = []
    for entry in shown:
        tuned = entry.model_tier == "fine_tuned"
        label = model_label(entry.family or "", entry.model_tier or "")
        colour = facts.colours[entry.family or ""]
        traces.append(bars(label, entry.requests, colour, period, hatched=tuned))
        legend.append(Key(label, colour, hatched=tuned))
        columns.append((label, entry.requests))
    if rest:
        other = [sum(values) for values in zip(*(s.requests for s in rest), strict=True)]
        traces.append(bars(OTHER, other, OTHER_COLOUR, period))
        legend.append(Key(OTHER, OTHER_COLOUR))
        columns.append((OTHER, other))
    total = [Decimal(sum(values)) for values in zip(*(c for _, c in columns), strict=True)]
    top = max(range(len(total)), key=lambda i: (total[i], -i))
    alt = (
        f"Requests by day, {period.words()}, stacked by model. Largest day {day(period.days[top])} with "
        f"{numbers.count(int(total[top]))}; largest model {legend[0].label}."
    )
    layout = {"barmode": "stack", "yaxis": count_axis(stacked_top([c for _, c in columns])), **marks(period)}
    exact = [(name, [Decimal(v) for v in values]) for name, values in columns]
    data = weekly("request-days", "Requests", period, exact, "", total=total, unit="requests")
    return Chart("request-days", alt, spec(period, traces, layout), legend, data, unit="requests")


def failed_share(facts: Facts) -> Chart:
    """Failed requests by day as a share of all; a day without requests is a gap."""
    period, daily = shown_period(facts), facts.daily
    if daily is None:
        raise ValueError("no usage")
    shares = [numbers.share(f, n) for f, n in zip(daily.failed_requests, daily.requests, strict=True)]
    trace = {
        "type": "scatter",
        "mode": "lines+markers",
        "name": "Failed",
        "y": [None if s is None else plain(s) for s in shares],
        "line": {"color": FAILED, "width": 2},
        "marker": {"size": 4},
    }
    peak = worst_day(facts)
    alt = f"Share of requests that failed by day, {period.words()}."
    if peak is not None:
        alt += f" Highest on {day(peak[0])} with {numbers.percent(peak[1])}."
    exact = [
        ("Requests", [Decimal(v) for v in daily.requests]),
        ("Failed", [Decimal(v) for v in daily.failed_requests]),
    ]
    data = weekly("failed-days", "Requests and failed requests", period, exact, "", unit="requests")
    layout = {"yaxis": share_axis(), **marks(period)}
    return Chart(
        "failed-days", alt, spec(period, [trace], layout), [Key("Failed", FAILED, line=True)], data, height=220
    )


def worst_day(facts: Facts) -> tuple[date, Decimal] | None:
    """The day on which the largest share of requests failed, the earlier of equals; None when none did."""
    period, daily = shown_period(facts), facts.daily
    if daily is None or not any(daily.failed_requests):
        return None
    shares = [numbers.share(f, n) or Decimal(0) for f, n in zip(daily.failed_requests, daily.requests, strict=True)]
    place = max(range(len(shares)), key=lambda i: (shares[i], -i))
    return period.days[place], shares[place]
