"""What of the last run lacks a rate: by model, tiers and reason, with tokens at stake, near rows and lines to paste.

Read from the warehouse, so it is as old as the last run. Where a row is missing is found in `lacking.py`, what is shown
how belongs in `unpriced_text.py`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pipelines.pricing.exempt import exemption
from pipelines.pricing.explain import built_warehouse, rows
from pipelines.pricing.lacking import lacking, stretch
from pipelines.pricing.missing import (
    MARKED_UP_HOURS,
    alias_line,
    hours_line,
    lacking_region,
    lacks_rate,
    rate_line,
    way_out,
    way_out_by_term,
    way_out_over_hours,
)  # fmt: skip
from pipelines.pricing.units import ALL
from pipelines.sql import literal

if TYPE_CHECKING:
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
    context_from: int
    prices: tuple[str, ...]
    valid_from: datetime
    valid_to: datetime | None


@dataclass(frozen=True, slots=True)
class Gap:
    """Requests that lack an amount for one reason. `lines` would fix it, pasted into a file of the folder `folder`.

    `terms` would have to stand in prices/terms/ besides. `place` says where rates are missing, `alias` is the line of
    an alias that would give them, of `alias_of`.
    """

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
    place: str
    folder: str
    lines: tuple[str, ...]
    terms: tuple[str, ...]
    alias: str | None
    alias_of: str | None


def find_unpriced(home: Home, side: str) -> list[Gap]:
    """Gaps of one side (revenue, cost) as the last run left them; most tokens first."""
    with built_warehouse(home) as con:
        return _each_line_once([_gap(con, row, side) for row in lacking(con, side)])


def _each_line_once(gaps: list[Gap]) -> list[Gap]:
    """Under an alias and under its model the same is missing: one line helps both, and twice it would be an error."""
    seen: dict[str, int] = {}
    told = []
    for number, gap in enumerate(gaps, 1):
        terms, lines = (tuple(line for line in part if line not in seen) for part in (gap.terms, gap.lines))
        # What stands under another cause is needed here too.
        before = sorted({seen[line] for line in (*gap.terms, *gap.lines) if line in seen})
        seen |= dict.fromkeys((*terms, *lines), number)
        way = gap.way_out
        if before and not (terms or lines):
            way = "The lines above help here too."
        elif before:
            way += f" Lines above are needed here too: those under {', '.join(map(str, before))}."
        told.append(replace(gap, terms=terms, lines=lines, way_out=way))
    return told


def _gap(con: duckdb.DuckDBPyConnection, row: dict[str, Any], side: str) -> Gap:
    used = {unit.name: row[unit.quantity] for unit in ALL if unit.name != "request" and row.get(unit.quantity)}
    if row["is_embedding"] and "input" in used:
        used = {"embedding" if unit == "input" else unit: quantity for unit, quantity in used.items()}
    reason = row["reason"]
    way = way_out(reason)
    near: tuple[NearRow, ...] = ()
    lines: list[str] = []
    terms: tuple[str, ...] = ()
    alias = alias_of = None
    folder = "prices"
    place = ""
    is_marked_up = reason.startswith(MARKED_UP_HOURS)
    if is_marked_up or (row["is_over_hours"] and lacks_rate(reason)):
        terms, rates, card = exemption(con, row, used)
        lines = list(rates)
        place = f"card {card}, {row['provider']} {row['rate_model']}"
        way = way if is_marked_up else way_out_over_hours()
        if is_marked_up and not rates:
            way = way_out_by_term(card)
    elif lacks_rate(reason):
        row["rate_region"] = row["rate_region"] if row["found"] else lacking_region(reason)
        near = tuple(_near(con, row, (*used, "gpu_hour") if side == "cost" else tuple(used)))
        alias_of = _alias_of(row, near)
        if alias_of:
            alias = alias_line(row["provider"], row["model"], alias_of, row["first_at"])
        if not row["stood_later_for"]:
            lines = [_line(con, row, unit) for unit in _units(row, used)]
            place = f"card {row['rate_card']}, {row['provider']} {row['rate_model']}"
            place += f", region {row['rate_region']}" if row["rate_region"] else ""
    elif reason.startswith("no hours of GPUs"):
        folder = "prices/serving_hours"
        lines = [hours_line(day, row["provider"], row["model"], row["model_tier"]) for day in row["days"]]
    return Gap(
        **{name: row[name] for name in ("provider", "model", "model_tier", "service_tier", "reason", "requests",
                                        "organization_count", "first_at", "last_at")},
        quantities=used,
        organizations=tuple(row["organizations"]),
        way_out=way,
        near=near,
        place=place,
        folder=folder,
        lines=tuple(lines),
        terms=terms,
        alias=alias,
        alias_of=alias_of,
    )  # fmt: skip


def _units(row: dict[str, Any], used: dict[str, Any]) -> list[str]:
    """Units to give a rate: those that some request used without a price; where none was used, tokens both ways."""
    return [unit for unit in used if row[f"lacks_{'input' if unit == 'embedding' else unit}"]] or ["input", "output"]


def _line(con: duckdb.DuckDBPyConnection, row: dict[str, Any], unit: str) -> str:
    begin, end = stretch(con, row, unit)
    return rate_line(
        card=row["rate_card"], provider=row["provider"], model=row["rate_model"], model_tier=row["model_tier"],
        service_tier=row["service_tier"], region=row["rate_region"], unit=unit, currency=row["rate_currency"],
        context_from=row["rate_context"], valid_from=begin, valid_to=end,
    )  # fmt: skip


def _near(con: duckdb.DuckDBPyConnection, row: dict[str, Any], units: tuple[str, ...]) -> list[NearRow]:
    """Keys of the same provider: the same model in other tiers or times first, then ids that look most alike; the
    card and region where rates are missing before others.

    Where the provider has none of that, the same id at others.
    """
    found = rows(
        con,
        f"""
        with keys as (
            select
                card, provider, model, model_tier, service_tier, region, currency, context_from, unit, price, per,
                valid_from,
                least(coalesce(valid_to, timestamp '9999-12-31'), coalesce(
                    lead(valid_from) over (
                        partition by
                            card, provider, model, model_tier, service_tier, region, currency, unit, context_from
                        order by valid_from, known_from
                    ), timestamp '9999-12-31'
                )) as ends_at
            from marts.price_rows
            where provider = $provider or model = $model
        ),
        -- What is in force at the first request counts as one set, whenever its prices began.
        timed as (
            select
                *, valid_from <= $first_at::timestamp and ends_at > $first_at::timestamp as is_now,
                case when not is_now then valid_from end as begins, case when not is_now then ends_at end as ends
            from keys
            where ends_at > valid_from
        ),
        nearest as (
            select
                card, provider, model, model_tier, service_tier, region, context_from,
                max(valid_from) as valid_from, min(ends_at) as ends_at,
                string_agg(
                    unit || ' ' || currency || ' ' || rtrim(rtrim(price::varchar, '0'), '.')
                    || case when per = 1 then '' else format(' per {{:,}}', per) end,
                    '; ' order by unit
                ) as prices,
                model = $model as is_model,
                jaro_winkler_similarity(model, $model) as similarity,
                levenshtein(model, $model) as edits,
                min(case
                    when is_now then 0
                    when valid_from > $first_at::timestamp then epoch(valid_from) - epoch($first_at::timestamp)
                    else epoch($first_at::timestamp) - epoch(ends_at)
                end) as away
            from timed
            where unit in ({", ".join(literal(unit) for unit in (*units, "input", "output"))})
            group by
                card, provider, model, model_tier, service_tier, region, context_from, is_now, begins, ends
        )
        select * from nearest
        where is_model or (provider = $provider and similarity >= {_LEAST_SIMILAR})
        -- Of another model the one key that is nearest, of the same model every tier.
        qualify row_number() over (
            partition by provider, model, case when is_model then row(card, model_tier, service_tier, region) end
            order by
                card = $card desc, region = $region desc, model_tier = $model_tier desc,
                service_tier = $service_tier desc, context_from, away, card, model_tier, service_tier, region,
                valid_from
        ) = 1
        order by
            is_model and provider = $provider desc, is_model desc, similarity desc, edits, card = $card desc,
            region = $region desc, model_tier = $model_tier desc, service_tier = $service_tier desc, away,
            card, provider, model, model_tier, service_tier, region
        limit {_NEAR}""",
        {name: row[name] for name in ("provider", "model_tier", "service_tier", "first_at")}
        | {"card": row["rate_card"], "model": row["rate_model"], "region": row["rate_region"]},
    )
    return [
        NearRow(
            **{name: near[name] for name in ("card", "provider", "model", "model_tier", "service_tier", "region",
                                             "context_from", "valid_from")},
            prices=tuple(near["prices"].split("; ")),
            valid_to=near["ends_at"],
        )
        for near in found
    ]  # fmt: skip


def _alias_of(row: dict[str, Any], near: tuple[NearRow, ...]) -> str | None:
    """What the id is probably another name of.

    The model that it became an alias of later; else, of an id that no table knows, the one that looks most alike, where
    it is the same but for a date or `latest` behind, and the card that is asked has it.
    """
    if row["stood_later_for"]:
        return str(row["stood_later_for"])
    if row["reason"] != "model is not in the price book" or row["stands_for"] or not near:
        return None
    first = near[0]
    is_alike = _DATE.sub("", row["model"]) == _DATE.sub("", first.model) and row["model"] != first.model
    is_asked = (first.provider, first.card) == (row["provider"], row["rate_card"])
    return first.model if is_alike and is_asked else None
