{{ config(
    materialized='incremental',
    incremental_strategy='replace_days',
    unique_key='charge_month',
    on_schema_change='fail',
    schema='marts',
    pre_hook="{{ set_event_files() }}"
) }}

-- What allowances and tariffs by quantity make of the requests of a billing month: one row a request, unit and band
-- that part of its quantity falls in. Quantities run up in the order of occurred_at, source, event_id, over all
-- requests of one organisation under one set of terms, so neither files nor runs change them.
{%- set hours = units() | selectattr("hours", "defined") | map(attribute="unit") | list %}

with settings as (

    select billing_time_zone
    from {{ source('run', 'settings') }}

),

band_terms as (

    select
        *,
        case when kind = 'allowance' then 'allowance' else 'tariff' end as family,
        -- A band ends where the next one of its set begins.
        coalesce(lead(quantity) over (partition by set_id order by quantity), 1e17::decimal(24, 6)) as quantity_to
    from {{ ref('terms_in_force') }}
    where kind in ('allowance', 'graduated', 'volume')

),

band_sets as (

    select distinct
        set_id,
        family,
        organization_id,
        provider,
        model,
        region,
        unit,
        specificity,
        valid_from,
        valid_to
    from band_terms

),

requests as (

    select
        e.source,
        e.event_id,
        e.occurred_at,
        e.organization_id,
        e.usage_date,
        date_trunc('month', {{ charge_date("e.occurred_at", "settings.billing_time_zone") }})::date as charge_month,
        e.provider,
        coalesce(e.base_model, e.model) as price_model,
        coalesce(e.region, '') as region,
        r.revenue_rate_id,
        r.revenue_factor,
        r.revenue_currency,
        r.revenue_model,
        [
            {%- for unit in charged_units() %}
                {
                    'unit':
                    {%- if unit.unit == "input" %}
                        case
                            when e.operation = 'embedding' and r.revenue_embedding_tokens is not null then 'embedding'
                            else 'input'
                        end,
                    {%- else %}
                        '{{ unit.unit }}',
                    {%- endif %}
                    'quantity': {{ quantity(unit, "e") }}::decimal(24, 6)
                },
            {%- endfor %}
            { 'unit': 'request', 'quantity': {{ quantity({"unit": "request"}, "e") }}::decimal(24, 6) }
        ] as quantities
    from {{ ref('stg_usage_events') }} as e
    cross join settings
    left join {{ ref('term_organizations') }} as terms on e.organization_id = terms.organization_id
    inner join {{ ref('resolved_rates') }} as r
        on r.has_bands and {{ finds_rate("e", "terms", "r") }}
    where r.revenue_rate_id is not null

),

metered as (

    select
        * exclude (quantities, metered),
        metered.unit as unit,
        metered.quantity as quantity
    from (
        select
            *,
            unnest(quantities) as metered
        from requests
        where charge_month in (select charge_month from {{ source('run', 'touched_months') }})
    ) as unnested
    where metered.quantity > 0

),

-- The set that counts for each quantity: own terms over those of everybody, then by model, provider, region.
matched as (

    {% for organization in ["metered.organization_id", "'*'"] %}
        select
            metered.*,
            band_sets.family,
            band_sets.set_id,
            {{ term_specificity("band_sets.specificity", "band_sets.model not in ('', metered.price_model)") }}
                as specificity
        from metered
        inner join band_sets
            on
                band_sets.organization_id = {{ organization }}
                and metered.unit = band_sets.unit
                and band_sets.provider in ('', metered.provider)
                and band_sets.model in ('', metered.price_model, metered.revenue_model)
                and band_sets.region in ('', metered.region)
                and metered.occurred_at >= band_sets.valid_from
                and metered.occurred_at < band_sets.valid_to
        {{ "union all" if not loop.last }}
    {% endfor %}

),

chosen as (

    select *
    from matched
    qualify
        row_number() over (
            partition by source, event_id, unit, family
            order by specificity desc, set_id
        ) = 1

),

allowed as (

    select
        chosen.*,
        band_terms.term_id,
        band_terms.quantity as allowance,
        sum(chosen.quantity) over (
            partition by chosen.organization_id, chosen.set_id, chosen.charge_month
            order by chosen.occurred_at, chosen.source, chosen.event_id
            rows unbounded preceding
        )::decimal(24, 6) as quantity_after
    from chosen
    inner join band_terms on chosen.set_id = band_terms.set_id
    where chosen.family = 'allowance'

),

free as (

    select
        *,
        (quantity_after - quantity)::decimal(24, 6) as quantity_before,
        (least(quantity_after, allowance) - least(quantity_after - quantity, allowance))::decimal(24, 6)
            as free_quantity
    from allowed

),

