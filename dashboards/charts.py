"""Specs of the big charts as plain dicts in plotly's own schema.

A spec is {"x": days shared by all traces, "data": [...], "layout": {...}}; static/app.js adds the house
layout and draws it. Names from data are escaped here, because plotly reads markup in its texts.
"""

from __future__ import annotations

from decimal import Decimal
from html import escape
from typing import TYPE_CHECKING, Any

from dashboards import cells
from dashboards.page import Chart, Column, Key, Table
from pipelines.publish import numbers
from pipelines.publish.names import OTHER, OTHER_COLOUR
from pipelines.publish.period import day, day_range

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from pipelines.publish.facts import Facts, Row, Series
    from pipelines.publish.period import Period

MAX_SERIES = 6
COST = "#1a1d23"  # drawn over a white line, so it shows on bars and on both grounds
_ZERO = Decimal(0)
KINDS = (
    ("Input", "input_tokens", "#8974dc"),
    ("Cached input", "cached_input_tokens", "#2b92ab"),
    ("Cache write", "cache_write_tokens", "#a58350"),
    ("Output", "output_tokens", "#e26612"),
    ("Audio", "audio_tokens", "#a55061"),
    ("Training", "training_tokens", "#9e26ed"),
)


def model_label(family: str, model_tier: str) -> str:
    """A model family with its tier in words."""
    return f"{family} \u00b7 fine-tuned" if model_tier == "fine_tuned" else family


def revenue_by_model(
    facts: Facts, series: Sequence[Series], *, chart_id: str, what: str, cost: Series | None = None
) -> Chart | None:
    """Revenue by day, stacked by model; fine-tuned hatched; cost as a line where given."""
    period = _period(facts)
    shown, rest = _top(series, facts.colours)
    traces: list[dict[str, Any]] = []
    legend: list[Key] = []
    columns: list[tuple[str, list[Decimal]]] = []
    for entry in shown:
        tuned = entry.model_tier == "fine_tuned"
        label = model_label(entry.family or "", entry.model_tier or "")
        colour = facts.colours[entry.family or ""]
        traces.append(_bars(label, entry.revenue, colour, period, hatched=tuned))
        legend.append(Key(label, colour, hatched=tuned))
        columns.append((label, entry.revenue))
    if rest and any(any(s.revenue) for s in rest):
        other = [
            sum(day_values, _ZERO) for day_values in zip(*(s.revenue for s in rest), strict=True)
        ]
        traces.append(_bars(OTHER, other, OTHER_COLOUR, period))
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
                "y": _y(cost.cost),
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
                "y": _y(cost.cost),
                "line": {"color": COST, "width": 1.75},
            }
        )
        legend.append(Key("Cost", COST, line=True))
        columns.append(("Cost", cost.cost))
    top = max(range(len(total)), key=lambda i: (total[i], -i))
    alt = (
        f"{what} by day, {period.words()}, stacked by model. Largest day {day(period.days[top])} with "
        f"{numbers.money(total[top], facts.currency)}; "
        + (f"largest model {legend[0].label}." if legend else "no priced usage.")
    )
    layout = {"barmode": "stack", "yaxis": _money_axis(facts.currency), **_marks(period)}
    return Chart(
        chart_id,
        alt,
        _spec(period, traces, layout),
        legend,
        weekly(chart_id, what, period, columns, facts.currency, total=None if cost else total),
        unit=facts.currency,
    )


