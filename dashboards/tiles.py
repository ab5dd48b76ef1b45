"""Key figures of one entity, each with its change over completed days and a sparkline."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from dashboards import foreign, tables
from dashboards.page import Audience, Tile, sees_cost
from dashboards.svg import spark
from pipelines.publish import numbers

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from pipelines.publish.facts import Facts
    from pipelines.publish.series import Row, Series

Direction = Literal["up", "down", "flat"]
NBSP = "\u00a0"


def tiles(
    facts: Facts,
    audience: Audience,
    row: Row,
    daily: Series,
    *,
    unpriced_href: str = "",
    elsewhere: Sequence[Row] = (),
    converted: Sequence[Row] = (),
) -> list[Tile]:
    """The key figures of one entity over the window, with their change over completed days.

    `elsewhere` is what it is billed in other currencies, `converted` all of it in that of reports.
    """
    made = _tiles(facts, audience, row, daily, unpriced_href, elsewhere)
    return [_with_all(facts, tile, converted) for tile in made] if converted else made


def _tiles(
    facts: Facts, audience: Audience, row: Row, daily: Series, unpriced_href: str, elsewhere: Sequence[Row]
) -> list[Tile]:
    charge = "Charge" if audience == "organization" else "Revenue"
    if audience == "platform":
        return _platform_tiles(facts, row, daily, unpriced_href, elsewhere)
    if sees_cost(audience):
        revenue, cost, margin = numbers.sides(row["revenue"], row["cost"], row["margin"])
        made = [
            _revenue_tile(facts, charge, row, daily, revenue, elsewhere),
            _money_tile(facts, "Cost", cost, row, "cost", daily.cost),
            _margin_tile(facts, row, daily, margin),
        ]
    else:
        made = [_revenue_tile(facts, charge, row, daily, _rounded(row["revenue"]), elsewhere)]
    made += [
        _count_tile(facts, "Requests", row, "requests", daily.requests, "requests"),
        _count_tile(facts, "Tokens", row, "total_tokens", daily.total_tokens, "tokens"),
        _rate_tile(facts, row),
        _unpriced_tile(row, daily, unpriced_href),
    ]
    if not sees_cost(audience):
        made.append(_failed_tile(facts, row))
    return made


def _platform_tiles(facts: Facts, row: Row, daily: Series, unpriced_href: str, elsewhere: Sequence[Row]) -> list[Tile]:
    """What was served and how well first, then what it cost and brought."""
    return [
        _count_tile(facts, "Requests", row, "requests", daily.requests, "requests"),
        _count_tile(facts, "Tokens", row, "total_tokens", daily.total_tokens, "tokens"),
        _failed_tile(facts, row),
        _rate_tile(facts, row),
        _money_tile(facts, "Cost", _rounded(row["cost"]), row, "cost", daily.cost),
        _revenue_tile(facts, "Revenue", row, daily, _rounded(row["revenue"]), elsewhere),
        _unpriced_tile(row, daily, unpriced_href),
    ]


def _rounded(value: Decimal | None) -> Decimal | None:
    return None if value is None else numbers.rounded(value)


def _delta(facts: Facts, row: Row, key: str) -> tuple[str, Direction]:
    """Change of the last compared days against those before, in words and direction."""
    now, before = row[f"current_{key}"], row[f"prior_{key}"]
    if key == "margin" and None not in {now, before} and min(now, before) < 0:
        return _direction(facts, numbers.margin_words(now, before, facts.currency))
    return _words(facts, now, before)


def _words(facts: Facts, now: Decimal | int | None, before: Decimal | int | None) -> tuple[str, Direction]:
    days = facts.period.compared if facts.period else 0
    if not days or (not now and not before):
        return "", "flat"
    return _direction(facts, numbers.change_words(now, before))


def _direction(facts: Facts, words: str) -> tuple[str, Direction]:
    """A change in words with the days it is over, and where its arrow points: a deeper loss is down."""
    days = facts.period.compared if facts.period else 0
    if not days:
        return "", "flat"
    direction: Direction = "flat"
    if words.startswith(("down", "loss grew")):
        direction = "down"
    elif words.startswith(("up", "loss shrank")):
        direction = "up"
    # Kept together, so that no line of a narrow tile is a lone "d".
    return f"{words.replace(' ', NBSP)} on{NBSP}prior{NBSP}{days}{NBSP}d", direction


def _revenue_tile(
    facts: Facts, label: str, row: Row, daily: Series, shown: Decimal | None, elsewhere: Sequence[Row]
) -> Tile:
    """Revenue; what is billed in other currencies is named beside it, and instead of it where that is all."""
    note = f"and {foreign.amounts(elsewhere)}" if elsewhere else ""
    tile = _money_tile(facts, label, shown, row, "revenue", daily.revenue, note)
    return replace(tile, value=foreign.no_amount(row), note=note.removeprefix("and ")) if shown is None else tile


def _with_all(facts: Facts, tile: Tile, converted: Sequence[Row]) -> Tile:
    """A tile of revenue or cost with what all of it comes to, whatever currency it or its request's charge is in."""
    rows = [row for row in converted if row["side"] == tile.term]
    lost = any(row["unconverted"] is not None for row in rows)
    if not rows:
        return tile
    if not lost and numbers.raw(foreign.sum_of(row["reported"] for row in rows)) == tile.raw:
        return tile
    said = f"all currencies: {foreign.in_all(rows, facts.currency)}"
    return replace(tile, note=f"{tile.note}; {said}" if tile.note else said, note_href="#currencies")


