"""What of the last run lacks a rate: by model, tiers and reason, with tokens at stake, near rows and lines to paste.

Read from the warehouse, so it is as old as the last run. What is shown how belongs in `unpriced_text.py`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipelines.landing.contract import BUCKETS, METERS
from pipelines.pricing.explain import built_warehouse, rows
from pipelines.pricing.missing import (
    alias_line,
    hours_line,
    lacking_region,
    lacking_unit,
    lacks_rate,
    rate_lines,
    way_out,
)  # fmt: skip
from pipelines.pricing.units import ALL
from pipelines.sql import literal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    import duckdb

    from pipelines.home import Home

_NEAR = 3
# What may stand behind an id: gpt-4o-2024-08-06, gpt-4-0613, claude-3-5-haiku-20241022, -latest.
_DATE = re.compile(r"-(\d{4}-\d{2}-\d{2}|\d{8}|\d{4}|latest)$")
# Ids that share so little are no help.
_LEAST_SIMILAR = 0.75


@dataclass(frozen=True, slots=True)
class NearRow:
    """What the price book has beside a gap: one key with the latest price of each unit that was used."""

    card: str
    provider: str
    model: str
    model_tier: str
    service_tier: str
    region: str
    prices: tuple[str, ...]
    valid_from: datetime
    valid_to: datetime | None


@dataclass(frozen=True, slots=True)
class Gap:
    """Requests that lack an amount for one reason. `lines` would fix it, pasted into a file of the folder `folder`."""

    provider: str
    model: str
    model_tier: str
    service_tier: str
    reason: str
    requests: int
    quantities: dict[str, Any]
    organizations: tuple[str, ...]
    organization_count: int
    first_at: datetime
    last_at: datetime
    way_out: str
    near: tuple[NearRow, ...]
    folder: str
    lines: tuple[str, ...]
    alias: str | None


def find_unpriced(home: Home, side: str) -> list[Gap]:
    """Gaps of one side (revenue, cost) as the last run left them; most tokens first."""
    reason = "unpriced_reason" if side == "revenue" else "uncosted_reason"
    with built_warehouse(home) as con:
        (settings,) = rows(con, "select revenue_card, cost_card from run.settings")
        card = settings[f"{side}_card"]
        return [_gap(con, row, card) for row in rows(con, _grouped(reason))]


def _grouped(reason: str) -> str:
    quantities = (*BUCKETS, *METERS)
    sums = ", ".join(f"sum({name}) as {name}" for name in quantities)
    return f"""
        select
            provider, coalesce(base_model, model) as model, model_tier, service_tier, {reason} as reason,
            count(*) as requests,
            {sums},
            count(*) filter (where operation = 'embedding') = count(*) as is_embedding,
            (list(distinct organization_id order by organization_id))[:5] as organizations,
            count(distinct organization_id) as organization_count,
            min(occurred_at) as first_at,
            max(occurred_at) as last_at,
            list(distinct usage_date order by usage_date) as days
        from published.rated_usage
        where {reason} is not null
            -- A cost in another currency is known.
            and not (revenue_amount is not null and foreign_cost_amount is not null)
        group by all
        order by sum({" + ".join(BUCKETS)}) desc, provider, model, model_tier, service_tier, reason"""


def _gap(con: duckdb.DuckDBPyConnection, row: dict[str, Any], card: str) -> Gap:
    used = {unit.name: row[unit.quantity] for unit in ALL if unit.name != "request" and row.get(unit.quantity)}
    if row["is_embedding"] and "input" in used:
        used = {"embedding" if unit == "input" else unit: quantity for unit, quantity in used.items()}
    reason = row["reason"]
    near: tuple[NearRow, ...] = ()
    lines: Sequence[str] = ()
    alias = None
    folder = "prices"
    if lacks_rate(reason):
        near = tuple(_near(con, row, card, tuple(used)))
        units = _units(con, row, card, used)
        lines = rate_lines(
            card=card, provider=row["provider"], model=row["model"], model_tier=row["model_tier"],
            service_tier=row["service_tier"], region=lacking_region(reason), units=units, needed_from=row["first_at"],
        )  # fmt: skip
        alias = _alias(row, near)
    elif reason.startswith("no hours of GPUs"):
        folder = "prices/serving_hours"
        lines = [hours_line(day, row["provider"], row["model"], row["model_tier"]) for day in row["days"]]
    return Gap(
        **{name: row[name] for name in ("provider", "model", "model_tier", "service_tier", "reason", "requests",
                                        "organization_count", "first_at", "last_at")},
        quantities=used,
        organizations=tuple(row["organizations"]),
        way_out=way_out(reason),
        near=near,
        folder=folder,
        lines=tuple(lines),
        alias=alias,
    )  # fmt: skip


def _units(con: duckdb.DuckDBPyConnection, row: dict[str, Any], card: str, used: dict[str, Any]) -> list[str]:
    """Units to give a rate: the used ones that none of the key's rate sets prices at the first instant.

    Of a reason that names a unit, that one at least; of a call of which nothing is counted, tokens both ways.
    """
    priced = {
        found["unit"]
        for found in rows(
            con,
            f"""
            select distinct unit from marts.price_rate_units
            where card = $card and provider = $provider and model = $model and model_tier = $model_tier
                and service_tier = $service_tier and valid_from <= $first_at and valid_to > $last_at
                and region in ('', {literal(lacking_region(row["reason"]))})""",
            {name: row[name] for name in ("provider", "model", "model_tier", "service_tier", "first_at", "last_at")}
            | {"card": card},
        )
    }
    named = lacking_unit(row["reason"])
    units = [unit for unit in used if unit not in priced or unit == named]
    return units or ([named] if named else ["input", "output"])


def _near(con: duckdb.DuckDBPyConnection, row: dict[str, Any], card: str, units: tuple[str, ...]) -> list[NearRow]:
    """Keys of the same provider: the same model in other tiers or times first, then ids that look most alike; the
    card that was asked before others.

    Where the provider has none of that, the same id at others.
    """
    found = rows(
        con,
        f"""
        with keys as (
            select
                card, provider, model, model_tier, service_tier, region, currency, unit, price, per, valid_from,
                least(coalesce(valid_to, timestamp '9999-12-31'), coalesce(
                    lead(valid_from) over (
                        partition by
                            card, provider, model, model_tier, service_tier, region, currency, unit, context_from
                        order by valid_from, known_from
                    ), timestamp '9999-12-31'
                )) as ends_at
            from marts.price_rows
            where context_from = 0 and (provider = $provider or model = $model)
        ),
        nearest as (
            select
                * exclude (unit, price, per, currency),
                string_agg(
                    unit || ' ' || currency || ' ' || rtrim(rtrim(price::varchar, '0'), '.')
                    || case when per = 1 then '' else format(' per {{:,}}', per) end,
                    '; ' order by unit
                ) as prices,
                model = $model as is_model,
                jaro_winkler_similarity(model, $model) as similarity,
                levenshtein(model, $model) as edits,
                abs(epoch(valid_from) - epoch($first_at::timestamp)) as away
            from keys
            where unit in ({", ".join(literal(unit) for unit in (*units, "input", "output"))})
            group by all
        )
        select * from nearest
        where is_model or (provider = $provider and similarity >= {_LEAST_SIMILAR})
        -- Of another model the one key that is nearest, of the same model every tier.
        qualify row_number() over (
            partition by provider, model, case when is_model then row(card, model_tier, service_tier, region) end
            order by
                card = $card desc, model_tier = $model_tier desc, service_tier = $service_tier desc, away,
                card, model_tier, service_tier, region, valid_from
        ) = 1
        order by
            is_model and provider = $provider desc, is_model desc, similarity desc, edits, card = $card desc,
            model_tier = $model_tier desc, service_tier = $service_tier desc, away,
            card, provider, model, model_tier, service_tier, region
        limit {_NEAR}""",
        {name: row[name] for name in ("provider", "model", "model_tier", "service_tier", "first_at")} | {"card": card},
    )
    return [
        NearRow(
            **{name: near[name] for name in ("card", "provider", "model", "model_tier", "service_tier", "region",
                                             "valid_from")},
            prices=tuple(near["prices"].split("; ")),
            valid_to=near["ends_at"],
        )
        for near in found
    ]  # fmt: skip


def _alias(row: dict[str, Any], near: tuple[NearRow, ...]) -> str | None:
    """An alias line, where the id that looks most alike is the same but for a date or `latest` behind."""
    if row["reason"] != "model is not in the price book" or not near or near[0].provider != row["provider"]:
        return None
    if _DATE.sub("", row["model"]) != _DATE.sub("", near[0].model):
        return None
    return alias_line(row["provider"], row["model"], near[0].model, row["first_at"])
