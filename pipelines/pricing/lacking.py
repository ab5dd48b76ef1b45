"""Requests without an amount, by what they lack and where a row that gave it would have to stand.

A set of rates that was found but lacks a unit says where: its card, model, region and currency, whatever term or
mark-up led there. Where none was found it is the general card, under a mark-up that of the cost side. Rows belong to
the model that an alias stands for: the first row of the alias itself would take the others from it. What would be
written there belongs in `missing.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipelines.landing.contract import BUCKETS, METERS
from pipelines.pricing.explain import rows
from pipelines.pricing.stood import STOOD
from pipelines.pricing.units import ALL

if TYPE_CHECKING:
    from datetime import datetime

    import duckdb

Row = dict[str, Any]

_REASONS = {"revenue": "unpriced_reason", "cost": "uncosted_reason"}
_CHARGED = tuple(unit for unit in ALL if unit.name not in {"embedding", "request", "gpu_hour"})
_OPEN = 9999


def lacking(con: duckdb.DuckDBPyConnection, side: str) -> list[Row]:
    """One row a model, tiers, reason and place, most tokens first.

    `rate_card`, `rate_model`, `rate_region`, `rate_currency` and `rate_context` say where a row is missing, of which
    `found` is whether other units have prices there; `lacks_<unit>` whether some request used it without a price.
    `stands_for` is what the id is an alias of, `stood_later_for` where it is one only from a later instant on; `terms`
    are the lists of terms that counted, `rates_from` is when the rates of the first request began, and `is_over_hours`
    says that a revenue was looked for at rates whose tokens cost their share of hours of GPUs.
    """
    return rows(con, _query(side))


def _query(side: str) -> str:
    quantities = (*BUCKETS, *METERS)
    sums = ", ".join(f"sum({name}) as {name}" for name in quantities)
    lacks = ", ".join(f"bool_or({_lacks(unit.name, unit.quantity)}) as lacks_{unit.name}" for unit in _CHARGED)
    prices = ", ".join(f"rates.{unit.price_column}" for unit in ALL)
    reason = _REASONS[side]
    return f"""
        with stood as ({STOOD}),
        first_own as (
            select card, provider, model, min(valid_from) as own_from from marts.price_rows group by all
        ),
        marked_up as (
            select distinct told.revenue_terms
            from (
                select revenue_terms, unnest(string_split(revenue_terms, ',')) as term_id from marts.ratings
            ) as told
            inner join run.terms as terms on told.term_id = terms.term_id
            where terms.kind = 'markup'
        ),
        without as (
            select
                used.*,
                coalesce(used.base_model, used.model) as asked,
                {reason} as reason,
                coalesce(rates.card, {_general(side)}) as rate_card,
                rates.priced_as, rates.region as found_region, rates.currency, rates.context_from,
                rates.valid_from as rates_from, {prices},
                rates.rate_id is not null as found,
                coalesce(rates.price_gpu_hours is not null and rates.card = cost_card, false) as is_of_hours,
                {"is_of_hours" if side == "cost" else "false"} as is_spread,
                {"is_of_hours" if side == "revenue" else "false"} as is_over_hours
            from published.rated_usage as used
            cross join run.settings as settings
            left join marts.price_rates as rates on used.{side}_rate_id = rates.rate_id
            where {reason} is not null
                -- A cost in another currency is known.
                and not (revenue_amount is not null and foreign_cost_amount is not null)
        ),
        named as (
            select
                without.*,
                own_from,
                case when own_from is null or own_from > occurred_at then now_for.model end as stands_for,
                coalesce(priced_as, stands_for, asked) as rate_model,
                case
                    when now_for.model is null and (own_from is null or own_from > later_for.valid_from)
                        then later_for.model
                end as stood_later_for
            from without
            left join first_own
                on rate_card = first_own.card and without.provider = first_own.provider and asked = first_own.model
            left join stood as now_for
                on without.provider = now_for.provider and asked = now_for.alias
                    and occurred_at >= now_for.valid_from
                    and (now_for.ends_at is null or occurred_at < now_for.ends_at)
            asof left join stood as later_for
                on without.provider = later_for.provider and asked = later_for.alias
                    and occurred_at < later_for.valid_from
        ),
        starts as (
            select distinct card, provider, model, model_tier, service_tier, valid_from as began_at
            from marts.price_rates
            where region = '' and priced_as = model
        )
        select
            named.provider, asked as model, named.model_tier, named.service_tier, reason, found, stands_for,
            is_over_hours,
            -- Rates that begin in between tell one time without rates from the next.
            case when reason = 'no rate in force at this instant' then began_at end as after,
            case when not found then stood_later_for end as stood_later_for,
            rate_card,
            rate_model,
            found_region as rate_region,
            currency as rate_currency,
            coalesce(min(context_from), 0) as rate_context,
            count(*) as requests,
            {sums},
            {lacks},
            count(*) filter (where operation = 'embedding') = count(*) as is_embedding,
            (list(distinct organization_id order by organization_id))[:5] as organizations,
            list(distinct {side}_terms) filter ({side}_terms is not null) as terms,
            min_by(rates_from, occurred_at) as rates_from,
            count(distinct organization_id) as organization_count,
            min(occurred_at) as first_at,
            max(occurred_at) as last_at,
            list(distinct usage_date order by usage_date) as days
        from named
        asof left join starts
            on rate_card = starts.card and named.provider = starts.provider and rate_model = starts.model
                and named.model_tier = starts.model_tier and named.service_tier = starts.service_tier
                and occurred_at >= began_at
        group by all
        order by
            sum({" + ".join(BUCKETS)}) desc, named.provider, asked, named.model_tier, named.service_tier, reason,
            rate_card, rate_model, rate_region nulls first, first_at"""


def _general(side: str) -> str:
    """The card of requests for which no rates were found."""
    if side == "cost":
        return "cost_card"
    return "case when revenue_terms in (select revenue_terms from marked_up) then cost_card else revenue_card end"


def _lacks(unit: str, quantity: str) -> str:
    """Whether a request used a quantity that its set of rates has no price for; without a set there is none."""
    conditions = [f"{quantity} > 0", f"price_{quantity} is null"]
    if unit == "image_input":
        conditions.append("price_input_tokens is null")
    if unit == "input":
        conditions.append("not (operation is not distinct from 'embedding' and price_embedding_tokens is not null)")
    if quantity in BUCKETS:
        conditions.append("not coalesce(is_spread, false)")
    return " and ".join(conditions)


def stretch(con: duckdb.DuckDBPyConnection, gap: Row, unit: str) -> tuple[datetime, datetime | None]:
    """From when to when (None: open) a row of the unit can stand without touching what is priced today.

    It begins with the day of the first request, or later that day where other rows of its key begin or end. Beside
    others it ends where the last of them does: alone it would be a set of rates, which keeps requests from the next
    card or region that has one. A row of the same unit ends it anyway.
    """
    (row,) = rows(
        con,
        f"""
        with sets as (
            select distinct valid_from, valid_to from marts.price_rate_units
            where {_KEY} and priced_as = model and ($currency is null or currency = $currency)
        ),
        bounds as (
            select
                greatest(
                    date_trunc('day', $first_at::timestamp),
                    (select max(bound) from (select valid_from as bound from sets union all select valid_to from sets)
                    where bound <= $first_at)
                ) as begins_at,
                (
                    select min(valid_to) from sets as last
                    where valid_to > $last_at and not exists (
                        select 1 from sets as next where next.valid_from <= last.valid_to
                            and next.valid_to > last.valid_to
                    )
                ) as ends_at
        )
        select
            begins_at,
            case
                when $found and not exists (
                    select 1 from marts.price_rows
                    where {_KEY} and unit = $unit and currency = $currency and context_from = $context
                        and valid_from > begins_at and valid_from <= ends_at
                ) then ends_at
            end as ends_at
        from bounds""",
        {
            "card": gap["rate_card"], "provider": gap["provider"], "model": gap["rate_model"],
            "model_tier": gap["model_tier"], "service_tier": gap["service_tier"], "region": gap["rate_region"] or "",
            "unit": unit, "currency": gap["rate_currency"], "context": gap["rate_context"], "found": gap["found"],
            "first_at": gap["first_at"], "last_at": gap["last_at"],
        },
    )  # fmt: skip
    end = row["ends_at"]
    return row["begins_at"], None if end is None or end.year >= _OPEN else end


_KEY = (
    "card = $card and provider = $provider and model = $model and model_tier = $model_tier "
    "and service_tier = $service_tier and region = $region"
)
