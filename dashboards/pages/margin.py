"""Margin, for finance: who earns, who loses."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from dashboards import cells, charts, findings, tables, tiles
from dashboards.page import Card, Cell, Column, Page, Table
from dashboards.pages import serving
from pipelines.publish import numbers
from pipelines.publish.names import slug

if TYPE_CHECKING:
    from pipelines.publish.facts import Facts
    from pipelines.publish.series import Row

ROWS = 40


def page(facts: Facts) -> Page:
    """Revenue against cost, and the organisations, products and models at the thin end."""
    total = facts.total
    linked = set(facts.paged_organizations)
    thin = sorted(
        (r for r in facts.organizations if r["margin"] is not None),
        key=lambda r: (_share(r), r["organization_id"]),
    )
    losing = [r for r in thin if r["margin"] < 0]
    cards = []
    if facts.at_list_price:
        cards.append(
            Card(
                "basis",
                "No cost card is set, so margin is nil by construction",
                "Why is there no margin?",
                paragraphs=[
                    (
                        "Both sides are rated with the card "
                        f"\u201c{facts.build['revenue_card']}\u201d. Set cost_card under "
                        "[pricing] in meterhouse.toml to a card of what serving or buying the "
                        "tokens costs, "
                        "put its rates into prices/, and run again."
                    )
                ],
            )
        )
    part = numbers.share(total["margin"], total["margin_revenue"])
    cards += [
        Card(
            "days",
            f"Margin {numbers.percent(part)} of revenue where both sides are known",
            "Is what we earn growing away from what we pay?",
            chart=charts.revenue_and_cost(facts),
            term="margin",
            how="Margin exists only for requests whose revenue and cost are both known. "
            f"{numbers.counted(total['uncosted_requests'], 'request has', 'requests have')} no cost rate, "
            f"{numbers.count(total['unpriced_requests'])} no revenue rate.",
        ),
        _sides(facts),
        *([serving.card(facts)] if facts.serving else []),
        Card(
            "thin",
            _finding(losing, thin, facts),
            "Which organisations earn least, thinnest first?",
            tables=[
                tables.entity_table(
                    facts,
                    "finance",
                    "thin-table",
                    "Organisation",
                    thin,
                    lambda r: str(r["organization_id"]),
                    href=lambda r: (
                        f"organizations/{slug(r['organization_id'])}.html" if r["organization_id"] in linked else ""
                    ),
                    limit=ROWS,
                )
            ],
            term="margin",
        ),
        Card(
            "models",
            findings.earners(facts, facts.models, tables.model_name, "model"),
            "Which models earn?",
            tables=[
                tables.entity_table(
                    facts,
                    "finance",
                    "models-table",
                    "Model",
                    facts.models,
                    tables.model_name,
                    total=total,
                )
            ],
            term="margin",
        ),
        Card(
            "products",
            findings.earners(facts, facts.products, lambda r: str(r["product_id"]), "product"),
            "Which products earn?",
            tables=[
                tables.entity_table(
                    facts,
                    "finance",
                    "products-table",
                    "Product",
                    facts.products,
                    lambda r: str(r["product_id"]),
                    total=total,
                )
            ],
            term="margin",
        ),
    ]
    figures = (
        tiles.tiles(
            facts, "finance", total, facts.daily, unpriced_href="quality.html#unpriced", elsewhere=facts.foreign
        )[:4]
        if facts.daily
        else []
    )
    return Page("margin.html", "cards.html.j2", "margin", "Margin", {"tiles": figures, "cards": cards})


def _sides(facts: Facts) -> Card:
    """What has both sides, and what has one only: margin is known for the former."""
    row, cur = facts.total, facts.currency
    both = {
        "revenue": row["margin_revenue"],
        "cost": None if row["margin"] is None else row["margin_revenue"] - row["margin"],
        "margin": row["margin"],
    }
    nothing = Cell(numbers.NOTHING)
    one_sided = {"revenue": row["revenue_only"], "cost": row["cost_only"]}
    parts = [
        ("Both known", tables.shown_sides(both, with_cost=True), both),
        *(
            (
                f"{side.capitalize()} only",
                [numbers.rounded(amount) if k == side else None for k in both],
                {side: amount},
            )
            for side, amount in one_sided.items()
            if amount
        ),
    ]
    whole = tables.shown_sides(row, with_cost=True)
    lines = [
        [
            Cell(name),
            *(nothing if v is None else cells.shown_money(exact[k], v, cur) for k, v in zip(both, shown, strict=True)),
        ]
        for name, shown, exact in parts
    ]
    total = [Cell("Total"), *tables.side_cells(row, cur, with_cost=True)]
    columns = [
        Column("Requests with", "requests with", text=True),
        *(Column(k.capitalize(), f"{k} ({cur})", term=k) for k in both),
    ]
    amounts = {1 + i: [*(shown[i] for _, shown, _ in parts), whole[i]] for i in range(3)}
    foot = [*cells.rounding_row(total, lines, amounts, cur), total]
    apart = " and ".join(f"{numbers.money(v, cur)} of {k} alone" for k, v in one_sided.items() if v)
    return Card(
        "sides",
        f"{apart} is in no margin" if apart else "Wherever one side is known, the other is too",
        "How much revenue and cost is in the margin?",
        tables=[Table("sides-table", "Revenue and cost by what is known", columns, lines, foot)],
        term="margin",
    )


def _share(row: Row) -> Decimal:
    return numbers.share(row["margin"], row["margin_revenue"]) or Decimal(0)


def _finding(losing: list[Row], thin: list[Row], facts: Facts) -> str:
    if losing:
        lost = sum((r["margin"] for r in losing), Decimal(0))
        return (
            f"{numbers.counted(len(losing), 'organisation')} below cost, {numbers.money(lost, facts.currency)} in all"
        )
    if not thin:
        return "No organisation has a known margin"
    return (
        f"No organisation is below cost; the thinnest is {thin[0]['organization_id']} with "
        f"{numbers.percent(_share(thin[0]))}"
    )