def revenue_and_cost(facts: Facts) -> Chart:
    """Revenue and cost as two lines: what lies between them is the margin."""
    period, daily = _period(facts), facts.daily
    if daily is None:
        raise ValueError("no usage")
    lines = [("Revenue", daily.revenue, "#8974dc"), ("Cost", daily.cost, "#e26612")]
    traces = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": name,
            "y": _y(values),
            "line": {"color": colour, "width": 2},
            **(
                {"fill": "tonexty", "fillcolor": "rgba(137,116,220,.12)"}
                if name == "Revenue"
                else {}
            ),
        }
        for name, values, colour in reversed(lines)
    ]
    alt = (
        f"Revenue and cost by day, {period.words()}: {numbers.money(sum(daily.revenue, _ZERO), facts.currency)} "
        f"against {numbers.money(sum(daily.cost, _ZERO), facts.currency)} in all."
    )
    layout = {"yaxis": {**_money_axis(facts.currency), "rangemode": "tozero"}, **_marks(period)}
    return Chart(
        "margin-days",
        alt,
        _spec(period, traces, layout),
        [Key(n, c, line=True) for n, _, c in lines],
        weekly(
            "margin-days", "Revenue and cost", period, [(n, v) for n, v, _ in lines], facts.currency
        ),
        unit=facts.currency,
    )


def token_kinds(facts: Facts) -> Chart:
    """Tokens by day, stacked by kind."""
    period = _period(facts)
    traces, legend, columns = [], [], []
    for label, key, colour in KINDS:
        values = [0] * len(period.days)
        for row in facts.token_kinds:
            values[row["day_index"]] = row[key]
        if any(values):
            traces.append(_bars(label, values, colour, period))
            legend.append(Key(label, colour))
            columns.append((label, [Decimal(v) for v in values]))
    whole = sum((sum(v, _ZERO) for _, v in columns), _ZERO)
    alt = f"Tokens by day and kind, {period.words()}: {numbers.short(int(whole))} tokens in all."
    layout = {
        "barmode": "stack",
        "yaxis": {"tickformat": "~s", "hoverformat": ",.0f"},
        **_marks(period),
    }
    return Chart(
        "token-kinds",
        alt,
        _spec(period, traces, layout),
        legend,
        weekly("token-kinds", "Tokens", period, columns, ""),
        unit="tokens",
    )


def case_days(
    facts: Facts, flag: Row, values: Sequence[int], band: tuple[float, float] | None
) -> Chart:
    """Output tokens of one organisation by day, flagged window shaded, own earlier range as a band."""
    period = _period(facts)
    inside = [flag["first_seen"] <= d <= flag["last_seen"] for d in period.days]
    marker = {"color": ["#e26612" if i else "#8b929c" for i in inside]}
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
            "x0": _noon_before(max(flag["first_seen"], period.first)),
            "x1": f"{flag['last_seen']} 12:00",
            "fillcolor": "rgba(226,102,18,.10)",
        }
    ]
    legend = [Key("Flagged window", "#e26612"), Key("Other days", "#8b929c")]
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
        f"Output tokens by day, {period.words()}; flagged window {day_range(flag['first_seen'], flag['last_seen'])} "
        f"shaded. Largest day {numbers.short(max(values, default=0))} tokens."
    )
    layout = {"yaxis": {"tickformat": "~s", "hoverformat": ",.0f"}, "shapes": shapes}
    data = weekly(
        "case-days", "Output tokens", period, [("Output tokens", [Decimal(v) for v in values])], ""
    )
    return Chart("case-days", alt, _spec(period, [trace], layout), legend, data, unit="tokens")


def weekly(
    chart_id: str,
    what: str,
    period: Period,
    columns: Sequence[tuple[str, Sequence[Decimal]]],
    currency: str,
    *,
    total: Sequence[Decimal] | None = None,
) -> Table:
    """A chart's figures as a table: by day up to three weeks, else by seven days."""
    step = 1 if len(period.days) <= 21 else 7
    series = (
        [*columns, ("Total", total)] if total is not None and len(columns) > 1 else list(columns)
    )
    rows = []
    for start in range(0, len(period.days), step):
        block = period.days[start : start + step]
        label = day(block[0]) if step == 1 else day_range(block[0], block[-1])
        amounts = [
            sum(values[start : start + step], _ZERO) for _, values in series if values is not None
        ]
        rows.append(
            [cells.text(label)]
            + [cells.money(a, currency) if currency else cells.count(int(a)) for a in amounts]
        )
    unit = currency or "tokens"
    return Table(
        f"{chart_id}-data",
        f"{what} by {'day' if step == 1 else 'seven days'}",
        [Column("Days", "days", text=True), *(Column(n, f"{n} ({unit})") for n, _ in series)],
        rows,
    )


