"""Figures by day of the shown window, without gaps: what charts and sparklines are drawn from."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Series:
    """One entity's figures by day, dense over the window; money exact. A day without a known margin has none."""

    family: str | None
    model_tier: str | None
    requests: list[int]
    failed_requests: list[int]
    total_tokens: list[int]
    output_tokens: list[int]
    unpriced_requests: list[int]
    revenue: list[Decimal]
    cost: list[Decimal]
    margin: list[Decimal | None]


def dense(row: Row, days: int) -> Series:
    def fill(name: str, zero: Any) -> list[Any]:
        values = [zero] * days
        for index, value in zip(row["days"], row[name], strict=True):
            values[index] = value
        return values

    zero = Decimal(0)
    return Series(
        row["family"],
        row["model_tier"],
        fill("requests", 0),
        fill("failed_requests", 0),
        fill("total_tokens", 0),
        fill("output_tokens", 0),
        fill("unpriced_requests", 0),
        fill("revenue", zero),
        fill("cost", zero),
        fill("margin", None),
    )


def dense_groups(rows: list[Row], key: str, days: int) -> dict[str, list[Series]]:
    found: dict[str, list[Series]] = defaultdict(list)
    for row in rows:
        found[row[key]].append(dense(row, days))
    return dict(found)
