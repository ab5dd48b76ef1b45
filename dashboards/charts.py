"""Specs of the big charts as plain dicts in plotly's own schema.

A spec is {"x": days shared by all traces, "data": [...], "layout": {...}}; static/app.js adds the house layout and
draws it. Names from data are escaped in chart_parts.py, because plotly reads markup in its texts.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from dashboards.chart_parts import (
    bars,
    count_axis,
    marks,
    model_label,
    money_axis,
    noon_before,
    shown_period,
    spec,
    stacked_top,
    top_series,
    weekly,
    y,
)
from dashboards.page import Chart, Key
from dashboards.quantities import KINDS
from pipelines.publish import numbers
from pipelines.publish.names import OTHER, OTHER_COLOUR
from pipelines.publish.period import day, day_range

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipelines.publish.facts import Facts
    from pipelines.publish.series import Row, Series

COST = "#1a1d23"  # drawn over a white line, so it shows on bars and on both grounds
_ZERO = Decimal(0)


def revenue_by_model(
    facts: Facts, series: Sequence[Series], *, chart_id: str, what: str, cost: Series | None = None
) -> Chart | None:
    """Revenue by day, stacked by model; fine-tuned hatched; cost as a line where given."""
    period = shown_period(facts)
    shown, rest = top_series(series, facts.colours, lambda s: s.revenue)
    traces: list[dict[str, Any]] = []
    legend: list[Key] = []
    columns: list[tuple[str, list[Decimal]]] = []
    for entry in shown:
        tuned = entry.model_tier == "fine_tuned"
        label = model_label(entry.family or "", entry.model_tier or "")
        colour = facts.colours[entry.family or ""]
        traces.append(bars(label, entry.revenue, colour, period, hatched=tuned))
        legend.append(Key(label, colour, hatched=tuned))
        columns.append((label, entry.revenue))
    if rest and any(any(s.revenue) for s in rest):
        other = [sum(day_values, _ZERO) for day_values in zip(*(s.revenue for s in rest), strict=True)]
        traces.append(bars(OTHER, other, OTHER_COLOUR, period))
        legend.append(Key(OTHER, OTHER_COLOUR))
        columns.append((OTHER, other))
    if not columns:
        return None
    total = [sum(v, _ZERO) for v in zip(*(c for _, c in columns), strict=True)]
    if cost is not None and any(cost.cost) and not facts.at_list_price:
        traces.append(
            {
                "type": "scatter",
                "mode": "lines",
                "y": y(cost.cost),
                "hoverinfo": "skip",
                "showlegend": False,
                "line": {"color": "#fff", "width": 4},
            }
        )
        traces.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": "Cost",
                "y": y(cost.cost),
                "line": {"color": COST, "width": 1.75},
            }
        )
        legend.append(Key("Cost", "var(--ink)", line=True))
        columns.append(("Cost", cost.cost))
    top = max(range(len(total)), key=lambda i: (total[i], -i))
    alt = (
        f"{what} by day, {period.words()}, stacked by model. Largest day "
        f"{day(period.days[top])} with "
        f"{numbers.money(total[top], facts.currency)}; "
        + (f"largest model {legend[0].label}." if legend else "no priced usage.")
    )
    top_amount = max(*total, *(cost.cost if cost else []), _ZERO)
    layout = {"barmode": "stack", "yaxis": money_axis(facts.currency, top_amount), **marks(period)}
    return Chart(
        chart_id,
        alt,
        spec(period, traces, layout),
        legend,
        weekly(chart_id, what, period, columns, facts.currency, total=None if cost else total),
        unit=facts.currency,
    )


def revenue_and_cost(facts: Facts) -> Chart:
    """Revenue and cost as two lines: what lies between them is the margin."""
    period, daily = shown_period(facts), facts.daily
    if daily is None:
        raise ValueError("no usage")
    lines = [("Revenue", daily.revenue, "#8974dc"), ("Cost", daily.cost, "#e26612")]
    traces = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": name,
            "y": y(values),
            "line": {"color": colour, "width": 2},
            **({"fill": "tonexty", "fillcolor": "rgba(137,116,220,.12)"} if name == "Revenue" else {}),
        }
        for name, values, colour in reversed(lines)
    ]
    alt = (
        f"Revenue and cost by day, {period.words()}: "
        f"{numbers.money(sum(daily.revenue, _ZERO), facts.currency)} "
        f"against {numbers.money(sum(daily.cost, _ZERO), facts.currency)} in all."
    )
    top = max(*daily.revenue, *daily.cost, _ZERO)
    layout = {"yaxis": {**money_axis(facts.currency, top), "rangemode": "tozero"}, **marks(period)}
    return Chart(
        "margin-days",
        alt,
        spec(period, traces, layout),
        [Key(n, c, line=True) for n, _, c in lines],
        weekly("margin-days", "Revenue and cost", period, [(n, v) for n, v, _ in lines], facts.currency),
        unit=facts.currency,
    )


def token_kinds(facts: Facts) -> Chart:
    """Tokens by day, stacked by kind."""
    period = shown_period(facts)
    traces, legend, columns = [], [], []
    for label, buckets, colour in KINDS:
        values = [0] * len(period.days)
        for row in facts.token_kinds:
            values[row["day_index"]] = sum(row[bucket] for bucket in buckets)
        if any(values):
            traces.append(bars(label, values, colour, period))
            legend.append(Key(label, colour))
            columns.append((label, [Decimal(v) for v in values]))
    whole = sum((sum(v, _ZERO) for _, v in columns), _ZERO)
    unit = "token" if whole == 1 else "tokens"
    alt = f"Tokens by day and kind, {period.words()}: {numbers.short(int(whole))} {unit} in all."
    layout = {
        "barmode": "stack",
        "yaxis": count_axis(stacked_top([v for _, v in columns])),
        **marks(period),
    }
    return Chart(
        "token-kinds",
        alt,
        spec(period, traces, layout),
        legend,
        weekly("token-kinds", "Tokens", period, columns, ""),
        unit="tokens",
    )


def case_days(
    facts: Facts, flag: Row, values: Sequence[int], band: tuple[float, float] | None, marked: Sequence[int]
) -> Chart:
    """Output tokens of one organisation by day, flagged window shaded, own earlier range as a band.

    `marked` are the places of the days that stand out.
    """
    period = shown_period(facts)
    inside = [flag["first_seen"] <= d <= flag["last_seen"] for d in period.days]
    marker = {
        "color": ["#e26612" if i in marked else "#a58350" if flagged else "#8b929c" for i, flagged in enumerate(inside)]
    }
    trace = {"type": "bar", "name": "Output tokens", "y": list(values), "marker": marker}
    shapes: list[dict[str, Any]] = [
        {
            "type": "rect",
            "xref": "x",
            "yref": "paper",
            "y0": 0,
            "y1": 1,
            "line": {"width": 0},
            "layer": "below",
            "x0": noon_before(max(flag["first_seen"], period.first)),
            "x1": f"{flag['last_seen']} 12:00",
            "fillcolor": "rgba(226,102,18,.10)",
        }
    ]
    legend = [Key("Days that stand out", "#e26612")]
    if sum(inside) > len(marked):
        legend.append(Key("Other days of the flagged window", "#a58350"))
    legend.append(Key("Days outside it", "#8b929c"))
    if band is not None:
        shapes.append(
            {
                "type": "rect",
                "xref": "paper",
                "x0": 0,
                "x1": 1,
                "yref": "y",
                "y0": round(band[0]),
                "y1": round(band[1]),
                "fillcolor": "rgba(43,146,171,.22)",
                "line": {"width": 0},
                "layer": "below",
            }
        )
        legend.append(Key("Own middle half of days before", "#2b92ab"))
    alt = (
        f"Output tokens by day, {period.words()}; flagged window "
        f"{day_range(flag['first_seen'], flag['last_seen'])} "
        f"shaded. Largest day {numbers.short(max(values, default=0))} tokens."
    )
    layout = {"yaxis": count_axis(max(values, default=0)), "shapes": shapes}
    data = weekly("case-days", "Output tokens", period, [("Output tokens", [Decimal(v) for v in values])], "")
    return Chart("case-days", alt, spec(period, [trace], layout), legend, data, unit="tokens")