def _top(series: Sequence[Series], colours: dict[str, str]) -> tuple[list[Series], list[Series]]:
    """At most six series, no two model families of one colour; the others go into Other."""
    shown: list[Series] = []
    rest: list[Series] = []
    owner: dict[str, str | None] = {}
    for entry in series:
        colour = colours.get(entry.family or "", OTHER_COLOUR)
        if (
            len(shown) < MAX_SERIES
            and any(entry.revenue)
            and owner.setdefault(colour, entry.family) == entry.family
        ):
            shown.append(entry)
        else:
            rest.append(entry)
    first = {s.family: i for i, s in reversed(list(enumerate(shown)))}
    return sorted(shown, key=lambda s: (first[s.family], s.model_tier or "")), rest


def _bars(
    name: str,
    values: Sequence[Decimal | int],
    colour: str,
    period: Period,
    *,
    hatched: bool = False,
) -> dict[str, Any]:
    marker: dict[str, Any] = {"color": colour}
    if hatched:
        marker["pattern"] = {"shape": "/", "size": 5, "solidity": 0.45}
    if period.incomplete:
        marker["opacity"] = [1] * (len(values) - 1) + [0.45]
    return {"type": "bar", "name": escape(name, quote=False), "y": _y(values), "marker": marker}


def _y(values: Sequence[Decimal | int]) -> list[float | int]:
    """Display figures only: money to six places; the table below the chart has them exactly."""
    return [v if isinstance(v, int) else _plain(v) for v in values]


def _plain(value: Decimal) -> float | int:
    number = float(round(value, 6))
    return int(number) if number.is_integer() else number


def _spec(period: Period, traces: list[dict[str, Any]], layout: dict[str, Any]) -> dict[str, Any]:
    return {"x": [d.isoformat() for d in period.days], "data": traces, "layout": layout}


def _marks(period: Period) -> dict[str, Any]:
    """The border between the compared halves, and a word on the incomplete day."""
    notes: list[dict[str, Any]] = []
    shapes: list[dict[str, Any]] = []
    base = {
        "xref": "x",
        "yref": "paper",
        "y": 1,
        "showarrow": False,
        "yanchor": "bottom",
        "font": {"size": 11},
    }
    if period.compared:
        at = _noon_before(period.current[0])
        shapes.append(
            {
                "type": "line",
                "xref": "x",
                "yref": "paper",
                "x0": at,
                "x1": at,
                "y0": 0,
                "y1": 1,
                "line": {"color": "#8b929c", "width": 1, "dash": "dot"},
            }
        )
        notes.append(
            {**base, "x": at, "xanchor": "left", "text": f"last {period.compared} d \u2192"}
        )
        notes.append(
            {**base, "x": at, "xanchor": "right", "text": f"\u2190 prior {period.compared} d"}
        )
    if period.incomplete and len(period.days) > 1:
        notes.append(
            {**base, "x": period.incomplete.isoformat(), "xanchor": "right", "text": "incomplete"}
        )
    return {"shapes": shapes, "annotations": notes}


def _noon_before(value: date) -> str:
    """The left edge of a day's bar: plotly centres it on midnight."""
    return f"{value.fromordinal(value.toordinal() - 1)} 12:00"


def _money_axis(currency: str) -> dict[str, Any]:
    symbol = numbers.SYMBOLS.get(currency, currency + " ")
    return {"tickprefix": symbol, "tickformat": "~s", "hoverformat": ",.2f"}


def _period(facts: Facts) -> Period:
    if facts.period is None:
        raise ValueError("no usage yet")
    return facts.period
