"""The table most pages have: what each organisation, product or model used and brought."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from dashboards import cells
from dashboards.chart_parts import model_label
from dashboards.page import Audience, Cell, Column, Table, sees_cost
from dashboards.svg import spark
from pipelines.publish import numbers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipelines.publish.facts import Facts
    from pipelines.publish.series import Row, Series

ADDITIVE = ("requests", "total_tokens", "unpriced_requests", "unpriced_tokens", "failed_requests")
MONEY = ("revenue", "cost", "margin", "margin_revenue", "current_revenue", "prior_revenue")
_ZERO = Decimal(0)


def known_sum(rows: Sequence[Row], key: str) -> Decimal | None:
    """Sum of the amounts that are known; none known is not 0."""
    known = [r[key] for r in rows if r[key] is not None]
    return sum(known, _ZERO) if known else None


def merge(rows: Sequence[Row]) -> Row:
    """Sums of the additive columns of rows that a table leaves out."""
    merged: Row = {k: sum(r[k] for r in rows) for k in ADDITIVE}
    for key in MONEY:
        merged[key] = known_sum(rows, key)
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
    """Requests, tokens and money of organisations, products or models, largest first, with their
    total.

    Rows past `limit` become one row "Other"; where written rows do not add up to the written
    total, a
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
        line = [
            label,
            cells.count(row["requests"]),
            cells.count(row["total_tokens"]) if precise else cells.short(row["total_tokens"]),
        ]
        line += [
            cells.money(row[k], facts.currency, bar=top[k] if bars and body and k == "revenue" else None)
            for k in money_keys
        ]
        if with_cost:
            line.append(cells.percent(numbers.share(row["margin"], row["margin_revenue"])))
        line.append(
            cells.rate(
                numbers.per_million(row["revenue"], row["total_tokens"] - row["unpriced_tokens"]),
                facts.currency,
            )
        )
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
        amounts[place] = [
            *(r["current_revenue"] - r["prior_revenue"] for r in written if r["revenue"] is not None),
            None if whole["revenue"] is None else whole["current_revenue"] - whole["prior_revenue"],
        ]
    foot += cells.rounding_row(last, lines, amounts, facts.currency)
    foot.append(last)
    return Table(
        id,
        caption or head,
        _columns(facts, audience, head, spark_column=sparks is not None),
        lines,
        foot,
        controls=controls,
        empty="No usage in these days.",
    )


def _columns(facts: Facts, audience: Audience, head: str, *, spark_column: bool) -> list[Column]:
    cur = facts.currency
    charge = "Charge" if audience == "organization" else "Revenue"
    compared = facts.period.compared if facts.period else 0
    columns = [
        Column(head, head.lower(), text=True),
        Column("Requests", "requests"),
        Column("Tokens", "tokens"),
        Column(charge, f"{charge.lower()} ({cur})", term="revenue"),
    ]
    if sees_cost(audience):
        columns += [
            Column("Cost", f"cost ({cur})", term="cost"),
            Column("Margin", f"margin ({cur})", term="margin"),
            Column("Margin %", "margin share", term="margin"),
        ]
    columns.append(Column("per 1M", f"{charge.lower()} per 1M tokens ({cur})", term="effective-price"))
    if compared:
        columns += [
            Column(
                f"Change, {compared} d",
                f"change of last {compared} days on prior ({cur})",
                term="change",
            ),
            Column("%", "relative change", term="change"),
        ]
    columns.append(Column("Not priced", "requests not priced", term="not-priced"))
    if spark_column:
        columns.append(Column("By day", "", text=True))
    return columns


def model_name(row: Row) -> str:
    """A model row's label: family and tier, with the provider where it is not in the name."""
    return model_label(row["family"], row["model_tier"])
