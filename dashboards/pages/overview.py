"""The overview of finance and platform: what was used and earned, is it as usual, what moved."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from dashboards import cells, charts, findings, tables, tiles
from dashboards.page import Audience, Card, Cell, Column, Page, Step, Table, sees_cost
from pipelines.publish import numbers
from pipelines.publish.names import slug
from pipelines.publish.period import day_range

if TYPE_CHECKING:
    from pipelines.publish.attribution import Change
    from pipelines.publish.facts import Facts, Row

MOVERS = 5
ROWS = 40
_ZERO = Decimal(0)
_NOTES = {
    "Volume": "an organisation's tokens, at its mean price",
    "Mix": "where they went: product, model, tier, token kind",
    "Price": "rates of lines in both periods",
    "New": "lines with usage only in the newer days",
    "Ended": "lines with usage only in the older days",
}


def page(facts: Facts, audience: Audience) -> Page:
    """The first page of an audience."""
    if facts.daily is None or facts.period is None:
        return Page("index.html", "empty.html.j2", "index", "Overview", {})
    linked = (
        {o: f"organizations/{slug(o)}.html" for o in facts.paged_organizations}
        if audience == "finance"
        else {}
    )
    finding = findings.revenue(facts) if audience == "finance" else _platform_finding(facts)
    cards = [
        Card(
            "days",
            finding,
            "How much revenue came in each day, and from which models?",
            chart=charts.revenue_by_model(
                facts,
                facts.model_daily,
                chart_id="revenue-days",
                what="Revenue",
                cost=facts.daily if sees_cost(audience) else None,
            ),
            how="Sum of the charged amount of every priced request, by billing day. Hatched bars are fine-tuned models.",
            term="revenue",
        ),
    ]
    if audience == "platform":
        cards.append(
            Card(
                "kinds",
                _kind_finding(facts),
                "Which kinds of tokens were used each day?",
                chart=charts.token_kinds(facts),
                term="tokens",
                how="Kinds are disjoint: cached input is not part of input, reasoning is part of output.",
            )
        )
    if facts.change is not None:
        cards += [change_card(facts, facts.change), movers_card(facts, linked)]
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
                    sparks=facts.organization_daily,
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
            facts, audience, facts.total, facts.daily, unpriced_href="quality.html#unpriced"
        ),
        "cards": cards,
        "lead": finding,
    }
    return Page("index.html", "cards.html.j2", "index", "Overview", context)


def change_card(facts: Facts, change: Change, *, id: str = "change") -> Card:  # noqa: A002
    """The bridge from the older to the newer period, its parts adding up to the difference."""
    period = facts.period
    assert period is not None  # noqa: S101 - a change has a period
    return Card(
        id,
        findings.bridge(facts, change),
        "Is it more use, a different mix, or other prices?",
        bridge=bridge(change, facts.currency),
        term="change",
        half=True,
        how=f"{day_range(*period.prior)} against {day_range(*period.current)}. Split for each organisation, then added up; "
        "each part is the mean over all orders in which volume, mix and price could have changed.",
    )


def bridge(change: Change, currency: str) -> list[Step]:
    """Bars from before to now. A rounding bar appears where the written parts would not add up."""
    steps = change.parts()
    shown = [numbers.rounded(change.before), *(numbers.rounded(v) for _, v in steps)]
    rest = numbers.rounded(change.now) - sum(shown, _ZERO)
    if rest:
        steps.append(("Rounding", rest))
    ends = [change.before]
    for _, value in steps:
        ends.append(ends[-1] + value)
    top = max(*ends, change.now, Decimal("0.000001"))

    def place(start: Decimal, end: Decimal) -> tuple[str, str]:
        low, high = min(start, end), max(start, end)
        return f"{float(low / top) * 100:.2f}", f"{max(float((high - low) / top) * 100, 0.15):.2f}"

    made = [
        Step(
            "Prior",
            numbers.money(change.before, currency),
            numbers.raw(change.before),
            *place(_ZERO, change.before),
            "whole",
        )
    ]
    for i, (label, value) in enumerate(steps):
        css = "minus" if value < 0 else "plus"
        text = (
            numbers.rounding(value, currency)
            if label == "Rounding"
            else numbers.money(value, currency, sign=True)
        )
        made.append(
            Step(
                label,
                text,
                numbers.raw(value),
                *place(ends[i], ends[i + 1]),
                css,
                _NOTES.get(label, ""),
            )
        )
    made.append(
        Step(
            "Last",
            numbers.money(change.now, currency),
            numbers.raw(change.now),
            *place(_ZERO, change.now),
            "whole",
        )
    )
    return made


def movers_card(facts: Facts, linked: dict[str, str]) -> Card:
    """The organisations that moved furthest up and down, with the part that moved them."""
    ordered = sorted(facts.organization_change.items(), key=lambda item: (-item[1].total, item[0]))
    rises = [item for item in ordered if item[1].total > 0][:MOVERS]
    falls = [item for item in reversed(ordered) if item[1].total < 0][:MOVERS]
    rows = [
        _mover(facts, name, own, linked.get(name, "")) for name, own in [*rises, *reversed(falls)]
    ]
    columns = [
        Column("Organisation", "organisation", text=True),
        Column("Change", f"change ({facts.currency})", term="change"),
        Column("%", "relative change"),
        Column("Mostly", "leading part", text=True),
    ]
    table = Table("movers-table", "Largest rises and falls", columns, rows, empty="Nothing moved.")
    n = facts.period.compared if facts.period else 0
    return Card(
        "movers",
        findings.movers(facts),
        f"Who rose and who fell, last {n} completed days against the {n} before?",
        tables=[table],
        term="change",
        half=True,
    )


def _mover(facts: Facts, name: str, own: Change, href: str) -> list[Cell]:
    part, amount = own.leading()
    lead = f"{part.lower()} {numbers.money(amount, facts.currency, sign=True)}"
    return [
        cells.text(name, href=href),
        cells.money(own.total, facts.currency, sign=True),
        cells.moved(own.now, own.before),
        cells.text(lead, css="l"),
    ]


def months_card(facts: Facts, audience: Audience) -> Card:
    """Every calendar month there is data for; its total is the total of all data."""
    cost = sees_cost(audience)
    keys = ["revenue", *(("cost", "margin") if cost else ())]
    whole: Row = {k: tables.known_sum(facts.months, k) for k in (*keys, "margin_revenue")}
    for key in ("requests", "total_tokens", "unpriced_requests"):
        whole[key] = sum(m[key] for m in facts.months)

    def line(row: Row, label: str, organizations: Cell) -> list[Cell]:
        made = [
            Cell(label),
            organizations,
            cells.count(row["requests"]),
            cells.short(row["total_tokens"]),
            *(cells.money(row[k], facts.currency) for k in keys),
        ]
        if cost:
            made.append(cells.percent(numbers.share(row["margin"], row["margin_revenue"])))
        return [
            *made,
            cells.count(row["unpriced_requests"])
            if row["unpriced_requests"]
            else Cell(numbers.NOTHING, "0"),
        ]

    rows = [line(m, f"{m['month']:%Y-%m}", cells.count(m["organizations"])) for m in facts.months]
    total = line(whole, "All data", cells.BLANK)
    foot = [
        *cells.rounding_row(
            total,
            rows,
            {4 + i: [*(m[k] for m in facts.months), whole[k]] for i, k in enumerate(keys)},
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
        f"{numbers.money(whole['revenue'], facts.currency)} since {facts.months[0]['month']:%Y-%m}",
        "What did each calendar month come to?",
        tables=[Table("months-table", "Calendar months", columns, rows, foot)],
        how="All data there is, whatever days the rest of the page shows. The first and last month may be part months.",
    )


def _organization(row: Row) -> str:
    return str(row["organization_id"])


def _platform_finding(facts: Facts) -> str:
    row = facts.total
    words = numbers.change_words(row["current_tokens"], row["prior_tokens"])
    if not facts.period or not facts.period.compared:
        return f"{numbers.short(row['total_tokens'])} tokens in {numbers.count(row['requests'])} requests"
    return f"Tokens {words}, requests {numbers.change_words(row['current_requests'], row['prior_requests'])}"


def _kind_finding(facts: Facts) -> str:
    row = facts.total
    inputs = sum(
        row[k]
        for k in (
            "input_tokens",
            "cached_input_tokens",
            "cache_write_5m_tokens",
            "cache_write_1h_tokens",
        )
    )
    cached = numbers.share(row["cached_input_tokens"], inputs)
    out = numbers.share(row["output_tokens"], row["total_tokens"])
    return f"{numbers.percent(cached)} of text input came from the cache; output is {numbers.percent(out)} of all tokens"
