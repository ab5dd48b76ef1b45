"""Hours of GPUs that no request would carry under another rating: they vanish from its cost, but not from the bill.

Cost of requests has them only spread over tokens (docs/prices.md). What requests come to belongs in `what_if.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.sql import literal

if TYPE_CHECKING:
    from decimal import Decimal

    import duckdb

    from pipelines.pricing.rerate import Days


@dataclass(frozen=True, slots=True)
class IdleHours:
    """What is booked, for all organisations, of a model's hours on days on which they would serve nobody."""

    provider: str
    model: str
    currency: str
    amount: Decimal


def idle_hours(con: duckdb.DuckDBPyConnection, days: Days) -> tuple[IdleHours, ...]:
    """By model and currency; `con` has the other rating attached as `scratch`. Days are taken as UTC days."""
    found = con.execute(f"""
        select booked.provider, booked.model, rates.currency, sum(booked.allocated_amount)::decimal(38, 18) as amount
        from marts.spread_days as booked
        cross join run.settings as settings
        inner join marts.price_rates as rates
            on settings.cost_card = rates.card
                and booked.provider = rates.provider and booked.model = rates.model
                and booked.model_tier = rates.model_tier
                and rates.service_tier = 'standard' and rates.region = '' and rates.context_from = 0
                and booked.usage_date >= rates.valid_from and booked.usage_date < rates.valid_to
                and rates.price_gpu_hours is not null
        anti join scratch.marts.spread_days as otherwise
            on booked.usage_date = otherwise.usage_date
                and booked.provider = otherwise.provider and booked.model = otherwise.model
                and booked.model_tier = otherwise.model_tier
        where booked.usage_date between date {literal(days.first)} and date {literal(days.last)}
            and booked.allocated_amount != 0
        group by all
        order by all""").fetchall()
    return tuple(IdleHours(*row) for row in found)
