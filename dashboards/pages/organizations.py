"""The list of organisations, a page for each, and an organisation's own page without peers, cost
or flags."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashboards import charts, findings, tables, tiles
from dashboards.page import Audience, Card, Page, sees_cost
from dashboards.pages import glossary
from dashboards.pages.change import change_card
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
        precise=True,
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


def pages(facts: Facts, audience: Audience, *, only: set[str] | None = None) -> list[Page]:
    """One page for each organisation that gets one."""
    by_name = {r["organization_id"]: r for r in facts.organizations}
    return [
        _page(facts, audience, by_name[name], f"organizations/{slug(name)}.html")
        for name in facts.paged_organizations
        if name in by_name and (only is None or name in only)
    ]


def own(facts: Facts, name: str) -> Page | None:
    """The one page of an organisation's own folder."""
    row = next((r for r in facts.organizations if r["organization_id"] == name), None)
    return None if row is None else _page(facts, "organization", row, "index.html")


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
            "tiles": tiles.tiles(facts, audience, row, daily, unpriced_href=unpriced),
            "cards": cards,
            "kicker": "Organisation",
            "terms": glossary.known(audience) if audience == "organization" else [],
        },
    )


def kinds_card(row: Row) -> Card:
    """Tokens by kind, adding up to all tokens."""
    from dashboards.cells import count, percent
    from dashboards.page import Cell, Column, Table

    names = (
        ("Input", "input_tokens"),
        ("Cached input", "cached_input_tokens"),
        ("Cache write, 5 min", "cache_write_5m_tokens"),
        ("Cache write, 1 h", "cache_write_1h_tokens"),
        ("Audio input", "audio_input_tokens"),
        ("Output", "output_tokens"),
        ("Audio output", "audio_output_tokens"),
        ("Training", "training_tokens"),
    )
    total = row["total_tokens"]
    rows = [[Cell(n), count(row[k], bar=total), percent(numbers.share(row[k], total))] for n, k in names if row[k]]
    foot = [[Cell("All tokens"), count(total), percent(numbers.share(total, total))]]
    columns = [
        Column("Kind", "kind", text=True),
        Column("Tokens", "tokens"),
        Column("Share", "share"),
    ]
    largest = max(names, key=lambda item: row[item[1]])
    title = (
        f"{largest[0]} is {numbers.percent(numbers.share(row[largest[1]], total))} of tokens" if total else "No tokens"
    )
    return Card(
        "kinds",
        title,
        "What kinds of tokens?",
        tables=[Table("kinds-table", "Tokens by kind", columns, rows, foot)],
        half=True,
        term="tokens",
        how="Kinds are disjoint and add up to all tokens. "
        f"Reasoning, {numbers.count(row['reasoning_tokens'])} tokens, is part of output.",
    )


def _finding(facts: Facts, row: Row, what: str) -> str:
    if facts.period is None or not facts.period.compared:
        return f"{what} {numbers.money(row['revenue'], facts.currency)}"
    words = numbers.change_words(row["current_revenue"], row["prior_revenue"])
    change = facts.organization_change.get(row["organization_id"])
    if change is None or words in {"unchanged", "new"}:
        return f"{what} {words}: {numbers.money(row['revenue'], facts.currency)} in these days"
    return f"{what} {words}, {findings.lead_clause(change)}"


def _largest(rows: list[Row], key: str, whole: Row, plural: str) -> str:
    if not rows or not whole["revenue"]:
        return f"{len(rows)} {plural}"
    name = tables.model_name(rows[0]) if key == "family" else rows[0][key]
    return f"{name} makes {numbers.percent(numbers.share(rows[0]['revenue'], whole['revenue']))} of it"