-- Tariffs count what the allowance has left.
charged as (

    select
        chosen.*,
        (chosen.quantity - coalesce(free.free_quantity, 0))::decimal(24, 6) as charged_quantity
    from chosen
    left join free
        on chosen.source = free.source and chosen.event_id = free.event_id and chosen.unit = free.unit
    where chosen.family = 'tariff'

),

running as (

    select
        *,
        sum(charged_quantity) over (
            partition by organization_id, set_id, charge_month
            order by occurred_at, source, event_id
            rows unbounded preceding
        )::decimal(24, 6) as quantity_after,
        sum(charged_quantity) over (
            partition by organization_id, set_id, charge_month
        )::decimal(24, 6) as month_quantity
    from charged

),

-- A band begins behind its quantity: with bands at 0 and 1,000,000 the millionth token is the first band's last.
banded as (

    select
        running.*,
        band_terms.term_id,
        band_terms.kind,
        band_terms.percent,
        band_terms.price,
        band_terms.per,
        band_terms.currency,
        (running.quantity_after - running.charged_quantity)::decimal(24, 6) as quantity_before,
        case
            when band_terms.kind = 'volume' then running.charged_quantity
            else
                least(running.quantity_after, band_terms.quantity_to)
                - greatest(running.quantity_after - running.charged_quantity, band_terms.quantity)
        end::decimal(24, 6) as part
    from running
    inner join band_terms on running.set_id = band_terms.set_id
    where
        case
            when band_terms.kind = 'volume'
                then
                    running.month_quantity > band_terms.quantity
                    and running.month_quantity <= band_terms.quantity_to
            else
                running.quantity_after > band_terms.quantity
                and running.quantity_after - running.charged_quantity < band_terms.quantity_to
        end

),

parts as (

    select
        source,
        event_id,
        occurred_at,
        usage_date,
        charge_month,
        organization_id,
        revenue_rate_id,
        revenue_factor,
        revenue_currency,
        unit,
        'allowance' as kind,
        term_id,
        quantity_before,
        free_quantity as part,
        0::decimal(18, 12) as band_price,
        null::decimal(9, 4) as percent,
        null::varchar as currency
    from free
    where free_quantity > 0

    union all

    select
        source,
        event_id,
        occurred_at,
        usage_date,
        charge_month,
        organization_id,
        revenue_rate_id,
        revenue_factor,
        revenue_currency,
        unit,
        kind,
        term_id,
        quantity_before,
        part,
        (
            price * case per when 1000000 then 0.000001 when 1000 then 0.001000 when 1 then 1.000000 end::decimal(7, 6)
        )::decimal(18, 12) as band_price,
        percent,
        currency
    from banded
    where part > 0

),

-- As everywhere, images without a price of their own have that of text input.
listed as (

    select
        parts.*,
        coalesce(own.unit_price, text.unit_price) as unit_price
    from parts
    left join {{ ref('price_rate_units') }} as own
        on parts.revenue_rate_id = own.rate_id and parts.unit = own.unit
    left join {{ ref('price_rate_units') }} as text
        on parts.unit = 'image_input' and text.unit = 'input' and parts.revenue_rate_id = text.rate_id

),

priced as (

    select
        *,
        (unit_price * revenue_factor)::decimal(30, 18) as regular_price,
        case
            when currency != revenue_currency then null
            when band_price is not null then band_price::decimal(30, 18)
            -- Percentages come on top of each other; a factor of more than six places would not be exact.
            when
                revenue_factor * (1 - percent * 0.01)::decimal(12, 6)
                = (revenue_factor * (1 - percent * 0.01)::decimal(12, 6))::decimal(12, 6)
                then
                    (
                        unit_price * (revenue_factor * (1 - percent * 0.01)::decimal(12, 6))::decimal(12, 6)
                    )::decimal(30, 18)
        end as part_price
    from listed
    where unit_price is not null

)

select
    source,
    event_id,
    occurred_at,
    usage_date,
    charge_month,
    organization_id,
    unit,
    kind,
    term_id,
    quantity_before,
    part as quantity,
    regular_price,
    part_price as price,
    case
        when unit in ('{{ hours | join("', '") }}')
            then part::decimal(18, 6) * regular_price::decimal(30, 12)
        else part::bigint * regular_price
    end::decimal(38, 18) as regular_amount,
    case
        when unit in ('{{ hours | join("', '") }}')
            then part::decimal(18, 6) * part_price::decimal(30, 12)
        else part::bigint * part_price
    end::decimal(38, 18) as amount,
    case
        when currency != revenue_currency then 'the price of a quantity band is in another currency'
        when part_price is null then 'the percentages of the terms do not combine to six places'
    end as problem
from priced
