"""Tiles and tables that several pages share."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from dashboards import cells
from dashboards.charts import model_label
from dashboards.page import Audience, Cell, Column, Table, Tile
from dashboards.svg import spark
from pipelines.publish import numbers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipelines.publish.facts import Facts, Row, Series

ADDITIVE = ("requests", "total_tokens", "unpriced_requests")
MONEY = ("revenue", "cost", "margin", "margin_revenue", "current_revenue", "prior_revenue")
_ZERO = Decimal(0)


def sees_cost(audience: Audience) -> bool:
    """Cost and margin are for finance and platform only."""
    return audience in {"finance", "platform"}


def tiles(facts: Facts, audience: Audience, row: Row, daily: Series, *, unpriced_href: str = "") -> list[Tile]:
    """The key figures of one entity over the window, with their change over completed days."""
    charge = "Charge" if audience == "organization" else "Revenue"
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


def _delta(facts: Facts, row: Row, key: str) -> tuple[str, Literal["up", "down", "flat"]]:
    """Change of the last compared days against those before, in words and direction."""
    now, before = row[f"current_{key}"], row[f"prior_{key}"]
    return _words(facts, now, before)


def _words(facts: Facts, now: Decimal | int | None, before: Decimal | int | None) -> tuple[str, Literal["up", "down", "flat"]]:
    days = facts.period.compared if facts.period else 0
    if not days or (not now and not before):
        return "", "flat"
    words = numbers.change_words(now, before)
    direction: Literal["up", "down", "flat"] = "down" if words.startswith("down") else "up" if words.startswith("up") else "flat"
    return f"{words} on prior {days} d", direction


def _money_tile(facts: Facts, label: str, value: Decimal | None, row: Row, key: str, daily: Sequence[Decimal], term: str) -> Tile:
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
    return Tile("Margin", whole, cents, numbers.raw(row["margin"]), delta, direction, note=note, spark=drawn, term="margin")


def _rate_tile(facts: Facts, row: Row) -> Tile:
    value = numbers.per_million(row["revenue"], row["total_tokens"] - row["unpriced_tokens"])
    now = numbers.per_million(row["current_revenue"], row["current_priced_tokens"])
    before = numbers.per_million(row["prior_revenue"], row["prior_priced_tokens"])
    delta, direction = _words(facts, now, before)
    return Tile(f"{_symbol(facts)} per 1M tokens", numbers.rate(value, facts.currency), "", numbers.raw(value), delta, direction,
                term="effective-price")  # fmt: skip


def _unpriced_tile(row: Row, daily: Series, href: str) -> Tile:
    missing = row["unpriced_requests"]
    if not missing:
        return Tile("Not priced", "none", note="every request has a price", term="not-priced")
    part = numbers.percent(numbers.share(missing, row["requests"]))
    return Tile("Not priced", numbers.short(missing), "", str(missing), note=f"{part} of requests, in no amount here",
                note_href=href, spark=spark(daily.unpriced_requests), term="not-priced")  # fmt: skip


def _failed_tile(facts: Facts, row: Row) -> Tile:
    part = numbers.share(row["failed_requests"], row["requests"])
    now = numbers.share(row["current_failed"], row["current_requests"])
    before = numbers.share(row["prior_failed"], row["prior_requests"])
    delta, direction = _words(facts, now, before)
    return Tile("Failed", numbers.percent(part), "", str(row["failed_requests"]), delta, direction,
                note=f"{numbers.count(row['failed_requests'])} requests", term="failed")  # fmt: skip


def _symbol(facts: Facts) -> str:
    return numbers.SYMBOLS.get(facts.currency, facts.currency)


def merge(rows: Sequence[Row]) -> Row:
    """Sums of the additive columns of rows that a table leaves out."""
    merged: Row = {k: sum(r[k] for r in rows) for k in (*ADDITIVE, "unpriced_tokens", "failed_requests")}
    for key in MONEY:
        known = [r[key] for r in rows if r[key] is not None]
        merged[key] = sum(known, _ZERO) if known else None
    return merged


def entity_table(
    facts: Facts,
    audience: Audience,
    id: str,  # noqa: A002
    head: str,
    rows: Sequence[Row],
    name: Callable[[Row], str],
    *,
    href: Callable[[Row], str] | None = None,
    sparks: dict[str, Series] | None = None,
    limit: int = 50,
    bars: bool = True,
    total: Row | None = None,
    controls: bool = True,
    caption: str = "",
    precise: bool = False,
) -> Table:
    """Requests, tokens and money of organisations, products or models, largest first, with their total.

    Rows past `limit` become one row "Other"; where written rows do not add up to the written total, a
    row "Rounding" says by how much. `precise` writes token counts in full instead of three digits.
    """
    shown, rest = list(rows[:limit]), list(rows[limit:])
    whole = total if total is not None else merge(rows)
    other = merge(rest) if rest else None
    compared = facts.period.compared if facts.period else 0
    with_cost = sees_cost(audience)
    money_keys = ["revenue", *(("cost", "margin") if with_cost else ())]
    top = {k: max((r[k] for r in shown if r[k] is not None), default=None) for k in money_keys}

    def cells_of(row: Row, label: Cell, *, body: bool) -> list[Cell]:
        line = [label, cells.count(row["requests"]),
                cells.count(row["total_tokens"]) if precise else cells.short(row["total_tokens"])]  # fmt: skip
        line += [cells.money(row[k], facts.currency, bar=top[k] if bars and body and k == "revenue" else None) for k in money_keys]
        if with_cost:
            line.append(cells.percent(numbers.share(row["margin"], row["margin_revenue"])))
        line.append(cells.rate(numbers.per_million(row["revenue"], row["total_tokens"] - row["unpriced_tokens"]), facts.currency))
        if compared:
            if row["revenue"] is None:
                line += [cells.text(""), cells.text("")]
            else:
                line.append(cells.money(row["current_revenue"] - row["prior_revenue"], facts.currency, sign=True))
                line.append(cells.moved(row["current_revenue"], row["prior_revenue"]))
        line.append(cells.count(row["unpriced_requests"]) if row["unpriced_requests"] else Cell(numbers.NOTHING, "0"))
        if sparks is not None:
            series = sparks.get(name(row)) if body else None
            line.append(Cell("", html=spark(series.revenue)) if series else cells.BLANK)
        return line

    lines = [cells_of(r, cells.text(name(r), href=href(r) if href else ""), body=True) for r in shown]
    foot = [cells_of(other, Cell(f"Other ({len(rest):,})"), body=False)] if other else []
    last = cells_of(whole, Cell("Total"), body=False)
    written = [*shown, *([other] if other else [])]
    amounts = {3 + i: [r[k] for r in written] + [whole[k]] for i, k in enumerate(money_keys)}
    if compared:
        place = 3 + len(money_keys) + (1 if with_cost else 0) + 1
        amounts[place] = [r["current_revenue"] - r["prior_revenue"] for r in [*written, whole] if r["revenue"] is not None]
    foot += cells.rounding_row(last, lines, amounts, facts.currency)
    foot.append(last)
    return Table(id, caption or head, _columns(facts, audience, head, spark_column=sparks is not None), lines, foot,
                 controls=controls, empty="No usage in these days.")  # fmt: skip


def _columns(facts: Facts, audience: Audience, head: str, *, spark_column: bool) -> list[Column]:
    cur = facts.currency
    charge = "Charge" if audience == "organization" else "Revenue"
    compared = facts.period.compared if facts.period else 0
    columns = [Column(head, head.lower(), text=True), Column("Requests", "requests"), Column("Tokens", "tokens"),
               Column(charge, f"{charge.lower()} ({cur})", term="revenue")]  # fmt: skip
    if sees_cost(audience):
        columns += [Column("Cost", f"cost ({cur})", term="cost"), Column("Margin", f"margin ({cur})", term="margin"),
                    Column("Margin %", "margin share", term="margin")]  # fmt: skip
    columns.append(Column("per 1M", f"{charge.lower()} per 1M tokens ({cur})", term="effective-price"))
    if compared:
        columns += [Column(f"Change, {compared} d", f"change of last {compared} days on prior ({cur})", term="change"),
                    Column("%", "relative change", term="change")]  # fmt: skip
    columns.append(Column("Not priced", "requests not priced", term="not-priced"))
    if spark_column:
        columns.append(Column("By day", "", text=True))
    return columns


def model_name(row: Row) -> str:
    """A model row's label: family and tier, with the provider where it is not in the name."""
    return model_label(row["family"], row["model_tier"])
