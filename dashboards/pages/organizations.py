"""The list of organisations, a page for each, and an organisation's own page without peers, cost or flags."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from dashboards import charts, findings, foreign, tables, tiles
from dashboards.cells import count, quantity
from dashboards.page import Audience, Card, Cell, Column, Page, Table, sees_cost
from dashboards.pages import glossary
from dashboards.pages.change import change_card
from dashboards.quantities import BUCKETS, METERS
from pipelines.publish import numbers
from pipelines.publish.names import slug

if TYPE_CHECKING:
    from pipelines.publish.facts import Facts
    from pipelines.publish.series import Row

LIST_ROWS = 300
ROWS = 60


def listing(facts: Facts, audience: Audience) -> Page:
    """All organisations, largest first, up to the table's cap."""
    linked = set(facts.paged_organizations) if audience == "finance" else set()
    table = tables.entity_table(
        facts,
        audience,
        "organizations-table",
        "Organisation",
        facts.organizations,
        lambda r: str(r["organization_id"]),
        href=lambda r: f"{slug(r['organization_id'])}.html" if r["organization_id"] in linked else "",
        limit=LIST_ROWS,
        bars=False,
        total=facts.total,
    )
    card = Card(
        "organizations",
        findings.concentration(facts, facts.organizations, "revenue", "organisations"),
        "Who uses how much, what does it bring, and what changed?",
        tables=[table],
        term="revenue",
        how="All days of the window; the change compares completed days only.",
    )
    return Page(
        "organizations/index.html",
        "cards.html.j2",
        "organizations",
        "Organisations",
        {"tiles": [], "cards": [card]},
    )


def pages(facts: Facts, audience: Audience, names: list[str]) -> list[Page]:
    """One page for each of the named organisations that has usage."""
    by_name = {r["organization_id"]: r for r in facts.organizations}
    return [
        _page(facts, audience, by_name[name], f"organizations/{slug(name)}.html") for name in names if name in by_name
    ]


def own(facts: Facts, row: Row) -> Page:
    """The one page of an organisation's own folder."""
    return _page(facts, "organization", row, "index.html")


def _page(facts: Facts, audience: Audience, row: Row, path: str) -> Page:
    name = row["organization_id"]
    change = facts.organization_change.get(name)
    what = "Charge" if audience == "organization" else "Revenue"
    daily = facts.organization_daily[name]
    root = "../" * path.count("/")
    unpriced = f"{root}quality.html#unpriced" if audience != "organization" else ""
    cards = [
        Card(
            "days",
            _finding(facts, row, what),
            f"What does {name} use, and on which models?",
            chart=charts.revenue_by_model(
                facts,
                facts.organization_model_daily.get(name, []),
                chart_id="organization-days",
                what=what,
                cost=daily if sees_cost(audience) else None,
            ),
            how="Sum of the charged amount of every priced request, by billing day. Hatched "
            "bars are fine-tuned models.",
            term="revenue",
        ),
    ]
    if change is not None and audience != "trust-safety":
        cards.append(change_card(facts, change))
    cards.append(kinds_card(row))
    cards += [
        Card(
            "products",
            _largest(facts.organization_products.get(name, []), "product_id", row, "products"),
            "Which of its products use it?",
            tables=[
                tables.entity_table(
                    facts,
                    audience,
                    "products-table",
                    "Product",
                    facts.organization_products.get(name, []),
                    lambda r: str(r["product_id"]),
                    total=row,
                    controls=False,
                    limit=ROWS,
                )
            ],
        ),
        Card(
            "models",
            _largest(facts.organization_models.get(name, []), "family", row, "models"),
            "Which models and tiers?",
            tables=[
                tables.entity_table(
                    facts,
                    audience,
                    "models-table",
                    "Model",
                    facts.organization_models.get(name, []),
                    tables.model_name,
                    total=row,
                    controls=False,
                    limit=ROWS,
                )
            ],
            term="model-tier",
        ),
    ]
    return Page(
        path,
        "cards.html.j2",
        "organizations",
        name,
        {
            "tiles": tiles.tiles(
                facts,
                audience,
                row,
                daily,
                unpriced_href=unpriced,
                elsewhere=facts.organization_foreign.get(name, []),
            ),
            "cards": cards,
            "kicker": "Organisation",
            "terms": glossary.known(audience) if audience == "organization" else [],
        },
    )


def kinds_card(row: Row) -> Card:
    """Tokens by kind, adding up to all tokens; hours and calls below them."""
    total = row["total_tokens"]
    used = [(name, row[bucket]) for bucket, name in BUCKETS.items() if row[bucket]]
    shares = numbers.percents([Decimal(n) / total for _, n in used])
    rows = [[Cell(name), count(n, bar=total), Cell(part)] for (name, n), part in zip(used, shares, strict=True)]
    foot = [[Cell("All tokens"), count(total), Cell("100.0\u00a0%" if total else numbers.NOTHING)]]
    columns = [
        Column("Kind", "kind", text=True),
        Column("Tokens", "tokens"),
        Column("Share", "share"),
    ]
    title = "No tokens"
    if used:
        name, most = max(used, key=lambda kind: kind[1])
        title = f"{name} is {numbers.percent(numbers.share(most, total))} of tokens"
    tables_ = [Table("kinds-table", "Tokens by kind", columns, rows, foot)]
    others = [[Cell(name), quantity(row[meter])] for meter, name in METERS.items() if row[meter]]
    if others:
        heads = [Column("Hours and calls", "quantity", text=True), Column("Used", "used")]
        tables_.append(Table("meters-table", "Hours and calls", heads, others))
    return Card(
        "kinds",
        title,
        "What kinds of tokens?",
        tables=tables_,
        half=True,
        term="tokens",
        how="Kinds are disjoint and add up to all tokens. "
        f"Reasoning, {numbers.counted(row['reasoning_tokens'], 'token')}, is part of output.",
    )


def _finding(facts: Facts, row: Row, what: str) -> str:
    amount = foreign.revenue(row, facts.currency)
    if row["revenue"] is None or facts.period is None or not facts.period.compared:
        return f"{what} {amount}"
    words = numbers.change_words(row["current_revenue"], row["prior_revenue"])
    change = facts.organization_change.get(row["organization_id"])
    if change is None or words in {"unchanged", "new"}:
        return f"{what} {words}: {amount} in these days"
    return f"{what} {words}, {findings.lead_clause(change)}"


def _largest(rows: list[Row], key: str, whole: Row, plural: str) -> str:
    if not rows or not whole["revenue"]:
        return numbers.counted(len(rows), plural.removesuffix("s"))
    name = tables.model_name(rows[0]) if key == "family" else rows[0][key]
    part = numbers.share(rows[0]["revenue"], whole["revenue"])
    return f"{name} makes {numbers.percent(part)} of it"
