"""The same totals at every stage, from the rated events to the pages; a site with a gap between any two is not built.

How the stages are shown belongs in dashboards/pages/quality.py; the exported files are held against each other and
the warehouse in `audit.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.errors import MeterhouseError
from pipelines.landing.contract import METERS
from pipelines.money import exact, total

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pipelines.publish.facts import Facts
    from pipelines.publish.series import Row

# What is held equal. `meters` is a sum of hours and calls: of no meaning but to be the same everywhere.
KEYS = ("requests", "tokens", "meters", "revenue", "cost")


def stages(facts: Facts) -> list[Row]:
    """Totals of the window by stage, the rated events first; a figure that a stage does not have is left out."""
    made = [
        *facts.ledger,
        _of_rows("Page: organisations, all rows", facts.organizations),
        _of_rows("Page: products, all rows", facts.products),
        _of_rows("Page: models, all rows", facts.models),
    ]
    if facts.daily is not None:
        daily = facts.daily
        made.append(
            {
                "stage": "Page: daily chart, all days",
                "requests": sum(daily.requests),
                "tokens": sum(daily.total_tokens),
                "revenue": total(daily.revenue),
                "cost": total(daily.cost),
            }
        )
    # The rest of that total is in other currencies, which no other stage adds up.
    made += [
        {"stage": f"Page: all currencies, the part in {facts.currency}", row["side"]: row["reported"]}
        for row in facts.converted
        if row["side"] == "revenue" and row["currency"] == facts.currency
    ]
    return made


def gaps(stage: Row, first: Row) -> Row:
    """By how much a stage differs from the first, by figure; empty where it does not."""
    with exact():
        found = {k: (stage[k] or 0) - (first[k] or 0) for k in KEYS if k in stage}
    return {k: gap for k, gap in found.items() if gap}


def require_equal(facts: Facts, published: Path) -> None:
    """Raise MeterhouseError with the first gap there is."""
    made = stages(facts) if facts.total else []
    for stage in made:
        for key, gap in gaps(stage, made[0]).items():
            has, first = stage[key] or 0, made[0][key] or 0
            raise MeterhouseError(
                f"the pages would not show what was metered: \u201c{stage['stage']}\u201d has {has:,} {key}, "
                f"\u201c{made[0]['stage']}\u201d {first:,}, a gap of {gap:,}.",
                file=published,
                way_out="The pages of before stay. Delete warehouse.duckdb and run again; if it stays, report it.",
            )


def _of_rows(name: str, rows: Sequence[Row]) -> Row:
    return {
        "stage": name,
        "requests": sum(r["requests"] for r in rows),
        "tokens": sum(r["total_tokens"] for r in rows),
        "meters": sum(r[meter] for r in rows for meter in METERS),
        **{k: total(r[k] for r in rows if r[k] is not None) for k in ("revenue", "cost")},
    }
