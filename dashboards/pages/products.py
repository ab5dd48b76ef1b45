"""The list of products and a page for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashboards import charts, findings, foreign, tables, tiles
from dashboards.page import Audience, Card, Page, sees_cost
from dashboards.pages.organizations import kinds_card
from pipelines.publish import numbers
from pipelines.publish.names import slug

if TYPE_CHECKING:
    from pipelines.publish.facts import Facts
    from pipelines.publish.series import Row

LIST_ROWS = 300
ROWS = 60


def listing(facts: Facts, audience: Audience) -> Page:
    """All products, largest first."""
    linked = set(facts.paged_products)
    table = tables.entity_table(
        facts,
        audience,
        "products-table",
        "Product",
        facts.products,
        lambda r: str(r["product_id"]),
        href=lambda r: f"{slug(r['product_id'])}.html" if r["product_id"] in linked else "",
        sparks=facts.product_daily if len(facts.products) <= ROWS else None,
        limit=LIST_ROWS,
        bars=len(facts.products) <= ROWS,
        total=facts.total,
    )
    card = Card(
        "products",
        findings.concentration(facts, facts.products, "revenue", "products"),
        "Which products use how much, and what changed?",
        tables=[table],
        term="product",
    )
    return Page(
        "products/index.html",
        "cards.html.j2",
        "products",
        "Products",
        {"tiles": [], "cards": [card]},
    )


def pages(facts: Facts, audience: Audience) -> list[Page]:
    """One page for each product that gets one."""
    by_name = {r["product_id"]: r for r in facts.products}
    return [_page(facts, audience, by_name[name]) for name in facts.paged_products if name in by_name]


def _page(facts: Facts, audience: Audience, row: Row) -> Page:
    name = row["product_id"]
    daily = facts.product_daily[name]
    organizations = facts.product_organizations.get(name, [])
    linked = set(facts.paged_organizations) if audience == "finance" else set()
    priced = row["requests"] - row["unpriced_requests"] - row["foreign_requests"]
    per_request = numbers.share(row["revenue"], priced)
    finding = f"{name} brings {foreign.revenue(row, facts.currency)}"
    if row["revenue"] is None:
        finding = f"{name} is {foreign.no_amount(row)}"
    if per_request is not None:
        finding += f", {numbers.money(per_request, facts.currency)} a priced request"
    cards = [
        Card(
            "days",
            finding,
            "How does it develop, and on which models?",
            chart=charts.revenue_by_model(
                facts,
                facts.product_model_daily.get(name, []),
                chart_id="product-days",
                what="Revenue",
                cost=daily if sees_cost(audience) else None,
            ),
            how="Sum of the charged amount of every priced request, by billing day. Hatched "
            "bars are fine-tuned models.",
            term="revenue",
        ),
        Card(
            "organizations",
            f"Used by {numbers.counted(len(organizations), 'organisation')}",
            "Who uses it?",
            tables=[
                tables.entity_table(
                    facts,
                    audience,
                    "organizations-table",
                    "Organisation",
                    organizations,
                    lambda r: str(r["organization_id"]),
                    total=row,
                    limit=ROWS,
                    href=lambda r: (
                        f"../organizations/{slug(r['organization_id'])}.html" if r["organization_id"] in linked else ""
                    ),
                )
            ],
        ),
        Card(
            "models",
            numbers.counted(len(facts.product_models.get(name, [])), "model serves it", "models serve it"),
            "Which models and tiers?",
            tables=[
                tables.entity_table(
                    facts,
                    audience,
                    "models-table",
                    "Model",
                    facts.product_models.get(name, []),
                    tables.model_name,
                    total=row,
                    controls=False,
                    limit=ROWS,
                )
            ],
            term="model-tier",
        ),
        kinds_card(row),
    ]
    return Page(
        f"products/{slug(name)}.html",
        "cards.html.j2",
        "products",
        name,
        {
            "tiles": tiles.tiles(
                facts,
                audience,
                row,
                daily,
                unpriced_href="../quality.html#unpriced",
                elsewhere=facts.product_foreign.get(name, []),
            ),
            "cards": cards,
            "kicker": "Product",
        },
    )
