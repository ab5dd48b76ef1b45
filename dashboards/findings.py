"""The sentence at the head of a card: what the figures below it say. No figure is made up here."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from pipelines.publish import numbers

if TYPE_CHECKING:
    from pipelines.publish.attribution import Change
    from pipelines.publish.facts import Facts
    from pipelines.publish.series import Row

FEW = 8  # of fewer, the three largest say nothing
_RISES = {
    "Volume": "more tokens",
    "Mix": "a dearer mix of models and token kinds",
    "Price": "higher prices",
    "New": "new organisations, products or models",
}
_FALLS = {
    "Volume": "fewer tokens",
    "Mix": "a cheaper mix of models and token kinds",
    "Price": "lower prices",
    "Ended": "organisations, products or models that ended",
}
_SHORT = {
    "Volume": "volume",
    "Mix": "mix",
    "Price": "price",
    "New": "new lines of use",
    "Ended": "ended lines of use",
}


def revenue(facts: Facts, *, what: str = "Revenue") -> str:
    """`Revenue up 13.6 %, most of it volume at org-heron-014`, as far as the figures carry it."""
    change = facts.change
    if facts.total["revenue"] is None:
        return "No request has a price yet"
    if change is None:
        return f"{what} {numbers.money(facts.total['revenue'], facts.currency)} so far"
    words = numbers.change_words(change.now, change.before)
    days = facts.period.compared if facts.period else 0
    if words == "unchanged":
        return f"{what} unchanged on the {days} days before"
    if words == "new":
        return f"{what} {numbers.money(change.now, facts.currency)} in {days} days, none in the {days} before"
    mover = leading_organization(facts)
    if mover is not None:
        name, part = mover
        return f"{what} {words}, most of it {_SHORT[part]} at {name}"
    return f"{what} {words}, {lead_clause(change)}"


def leading_organization(facts: Facts) -> tuple[str, str] | None:
    """The organisation behind most of all moves in the direction of the whole, and its own cause."""
    if facts.change is None or not facts.organization_change:
        return None
    sign = 1 if facts.change.total >= 0 else -1
    moves = {name: own.total * sign for name, own in facts.organization_change.items()}
    name = max(moves, key=lambda n: (moves[n], n))
    along = sum((move for move in moves.values() if move > 0), Decimal(0))
    if moves[name] * 2 <= along:
        return None
    return name, facts.organization_change[name].leading()[0]


def lead_clause(change: Change) -> str:
    """`mostly from more tokens`; with a large part the other way, `more tokens against lower prices`."""
    name, amount = change.leading()
    cause = (_RISES if change.total >= 0 else _FALLS).get(name, "other lines")
    other, back = change.opposing()
    if abs(back) * 2 >= abs(amount) > 0:
        against = (_FALLS if change.total >= 0 else _RISES).get(other, "other lines")
        return f"{cause} against {against}"
    return f"mostly from {cause}"


def bridge(facts: Facts, change: Change) -> str:
    """What drove the change: its largest part, and the one against it where that is large."""
    name, amount = change.leading()
    shown = numbers.money(amount, facts.currency, sign=True)
    other, back = change.opposing()
    if abs(back) * 2 >= abs(amount) > 0:
        against = numbers.money(back, facts.currency, sign=True)
        return f"{_SHORT[name].capitalize()} {shown} against {_SHORT[other]} {against}"
    whole = numbers.money(change.total, facts.currency, sign=True)
    if abs(amount) > abs(change.total):
        return f"{_SHORT[name].capitalize()} {shown}, {whole} in all"
    return f"{_SHORT[name].capitalize()} accounts for {shown} of {whole}"


def movers(facts: Facts) -> str:
    """Which organisation moved furthest."""
    if not facts.organization_change:
        return "No completed days to compare yet"
    name, own = max(facts.organization_change.items(), key=lambda item: (abs(item[1].total), item[0]))
    return f"{name} moved furthest: {numbers.money(own.total, facts.currency, sign=True)}"


def concentration(facts: Facts, rows: list[Row], key: str, plural: str) -> str:
    """`The three largest organisations bring 52 % of revenue`."""
    known = [r["revenue"] or Decimal(0) for r in rows]
    if len(known) < 2 or not facts.total["revenue"]:
        return f"{len(rows):,} {plural if len(rows) != 1 else plural.removesuffix('s')} in {_days(facts)}"
    if len(known) < FEW:
        part = numbers.share(max(known), facts.total["revenue"])
        return f"The largest of {len(rows):,} {plural} brings {numbers.percent(part)} of {key}"
    part = numbers.share(sum(sorted(known, reverse=True)[:3], Decimal(0)), facts.total["revenue"])
    return f"Three of {len(rows):,} {plural} bring {numbers.percent(part)} of {key}"


def priced(row: Row) -> str:
    """`99.5 %` of requests have a price."""
    return numbers.percent(numbers.share(row["requests"] - row["unpriced_requests"], row["requests"]))


def _days(facts: Facts) -> str:
    n = len(facts.period.days) if facts.period else 0
    return f"{n} day{'s' if n != 1 else ''}"
