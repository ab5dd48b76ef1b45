"""The sentence at the head of a card: what the figures below it say. No figure is made up here."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from dashboards import foreign
from pipelines.publish import numbers

if TYPE_CHECKING:
    from collections.abc import Callable

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
        return (
            f"All {what.lower()} is {foreign.no_amount(facts.total)}" if facts.foreign else "No request has a price yet"
        )
    if change is None:
        return f"{what} {numbers.money(facts.total['revenue'], facts.currency)} so far"
    words = numbers.change_words(change.now, change.before)
    days = facts.period.compared if facts.period else 0
    if words == "unchanged":
        return f"{what} unchanged on the {numbers.counted(days, 'day')} before"
    if words == "new":
        return f"{what} {numbers.money(change.now, facts.currency)} in {since_nothing(days)}"
    mover = leading_organization(facts)
    if mover is not None:
        name, part = mover
        return f"{what} {words}, most of it {_SHORT[part]} at {name}"
    return f"{what} {words}, {lead_clause(change)}"


def since_nothing(days: int) -> str:
    """`7 days, none in the 7 before`."""
    return f"{numbers.counted(days, 'day')}, none in the {'one' if days == 1 else days} before"


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
        if {name, other} == {"New", "Ended"}:
            against = "ended ones" if other == "Ended" else "new ones"
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
    verb = "account" if name in {"New", "Ended"} else "accounts"
    return f"{_SHORT[name].capitalize()} {verb} for {shown} of {whole}"


def movers(facts: Facts) -> str:
    """Which organisation moved furthest."""
    moved = [(n, own) for n, own in facts.organization_change.items() if n != facts.merged.get("organisations")]
    if not moved:
        return "No completed days to compare yet"
    name, own = max(moved, key=lambda item: (abs(item[1].total), item[0]))
    return f"{name} moved furthest: {numbers.money(own.total, facts.currency, sign=True)}"


def concentration(facts: Facts, rows: list[Row], key: str, plural: str) -> str:
    """`The three largest organisations bring 52 % of revenue`."""
    known = [r["revenue"] or Decimal(0) for r in rows if not facts.is_merged(r)]
    count = facts.counts[plural] if plural in facts.merged else len(rows)
    if len(known) < 2 or not facts.total["revenue"]:
        return f"{numbers.counted(count, plural.removesuffix('s'))} in {_days(facts)}"
    if len(known) < FEW:
        part = numbers.share(max(known), facts.total["revenue"])
        return f"The largest of {count:,} {plural} brings {numbers.percent(part)} of {key}"
    part = numbers.share(sum(sorted(known, reverse=True)[:3], Decimal(0)), facts.total["revenue"])
    return f"Three of {count:,} {plural} bring {numbers.percent(part)} of {key}"


def earners(facts: Facts, rows: list[Row], name: Callable[[Row], str], noun: str) -> str:
    """`gpt-4o earns most: $312.10, 41.0 % of its revenue`, and how many are below cost."""
    if facts.at_list_price:
        return f"No {noun} earns or loses: cost is taken at list price"
    known = [r for r in rows if r["margin"] is not None and not facts.is_merged(r)]
    if not known:
        return f"No {noun} has a known margin"
    best, worst = (pick(known, key=lambda r: (r["margin"], name(r))) for pick in (max, min))
    losing = sum(r["margin"] < 0 for r in known)
    if best["margin"] <= 0:
        lost = numbers.money(worst["margin"], facts.currency)
        return f"No {noun} earns; {name(worst)} loses most: {lost}"
    text = f"{name(best)} earns {'most: ' if len(known) > 1 else ''}{numbers.money(best['margin'], facts.currency)}, "
    text += f"{numbers.percent(numbers.share(best['margin'], best['margin_revenue']))} of its revenue"
    return f"{text}; {numbers.counted(losing, noun)} below cost" if losing else text


def kinds(facts: Facts) -> str:
    """How much of the input the cache answered, and how much of all is output."""
    row = facts.total
    inputs = sum(
        row[k] for k in ("input_tokens", "cached_input_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens")
    )
    cached = numbers.percent(numbers.share(row["cached_input_tokens"], inputs))
    out = numbers.percent(numbers.share(row["output_tokens"], row["total_tokens"]))
    return f"{cached} of text input came from the cache; output is {out} of all tokens"


def requests(facts: Facts) -> str:
    """What was served, and whether that is more than before."""
    row = facts.total
    compared = facts.period.compared if facts.period else 0
    if not compared:
        return f"{_tokens(row['total_tokens'])} in {numbers.counted(row['requests'], 'request')}"
    if not row["prior_requests"]:
        now = numbers.counted(row["current_requests"], "request")
        return f"{_tokens(row['current_total_tokens'])} and {now} in {since_nothing(compared)}"
    pairs = [(row[f"current_{key}"], row[f"prior_{key}"]) for key in ("total_tokens", "requests")]
    tokens, calls = (numbers.change_words(*pair) for pair in pairs)
    if not pairs[0][1]:
        tokens = f"{numbers.short(pairs[0][0])} after none" if pairs[0][0] else "none"
    return f"Tokens {tokens}, requests {calls}"


def _tokens(n: int) -> str:
    return f"{numbers.short(n)} token{'s' if n != 1 else ''}"


def priced(row: Row) -> str:
    """`99.5 %` of requests have a price."""
    return numbers.percent(numbers.share(row["requests"] - row["unpriced_requests"], row["requests"]))


def _days(facts: Facts) -> str:
    return numbers.counted(len(facts.period.days) if facts.period else 0, "day")
