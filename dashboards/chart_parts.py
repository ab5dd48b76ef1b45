"""What charts are assembled from: traces, axes, marks, and the table of their figures.

Names from data are escaped here, because plotly reads markup in its texts.
"""

from __future__ import annotations

from decimal import Decimal
from html import escape
from typing import TYPE_CHECKING, Any

from dashboards import cells
from dashboards.page import Cell, Column, Table
from pipelines import money
from pipelines.publish import numbers
from pipelines.publish.names import OTHER_COLOUR
from pipelines.publish.period import day, day_range

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date

    from pipelines.publish.facts import Facts
    from pipelines.publish.period import Period
    from pipelines.publish.series import Series

MAX_SERIES = 6
_SHORT_FROM = 10_000
_FEW_DAYS = 10  # more of them, and ticks a day apart are plotly's own choice
_DAY_MS = 86_400_000
_SHORT: dict[str, Any] = {"exponentformat": "B", "minexponent": 3, "separatethousands": True}
_ZERO = Decimal(0)


def model_label(family: str, model_tier: str) -> str:
    """A model family with its tier in words."""
    return f"{family} \u00b7 fine-tuned" if model_tier == "fine_tuned" else family


def weekly(
    chart_id: str,
    what: str,
    period: Period,
    columns: Sequence[tuple[str, Sequence[Decimal]]],
    currency: str,
    *,
    total: Sequence[Decimal] | None = None,
    unit: str = "tokens",
) -> Table:
    """A chart's figures as a table: by day up to three weeks, else by seven days.

    Beside their `total`, amounts are written so that they add up to it.
    """
    step = 1 if len(period.days) <= 21 else 7
    series = [*columns, ("Total", total)] if total is not None and len(columns) > 1 else list(columns)
    rows = []
    for start in range(0, len(period.days), step):
        block = period.days[start : start + step]
        label = day(block[0]) if step == 1 else day_range(block[0], block[-1])
        amounts = [sum(values[start : start + step], _ZERO) for _, values in series]
        rows.append([cells.text(label), *_figures(amounts, currency, has_total=len(series) > len(columns))])
    unit = currency or unit
    return Table(
        f"{chart_id}-data",
        f"{what} by {'day' if step == 1 else 'seven days'}",
        [Column("Days", "days", text=True), *(Column(n, f"{n} ({unit})") for n, _ in series)],
        rows,
    )


def _figures(amounts: list[Decimal], currency: str, *, has_total: bool) -> list[Cell]:
    if not currency:
        return [cells.count(int(a)) for a in amounts]
    if not has_total:
        return [cells.money(a, currency) for a in amounts]
    shown = numbers.written_parts(amounts[:-1], least=numbers.places(amounts[-1]))
    return [
        cells.shown_money(amount, written, currency)
        for amount, written in zip(amounts, [*shown, money.total(shown)], strict=True)
    ]


def top_series(
    series: Sequence[Series], colours: dict[str, str], values: Callable[[Series], Sequence[Decimal | int]]
) -> tuple[list[Series], list[Series]]:
    """At most six series with any of these values, no two model families of one colour; the others go into Other."""
    shown: list[Series] = []
    rest: list[Series] = []
    owner: dict[str, str | None] = {}
    for entry in series:
        colour = colours.get(entry.family or "", OTHER_COLOUR)
        if len(shown) < MAX_SERIES and any(values(entry)) and owner.setdefault(colour, entry.family) == entry.family:
            shown.append(entry)
        else:
            rest.append(entry)
    first = {s.family: i for i, s in reversed(list(enumerate(shown)))}
    return sorted(shown, key=lambda s: (first[s.family], s.model_tier or "")), rest