def _money_tile(
    facts: Facts, label: str, shown: Decimal | None, row: Row, key: str, daily: Sequence[Decimal | None], note: str = ""
) -> Tile:
    """An amount of the row, written as `shown`."""
    text = numbers.NOT_PRICED if shown is None else numbers.written(shown, facts.currency)
    delta, direction = _delta(facts, row, key)
    raw = numbers.raw(row[key])
    return Tile(label, *numbers.money_parts(text), raw, delta, direction, note=note, spark=spark(daily), term=key)


def _count_tile(facts: Facts, label: str, row: Row, key: str, daily: Sequence[int], term: str) -> Tile:
    delta, direction = _delta(facts, row, key)
    value = row[key]
    return Tile(label, numbers.short(value), "", str(value), delta, direction, spark=spark(daily), term=term)


def _margin_tile(facts: Facts, row: Row, daily: Series, shown: Decimal | None) -> Tile:
    if facts.at_list_price:
        return Tile("Margin", "nil", note="cost is taken at list price", term="margin")
    part = numbers.share(row["margin"], row["margin_revenue"])
    drawn = daily.margin if all(day is None or day >= 0 for day in daily.margin) else []
    note = f"{numbers.percent(part)} of revenue" if part is not None else ""
    return _money_tile(facts, "Margin", shown, row, "margin", drawn, note)


def _rate_tile(facts: Facts, row: Row) -> Tile:
    spans = ("", "current_", "prior_")
    value, now, before = prices = [tables.effective_price(row, when) for when in spans]
    # What is mostly hours and calls has no price of tokens to compare.
    unlike = any(price is None and row[f"{when}beside"] for price, when in zip(prices, spans, strict=True))
    delta, direction = _words(facts, None, None) if unlike else _words(facts, now, before)
    return Tile(
        f"{numbers.symbol(facts.currency).strip()} per 1M tokens",
        numbers.rate(value, facts.currency),
        "",
        numbers.raw(value),
        delta,
        direction,
        note="most of the amount is for hours and calls" if value is None and row["beside"] else "",
        term="effective-price",
    )


def _unpriced_tile(row: Row, daily: Series, href: str) -> Tile:
    missing = row["unpriced_requests"]
    if not missing:
        note = "every request has a price"
        if row["foreign_requests"]:
            note += f", {numbers.count(row['foreign_requests'])} in {row['foreign_currencies']}"
        return Tile("Not priced", "none", note=note, term="not-priced")
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
    now = numbers.share(row["current_failed_requests"], row["current_requests"])
    before = numbers.share(row["prior_failed_requests"], row["prior_requests"])
    delta, direction = _words(facts, now, before)
    return Tile(
        "Failed",
        numbers.percent(part),
        "",
        str(row["failed_requests"]),
        delta,
        direction,
        note=numbers.counted(row["failed_requests"], "request"),
        term="failed",
    )
