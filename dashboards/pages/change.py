"""What changed: the bridge from the older to the newer days, and who moved furthest."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from dashboards import cells, findings
from dashboards.page import Card, Cell, Column, Step, Table
from pipelines.publish import numbers
from pipelines.publish.period import day_range

if TYPE_CHECKING:
    from pipelines.publish.attribution import Change
    from pipelines.publish.facts import Facts

MOVERS = 5
_ZERO = Decimal(0)
_NOTES = {
    "Volume": "an organisation's tokens, hours and calls, at its mean price",
    "Mix": "where they went: product, model, tier, kind",
    "Price": "rates of lines in both periods",
    "New": "lines with usage only in the newer days",
    "Ended": "lines with usage only in the older days",
}


def change_card(facts: Facts, change: Change, *, id: str = "change") -> Card:  # noqa: A002
    """The bridge from the older to the newer period, its parts adding up to the difference."""
    period = facts.period
    assert period is not None  # noqa: S101 - a change has a period
    return Card(
        id,
        findings.bridge(facts, change),
        "Is it more use, a different mix, or other prices?",
        bridge=bridge(change, facts.currency),
        term="change",
        half=True,
        how=f"{day_range(*period.prior)} against {day_range(*period.current)}. Split for each "
        "organisation, then added up; "
        "each part is the mean over all orders in which volume, mix and price could have changed.",
    )


def bridge(change: Change, currency: str) -> list[Step]:
    """Bars from before to now. A rounding bar appears where the written parts would not add up."""
    steps = change.parts()
    shown = [numbers.rounded(change.before), *(numbers.rounded(v) for _, v in steps)]
    rest = numbers.residual(numbers.rounded(change.now), shown)
    if rest:
        steps.append(("Rounding", rest))
    ends = [change.before]
    for _, value in steps:
        ends.append(ends[-1] + value)
    # A part can be larger than all there was before it, so the scale goes below 0 where an end does.
    bottom = min(*ends, change.now, _ZERO)
    scale = max(*ends, change.now, bottom + Decimal("0.000001")) - bottom

    def place(start: Decimal, end: Decimal) -> tuple[str, str]:
        width = max(float(abs(end - start) / scale) * 100, 0.15)
        left = min(float((min(start, end) - bottom) / scale) * 100, 100 - width)
        return f"{max(left, 0):.2f}", f"{width:.2f}"

    made = [
        Step(
            "Prior",
            numbers.money(change.before, currency),
            numbers.raw(change.before),
            *place(_ZERO, change.before),
            "whole",
        )
    ]
    for i, (label, value) in enumerate(steps):
        css = "minus" if value < 0 else "plus"
        text = numbers.rounding(value, currency) if label == "Rounding" else numbers.money(value, currency, sign=True)
        made.append(
            Step(
                label,
                text,
                numbers.raw(value),
                *place(ends[i], ends[i + 1]),
                css,
                _NOTES.get(label, ""),
            )
        )
    made.append(
        Step(
            "Last",
            numbers.money(change.now, currency),
            numbers.raw(change.now),
            *place(_ZERO, change.now),
            "whole",
        )
    )
    return made


def movers_card(facts: Facts, linked: dict[str, str]) -> Card:
    """The organisations that moved furthest up and down, with the part that moved them."""
    ordered = sorted(facts.organization_change.items(), key=lambda item: (-item[1].total, item[0]))
    rises = [item for item in ordered if item[1].total > 0][:MOVERS]
    falls = [item for item in reversed(ordered) if item[1].total < 0][:MOVERS]
    rows = [_mover(facts, name, own, linked.get(name, "")) for name, own in [*rises, *reversed(falls)]]
    columns = [
        Column("Organisation", "organisation", text=True),
        Column("Change", f"change ({facts.currency})", term="change"),
        Column("%", "relative change"),
        Column("Mostly", "leading part", text=True),
    ]
    table = Table("movers-table", "Largest rises and falls", columns, rows, empty="Nothing moved.")
    n = facts.period.compared if facts.period else 0
    days = "the last completed day against the one" if n == 1 else f"last {n} completed days against the {n}"
    return Card(
        "movers",
        findings.movers(facts),
        f"Who rose and who fell, {days} before?",
        tables=[table],
        term="change",
        half=True,
    )


def _mover(facts: Facts, name: str, own: Change, href: str) -> list[Cell]:
    part, amount = own.leading()
    lead = f"{part.lower()} {numbers.money(amount, facts.currency, sign=True)}"
    return [
        cells.text(name, href=href),
        cells.money(own.total, facts.currency, sign=True),
        cells.moved(own.now, own.before),
        cells.text(lead, css="l"),
    ]
