"""The overview of finance and platform: what was used and earned, is it as usual, what moved."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from dashboards import cells, charts, findings, foreign, request_charts, tables, tiles
from dashboards.page import Audience, Card, Cell, Column, Page, Table, sees_cost
from dashboards.pages import currencies, records, serving
from dashboards.pages.change import change_card, movers_card
from pipelines.publish import numbers
from pipelines.publish.names import slug

if TYPE_CHECKING:
    from pipelines.publish.facts import Facts
    from pipelines.publish.series import Row

ROWS = 40
_ZERO = Decimal(0)
_ONE_SIDED = (
    " Margin is of requests whose revenue and cost are both known, so it is not revenue less cost where some have one "
    "side only."
)


def page(facts: Facts, audience: Audience) -> Page:
    """The first page of an audience."""
    if facts.daily is None or facts.period is None:
        return Page("index.html", "empty.html.j2", "index", "Overview", records.refused(facts))
    linked = {o: f"organizations/{slug(o)}.html" for o in facts.paged_organizations} if audience == "finance" else {}
    cards = _finance_cards(facts, linked) if audience == "finance" else _platform_cards(facts)
    if facts.converted:
        cards.insert(1, currencies.card(facts))
    if serving.needed(facts):
        cards.insert(1, serving.card(facts))
    cards.append(
        Card(
            "organizations",
            findings.concentration(facts, facts.organizations, "revenue", "organisations"),
            "Who uses how much, and what changed?",
            tables=[
                tables.entity_table(
                    facts,
                    audience,
                    "organizations-table",
                    "Organisation",
                    facts.organizations,
                    _organization,
                    href=lambda r: linked.get(r["organization_id"], ""),
                    sparks={name: facts.organization_daily[name] for name in facts.paged_organizations},
                    limit=ROWS,
                    total=facts.total,
                )
            ],
            how="All days of the window; the change compares completed days only.",
            term="revenue",
        )
    )
    cards.append(
        Card(
            "models",
            findings.concentration(facts, facts.models, "revenue", "models"),
            "Which models carry it?",
            tables=[
                tables.entity_table(
                    facts,
                    audience,
                    "models-table",
                    "Model",
                    facts.models,
                    tables.model_name,
                    total=facts.total,
                    controls=False,
                )
            ],
            term="model-tier",
        )
    )
    if len(facts.months) > 1 or not facts.period.whole:
        cards.append(months_card(facts, audience))
    context = {
        "tiles": tiles.tiles(
            facts,
            audience,
            facts.total,
            facts.daily,
            unpriced_href="quality.html#unpriced",
            elsewhere=facts.foreign,
            converted=facts.converted,
        ),
        "cards": cards,
        "lead": cards[0].title,
    }
    return Page("index.html", "cards.html.j2", "index", "Overview", context)


def _finance_cards(facts: Facts, linked: dict[str, str]) -> list[Card]:
    """What came in, and what moved it."""
    cards = [
        Card(
            "days",
            findings.revenue(facts),
            "How much revenue came in each day, and from which models?",
            chart=charts.revenue_by_model(
                facts, facts.model_daily, chart_id="revenue-days", what="Revenue", cost=facts.daily
            ),
            how="Sum of the charged amount of every priced request, by billing day. Hatched "
            "bars are fine-tuned models.",
            term="revenue",
        ),
    ]
    if facts.change is not None:
        cards += [change_card(facts, facts.change), movers_card(facts, linked)]
    return cards


def _platform_cards(facts: Facts) -> list[Card]:
    """What was served, what failed, and which kinds of tokens it took."""
    return [
        Card(
            "days",
            findings.requests(facts),
            "How many requests came in each day, and for which models?",
            chart=request_charts.requests_by_model(facts),
            how="Every accepted request, priced or not, by billing day. Hatched bars are fine-tuned models.",
            term="requests",
        ),
        Card(
            "failed",
            _failed_finding(facts),
            "How many requests failed, and on which days more than usual?",
            chart=request_charts.failed_share(facts),
            term="failed",
        ),
        Card(
            "kinds",
            findings.kinds(facts),
            "Which kinds of tokens were used each day?",
            chart=charts.token_kinds(facts),
            term="tokens",
            how="Kinds are disjoint: cached input is not part of input, reasoning is part of output.",
        ),
    ]


def months_card(facts: Facts, audience: Audience) -> Card:
    """Every calendar month there is data for; its total is the total of all data."""
    cost = sees_cost(audience)
    keys = ["revenue", *(("cost", "margin") if cost else ())]
    whole: Row = {k: tables.known_sum(facts.months, k) for k in (*keys, "margin_revenue")}
    whole |= tables.merge_foreign(facts.months)
    for key in ("requests", "total_tokens", "unpriced_requests"):
        whole[key] = sum(m[key] for m in facts.months)

    def line(row: Row, label: str, organizations: Cell) -> list[Cell]:
        made = [
            Cell(label),
            organizations,
            cells.count(row["requests"]),
            cells.count(row["total_tokens"]),
            *tables.side_cells(row, facts.currency, with_cost=cost),
        ]
        if cost:
            made.append(cells.percent(numbers.share(row["margin"], row["margin_revenue"])))
        return [
            *made,
            cells.count(row["unpriced_requests"]) if row["unpriced_requests"] else Cell(numbers.NOTHING, "0"),
        ]

    rows = [line(m, f"{m['month']:%Y-%m}", cells.count(m["organizations"])) for m in facts.months]
    total = line(whole, "All data", cells.BLANK)
    sides = [tables.shown_sides(m, with_cost=cost) for m in (*facts.months, whole)]
    foot = [
        *cells.rounding_row(
            total,
            rows,
            {4 + i: list(column) for i, column in enumerate(zip(*sides, strict=True))},
            facts.currency,
        ),
        total,
    ]
    columns = [
        Column("Month", "month", text=True),
        Column("Organisations", "organisations"),
        Column("Requests", "requests"),
        Column("Tokens", "tokens"),
        *(Column(k.capitalize(), f"{k} ({facts.currency})", term=k) for k in keys),
        *([Column("Margin %", "margin share")] if cost else []),
        Column("Not priced", "requests not priced"),
    ]
    return Card(
        "months",
        f"{foreign.revenue(whole, facts.currency)} since {facts.months[0]['month']:%Y-%m}",
        "What did each calendar month come to?",
        tables=[Table("months-table", "Calendar months", columns, rows, foot)],
        how="All data there is, whatever days the rest of the page shows. The first and last month may be part months."
        + (_ONE_SIDED if cost and any(_is_one_sided(row) for row in (*facts.months, whole)) else ""),
    )


def _is_one_sided(row: Row) -> bool:
    """Whether margin is not revenue less cost."""
    revenue, cost = (row[side] or _ZERO for side in ("revenue", "cost"))
    return (row["margin"] or _ZERO) != revenue - cost


def _organization(row: Row) -> str:
    return str(row["organization_id"])


def _failed_finding(facts: Facts) -> str:
    peak = request_charts.worst_day(facts)
    if peak is None:
        return "No request failed"
    part = numbers.share(facts.total["failed_requests"], facts.total["requests"])
    text = f"{numbers.percent(part)} of requests failed"
    if facts.period and len(facts.period.days) == 1:
        return text
    return f"{text}, most on {peak[0].isoformat()}: {numbers.percent(peak[1])}"
