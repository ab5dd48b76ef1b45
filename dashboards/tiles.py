"""Key figures of one entity, each with its change over completed days and a sparkline."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from dashboards.page import Audience, Tile, sees_cost
from dashboards.svg import spark
from pipelines.publish import numbers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipelines.publish.facts import Facts
    from pipelines.publish.series import Row, Series

Direction = Literal["up", "down", "flat"]
NBSP = "\u00a0"
_ZERO = Decimal(0)


def tiles(facts: Facts, audience: Audience, row: Row, daily: Series, *, unpriced_href: str = "") -> list[Tile]:
    """The key figures of one entity over the window, with their change over completed days."""
    charge = "Charge" if audience == "organization" else "Revenue"
    if audience == "platform":
        return _platform_tiles(facts, row, daily, unpriced_href)
    made = [_money_tile(facts, charge, row["revenue"], row, "revenue", daily.revenue, "revenue")]
    if sees_cost(audience):
        made.append(_money_tile(facts, "Cost", row["cost"], row, "cost", daily.cost, "cost"))
        made.append(_margin_tile(facts, row, daily))
    made += [
        _count_tile(facts, "Requests", row["requests"], row, "requests", daily.requests, "requests"),
        _count_tile(facts, "Tokens", row["total_tokens"], row, "tokens", daily.total_tokens, "tokens"),
        _rate_tile(facts, row),
        _unpriced_tile(row, daily, unpriced_href),
    ]
    if not sees_cost(audience):
        made.append(_failed_tile(facts, row))
    return made


def _platform_tiles(facts: Facts, row: Row, daily: Series, unpriced_href: str) -> list[Tile]:
    """What was served and how well first, then what it cost and brought."""
    return [
        _count_tile(facts, "Requests", row["requests"], row, "requests", daily.requests, "requests"),
        _count_tile(facts, "Tokens", row["total_tokens"], row, "tokens", daily.total_tokens, "tokens"),
        _failed_tile(facts, row),
        _rate_tile(facts, row),
        _money_tile(facts, "Cost", row["cost"], row, "cost", daily.cost, "cost"),
        _money_tile(facts, "Revenue", row["revenue"], row, "revenue", daily.revenue, "revenue"),
        _unpriced_tile(row, daily, unpriced_href),
    ]


def _delta(facts: Facts, row: Row, key: str) -> tuple[str, Direction]:
    """Change of the last compared days against those before, in words and direction."""
    now, before = row[f"current_{key}"], row[f"prior_{key}"]
    return _words(facts, now, before)


def _words(facts: Facts, now: Decimal | int | None, before: Decimal | int | None) -> tuple[str, Direction]:
    days = facts.period.compared if facts.period else 0
    if not days or (not now and not before):
        return "", "flat"
    words = numbers.change_words(now, before)
    direction: Direction = "down" if words.startswith("down") else "up" if words.startswith("up") else "flat"
    # Kept together, so that no line of a narrow tile is a lone "d".
    return f"{words.replace(' ', NBSP)} on{NBSP}prior{NBSP}{days}{NBSP}d", direction


def _money_tile(
    facts: Facts,
    label: str,
    value: Decimal | None,
    row: Row,
    key: str,
    daily: Sequence[Decimal],
    term: str,
) -> Tile:
    whole, cents = numbers.money_parts(value, facts.currency)
    delta, direction = _delta(facts, row, key)
    return Tile(label, whole, cents, numbers.raw(value), delta, direction, spark=spark(daily), term=term)


def _count_tile(facts: Facts, label: str, value: int, row: Row, key: str, daily: Sequence[int], term: str) -> Tile:
    delta, direction = _delta(facts, row, key)
    return Tile(label, numbers.short(value), "", str(value), delta, direction, spark=spark(daily), term=term)


def _margin_tile(facts: Facts, row: Row, daily: Series) -> Tile:
    if facts.at_list_price:
        return Tile("Margin", "nil", note="cost is taken at list price", term="margin")
    whole, cents = numbers.money_parts(row["margin"], facts.currency)
    part = numbers.share(row["margin"], row["margin_revenue"])
    delta, direction = _delta(facts, row, "margin")
    series = [r - c for r, c in zip(daily.revenue, daily.cost, strict=True)]
    drawn = spark(series) if min(series, default=_ZERO) >= 0 else None
    note = f"{numbers.percent(part)} of revenue" if part is not None else ""
    return Tile(
        "Margin",
        whole,
        cents,
        numbers.raw(row["margin"]),
        delta,
        direction,
        note=note,
        spark=drawn,
        term="margin",
    )


def _rate_tile(facts: Facts, row: Row) -> Tile:
    value = numbers.per_million(row["revenue"], row["total_tokens"] - row["unpriced_tokens"])
    now = numbers.per_million(row["current_revenue"], row["current_priced_tokens"])
    before = numbers.per_million(row["prior_revenue"], row["prior_priced_tokens"])
    delta, direction = _words(facts, now, before)
    return Tile(
        f"{_symbol(facts)} per 1M tokens",
        numbers.rate(value, facts.currency),
        "",
        numbers.raw(value),
        delta,
        direction,
        term="effective-price",
    )


def _unpriced_tile(row: Row, daily: Series, href: str) -> Tile:
    missing = row["unpriced_requests"]
    if not missing:
        return Tile("Not priced", "none", note="every request has a price", term="not-priced")
    part = numbers.percent(numbers.share(missing, row["requests"]))
    return Tile(
        "Not priced",
        numbers.short(missing),
        "",
        str(missing),
        note=f"{part} of requests, in no amount here",
        note_href=href,
        spark=spark(daily.unpriced_requests),
        term="not-priced",
    )


def _failed_tile(facts: Facts, row: Row) -> Tile:
    part = numbers.share(row["failed_requests"], row["requests"])
    now = numbers.share(row["current_failed"], row["current_requests"])
    before = numbers.share(row["prior_failed"], row["prior_requests"])
    delta, direction = _words(facts, now, before)
    return Tile(
        "Failed",
        numbers.percent(part),
        "",
        str(row["failed_requests"]),
        delta,
        direction,
        note=f"{numbers.count(row['failed_requests'])} requests",
        term="failed",
    )


def _symbol(facts: Facts) -> str:
    return numbers.SYMBOLS.get(facts.currency, facts.currency)
