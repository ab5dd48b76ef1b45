"""Models and tiers: what each costs a token, base beside fine-tuned, charged against listed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashboards import cells, charts, findings, foreign, tables
from dashboards.page import Audience, Card, Cell, Column, Page, Table
from pipelines.publish import numbers

if TYPE_CHECKING:
    from decimal import Decimal

    from pipelines.publish.facts import Facts
    from pipelines.publish.series import Row

ROWS = 100


def page(facts: Facts, audience: Audience) -> Page:
    """One page for all models."""
    cards = [
        Card(
            "models",
            findings.concentration(facts, facts.models, "revenue", "models"),
            "Which models carry the use?",
            chart=charts.revenue_by_model(facts, facts.model_daily, chart_id="model-days", what="Revenue"),
            tables=[
                tables.entity_table(
                    facts,
                    audience,
                    "models-table",
                    "Model",
                    facts.models,
                    tables.model_name,
                    total=facts.total,
                    limit=ROWS,
                )
            ],
            term="model-tier",
        ),
        _pairs(facts),
        _tiers(facts, audience),
        _effective(facts),
        Card(
            "kinds",
            findings.kinds(facts),
            "Which kinds of tokens were used each day?",
            chart=charts.token_kinds(facts),
            term="tokens",
            how="Kinds are disjoint: cached input is not part of input, reasoning is part of output.",
        ),
    ]
    return Page("models.html", "cards.html.j2", "models", "Models and tiers", {"tiles": [], "cards": cards})


def _pairs(facts: Facts) -> Card:
    """Families that are used both as base and fine-tuned, side by side."""
    by_key = {(r["provider"], r["family"], r["model_tier"]): r for r in facts.models}
    keys = [(p, f) for p, f, tier in by_key if tier == "fine_tuned" and (p, f, "base") in by_key]
    tuned_only = [f for p, f, tier in by_key if tier == "fine_tuned" and (p, f, "base") not in by_key]
    cur = facts.currency
    rows, dearest = [], None
    for provider, family in keys:
        base, tuned = by_key[provider, family, "base"], by_key[provider, family, "fine_tuned"]
        base_rate, tuned_rate = _rate(base), _rate(tuned)
        ratio = numbers.share(tuned_rate, base_rate)
        if ratio is not None and (dearest is None or ratio > dearest[1]):
            dearest = (family, ratio)
        rows.append(
            [
                cells.text(family),
                cells.short(base["total_tokens"]),
                cells.short(tuned["total_tokens"]),
                *tables.side_cells(base, cur, with_cost=False),
                *tables.side_cells(tuned, cur, with_cost=False),
                cells.rate(base_rate, cur),
                cells.rate(tuned_rate, cur),
                Cell(f"\u00d7{ratio:.2f}", f"{ratio:.6f}") if ratio is not None else cells.text(""),
            ]
        )
    columns = [
        Column("Model", "model", text=True),
        Column("Tokens, base", "tokens base"),
        Column("fine-tuned", "tokens fine-tuned"),
        Column("Revenue, base", f"revenue base ({cur})"),
        Column("fine-tuned", f"revenue fine-tuned ({cur})"),
        Column("per 1M, base", f"per 1M tokens base ({cur})", term="effective-price"),
        Column("fine-tuned", f"per 1M tokens fine-tuned ({cur})"),
        Column("Ratio", "ratio"),
    ]
    title = (
        f"A fine-tuned token of {dearest[0]} brings {dearest[1]:.2f} times one of its base"
        if dearest
        else "No model is used both as base and fine-tuned"
    )
    alone = sorted(set(tuned_only))
    more = f" and {len(alone) - ROWS:,} others" if len(alone) > ROWS else ""
    notes = [f"Used only fine-tuned: {', '.join(alone[:ROWS])}{more}."] if alone else []
    table = Table(
        "pairs-table",
        "Base and fine-tuned side by side",
        columns,
        rows[:ROWS],
        empty="No pair in these days.",
        note=_first_rows(rows),
    )
    return Card(
        "pairs",
        title,
        "What does fine-tuning change, token for token?",
        tables=[table],
        paragraphs=notes,
        term="model-tier",
        how="Effective price: charged amount over priced tokens, all kinds together; it depends "
        "on the mix of kinds too.",
    )


def _tiers(facts: Facts, audience: Audience) -> Card:
    batch = [r for r in facts.model_tiers if r["service_tier"] == "batch"]
    part = numbers.share(sum(r["total_tokens"] for r in batch), facts.total["total_tokens"])
    table = tables.entity_table(
        facts,
        audience,
        "tiers-table",
        "Model and service tier",
        facts.model_tiers,
        lambda r: f"{tables.model_name(r)} \u00b7 {r['service_tier'] or 'standard'}",
        limit=ROWS,
        total=facts.total,
    )
    return Card(
        "tiers",
        f"{numbers.percent(part)} of tokens ran as batch",
        "Which service tier was used?",
        tables=[table],
        term="service-tier",
    )


def _effective(facts: Facts) -> Card:
    """Charged price of a million tokens against the standard list rates in force."""
    listed = {(r["provider"], r["family"], r["model_tier"]): r for r in facts.list_value}
    cur = facts.currency
    rows: list[list[Cell]] = []
    furthest: tuple[str, Decimal] | None = None
    for row in facts.models:
        entry = listed.get((row["provider"], row["family"], row["model_tier"]))
        effective, at_list = _rate(row), None
        if entry:
            effective = numbers.per_million(entry["revenue"], entry["tokens"])
            at_list = numbers.per_million(entry["list_value"], entry["tokens"])
        gap = numbers.change(effective, at_list)
        if entry and _rate(row) is None:
            effective = at_list = None  # a gap, but no price of tokens
        if gap is not None and (furthest is None or abs(gap) > abs(furthest[1])):
            furthest = (tables.model_name(row), gap)
        per_million = [
            None if not entry or entry[k] is None else entry[k] * 1_000_000
            for k in ("input_rate", "cached_input_rate", "output_rate")
        ]
        rows.append(
            [
                cells.text(tables.model_name(row)),
                cells.text(row["provider"], css="l"),
                *(cells.listed(v, cur) for v in per_million),
                Cell(foreign.no_amount(row), css="np") if row["revenue"] is None else cells.rate(effective, cur),
                cells.rate(at_list, cur),
                cells.percent(gap, sign=True),
                cells.money(entry["cache_saving"], cur) if entry and entry["cache_saving"] else cells.text(""),
            ]
        )
    columns = [
        Column("Model", "model", text=True),
        Column("Provider", "provider", text=True),
        Column("List input", f"list input per 1M ({cur})"),
        Column("cached", f"list cached input per 1M ({cur})"),
        Column("output", f"list output per 1M ({cur})"),
        Column("Charged per 1M", f"charged per 1M tokens ({cur})", term="effective-price"),
        Column("At list", f"same tokens at list per 1M ({cur})"),
        Column("Gap", "gap to list"),
        Column("Cache saving", f"cache saving ({cur})", term="cache-saving"),
    ]
    moved = sorted({r["family"] for r in facts.list_value if r["is_moved"]})
    last_day = facts.build["data_through"].date().isoformat()
    title = "Charged prices equal list prices"
    if furthest is not None and abs(furthest[1]) >= 0.0005:
        side = "below" if furthest[1] < 0 else "above"
        title = f"{furthest[0]} is charged {numbers.percent(abs(furthest[1]))} {side} the standard list of {last_day}"
    return Card(
        "effective",
        title,
        "How far is the charged price from the list?",
        tables=[
            Table(
                "effective-table",
                "Charged and listed prices per million tokens",
                columns,
                rows[:ROWS],
                note=_first_rows(rows),
            )
        ],
        how=f"List: the standard-tier rates of card \u201clist\u201d in force on {last_day}, the last day of the "
        "data, applied to the same usage: that of days on which every request of the model has a price. "
        "Contracts, batch discounts and earlier prices make the gap."
        + (
            f" {', '.join(moved)}: an alias that moved; each request is listed at the model it was priced as, and the "
            "list prices shown are those of the model it stands for now."
            if moved
            else ""
        ),
        term="effective-price",
    )


def _first_rows(rows: list[list[Cell]]) -> str:
    """Says that a table shows its first rows only, where it does."""
    return f"The {ROWS} models with the most revenue, of {len(rows):,}." if len(rows) > ROWS else ""


def _rate(row: Row) -> Decimal | None:
    return tables.effective_price(row)
