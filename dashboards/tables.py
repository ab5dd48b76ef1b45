"""The table most pages have: what each organisation, product or model used and brought."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from dashboards import cells, foreign
from dashboards.chart_parts import model_label
from dashboards.page import Audience, Cell, Column, Table, sees_cost
from dashboards.svg import spark
from pipelines.publish import facts as all_facts
from pipelines.publish import numbers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipelines.publish.facts import Facts
    from pipelines.publish.series import Row, Series

ADDITIVE = (
    "requests", "total_tokens", "priced_tokens", "unpriced_requests", "unpriced_tokens", "failed_requests",
)  # fmt: skip
MONEY = ("revenue", "cost", "margin", "margin_revenue", "current_revenue", "prior_revenue", "beside")
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
    return merged | merge_foreign(rows)


def merge_foreign(rows: Sequence[Row]) -> Row:
    """How many requests of the rows are billed in other currencies, and in which."""
    currencies = {c for r in rows for c in (r["foreign_currencies"] or "").split(", ") if c}
    return {
        "foreign_requests": sum(r["foreign_requests"] for r in rows),
        "foreign_currencies": ", ".join(sorted(currencies)) or None,
    }


def effective_price(row: Row, when: str = "") -> Decimal | None:
    """Amount per million tokens; None where most of the amount is for hours and calls, at their listed prices.

    `when` is a prefix of the row's columns: `current_`, `prior_`.
    """
    revenue, beside = row[f"{when}revenue"], row[f"{when}beside"]
    if beside and revenue is not None and beside * 2 > revenue:
        return None
    return numbers.per_million(revenue, row[f"{when}priced_tokens"])


def shown_sides(row: Row, *, with_cost: bool) -> list[Decimal | None]:
    """Revenue as written, with cost and margin so that they add up to it."""
    if with_cost:
        return list(numbers.sides(row["revenue"], row["cost"], row["margin"]))
    return [None if row["revenue"] is None else numbers.rounded(row["revenue"])]


def side_cells(row: Row, currency: str, *, with_cost: bool, largest: Decimal | None = None) -> list[Cell]:
    """Cells of revenue, and of cost and margin where the reader sees them."""
    if row["revenue"] is None and row["foreign_requests"]:
        return [Cell(foreign.no_amount(row), css="np"), *([Cell(numbers.NOTHING)] * 2 if with_cost else [])]
    shown = shown_sides(row, with_cost=with_cost)
    keys = ("revenue", "cost", "margin")[: len(shown)]
    return [
        cells.shown_money(row[k], amount, currency, bar=largest if k == "revenue" else None)
        for k, amount in zip(keys, shown, strict=True)
    ]


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
) -> Table:
    """Requests, tokens and money of organisations, products or models, largest first, with their total.

    Rows past `limit` become one row "Other"; where written rows do not add up to the written total, a row "Rounding"
    says by how much. Counts are written in full, so that they add up too.
    """
    shown, rest = list(rows[:limit]), list(rows[limit:])
    whole = total if total is not None else merge(rows)
    other = merge(rest) if rest else None
    compared = facts.period.compared if facts.period else 0
    with_cost = sees_cost(audience)
    largest = max((r["revenue"] for r in shown if r["revenue"] is not None), default=None)
    in_other_currency = bool(whole["foreign_requests"])

    def cells_of(row: Row, label: Cell, *, body: bool) -> list[Cell]:
        line = [
            label,
            cells.count(row["requests"]),
            cells.count(row["total_tokens"]),
            *side_cells(row, facts.currency, with_cost=with_cost, largest=largest if bars and body else None),
        ]
        if with_cost:
            line.append(cells.percent(numbers.share(row["margin"], row["margin_revenue"])))
        line.append(cells.rate(effective_price(row), facts.currency))
        if compared:
            if row["revenue"] is None:
                line += [cells.text(""), cells.text("")]
            else:
                line.append(cells.money(row["current_revenue"] - row["prior_revenue"], facts.currency, sign=True))
                line.append(cells.moved(row["current_revenue"], row["prior_revenue"]))
        line.append(_count(row["unpriced_requests"]))
        if in_other_currency:
            line.append(_count(row["foreign_requests"]))
        if sparks is not None:
            series = sparks.get(name(row)) if body else None
            line.append(Cell("", html=spark(series.revenue)) if series else cells.BLANK)
        return line

    lines = [cells_of(r, cells.text(name(r), href=href(r) if href else ""), body=True) for r in shown]
    foot = [cells_of(other, Cell(f"Other ({len(rest):,})"), body=False)] if other else []
    last = cells_of(whole, Cell("Total"), body=False)
    written = [*shown, *([other] if other else [])]
    sides = [shown_sides(r, with_cost=with_cost) for r in (*written, whole)]
    amounts = {3 + i: list(column) for i, column in enumerate(zip(*sides, strict=True))}
    if compared:
        place = 3 + len(amounts) + (1 if with_cost else 0) + 1
        amounts[place] = [
            None if r["revenue"] is None else numbers.rounded(r["current_revenue"] - r["prior_revenue"])
            for r in (*written, whole)
        ]
    foot += cells.rounding_row(last, lines, amounts, facts.currency)
    foot.append(last)
    return Table(
        id,
        caption or head,
        _columns(facts, audience, head, in_other_currency=in_other_currency, spark_column=sparks is not None),
        lines,
        foot,
        controls=controls,
        empty="No usage in these days.",
        note=_merged_note(facts, rows),
    )


def _merged_note(facts: Facts, rows: Sequence[Row]) -> str:
    """What the row of names without one of their own is, where there is one."""
    if not any(map(facts.is_merged, rows)):
        return ""
    return f"Beyond the {all_facts.MOST_NAMES:,} largest, names share one row; the exported tables have each."


def _count(value: int) -> Cell:
    return cells.count(value) if value else Cell(numbers.NOTHING, "0")


def _columns(
    facts: Facts, audience: Audience, head: str, *, in_other_currency: bool, spark_column: bool
) -> list[Column]:
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
    if in_other_currency:
        columns.append(Column("Other currency", "requests billed in another currency", term="other-currency"))
    if spark_column:
        columns.append(Column("By day", "", text=True))
    return columns


def model_name(row: Row) -> str:
    """A model row's label: family and tier, with the provider where it is not in the name."""
    return model_label(row["family"], row["model_tier"])