def bars(
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
    return {"type": "bar", "name": escape(name, quote=False), "y": y(values), "marker": marker}


def y(values: Sequence[Decimal | int]) -> list[float | int]:
    """Display figures only: money to six places; the table below the chart has them exactly."""
    return [v if isinstance(v, int) else plain(v) for v in values]


def plain(value: Decimal) -> float | int:
    number = float(round(value, 6))
    return int(number) if number.is_integer() else number


def spec(period: Period, traces: list[dict[str, Any]], layout: dict[str, Any]) -> dict[str, Any]:
    """The chart over the days of the period, from the first's edge to the last's."""
    n = len(period.days)
    return {
        "x": [d.isoformat() for d in period.days],
        "data": [_of_few_days(t, n) for t in traces],
        "layout": {**layout, "xaxis": {**_day_axis(period), **layout.get("xaxis", {})}},
    }


def _day_axis(period: Period) -> dict[str, Any]:
    """Left to itself plotly writes ticks of less than a day, and of days before the first."""
    n = len(period.days)
    axis: dict[str, Any] = {"range": [noon_before(period.first), f"{period.last.isoformat()} 12:00"]}
    if n <= _FEW_DAYS:
        step = 1 if n <= _FEW_DAYS // 2 else 2
        axis |= {"tick0": period.first.isoformat(), "dtick": step * _DAY_MS, "fixedrange": True}
    return axis


def _of_few_days(trace: dict[str, Any], n: int) -> dict[str, Any]:
    """Bars of a few days no wider than those of many; the line of a single day as a dot."""
    if n <= _FEW_DAYS and trace["type"] == "bar":
        return {**trace, "width": round(_DAY_MS * min(0.078 * n, 0.78))}
    if n <= _FEW_DAYS and trace.get("mode") == "lines+markers":
        return {**trace, "marker": {**trace["marker"], "size": 7}}
    if n == 1 and trace.get("mode") == "lines":
        dot = {"size": trace["line"]["width"] + 6, "color": trace["line"]["color"]}
        return {**trace, "mode": "markers", "marker": dot}
    return trace


def marks(period: Period) -> dict[str, Any]:
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
        at = noon_before(period.current[0])
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
        notes.append({**base, "x": at, "xanchor": "left", "text": f"last {period.compared} d \u2192"})
        notes.append({**base, "x": at, "xanchor": "right", "text": f"\u2190 prior {period.compared} d"})
    if period.incomplete and len(period.days) > 1:
        notes.append({**base, "x": period.incomplete.isoformat(), "xanchor": "right", "text": "incomplete"})
    return {"shapes": shapes, "annotations": notes}


def noon_before(value: date) -> str:
    """The left edge of a day's bar: plotly centres it on midnight."""
    return f"{value.fromordinal(value.toordinal() - 1)} 12:00"


def money_axis(currency: str, top: Decimal) -> dict[str, Any]:
    """An axis of amounts up to `top`: plain decimals below 10,000, then k, M and B.

    Below 1 the places are those that a step of an axis with about six ticks needs.
    """
    axis: dict[str, Any] = {"tickprefix": numbers.SYMBOLS.get(currency, currency + " "), "hoverformat": ",.2f"}
    if top >= _SHORT_FROM:
        return {**axis, **_SHORT}
    if top >= 10:
        return {**axis, "tickformat": ",.0f"}
    places = max(2, -(top / 6).adjusted()) if top > 0 else 2
    return {**axis, "tickformat": f",.{places}f", "hoverformat": f",.{max(4 if top < 1 else 2, places + 1)}f"}


def count_axis(top: Decimal | int) -> dict[str, Any]:
    """An axis of counts up to `top`: in full below 10,000, then k, M and B."""
    return {**(_SHORT if top >= _SHORT_FROM else {"tickformat": ",~f"}), "hoverformat": ",.0f"}


def share_axis() -> dict[str, Any]:
    """An axis of shares, in percent."""
    return {"tickformat": ",~%", "hoverformat": ",.2%", "rangemode": "tozero"}


def stacked_top(columns: Sequence[Sequence[Decimal | int]]) -> Decimal:
    """The highest stack of bars; 0 without any."""
    return max((sum((Decimal(v) for v in values), _ZERO) for values in zip(*columns, strict=True)), default=_ZERO)


def shown_period(facts: Facts) -> Period:
    if facts.period is None:
        raise ValueError("no usage yet")
    return facts.period
