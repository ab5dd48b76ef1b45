{{ config(
    materialized='incremental',
    incremental_strategy='replace_days',
    unique_key='usage_date',
    on_schema_change='fail',
    pre_hook="{{ set_event_files() }}"
) }}

-- What tuned models were used for by UTC day and billing day, and what the same tokens would have come to at the base
-- model's rate: of the card that rated the request, in force at its own instant, under the same percentages (terms name
-- base models, so they are the same). Allowances and tariffs by quantity are left out of that comparison on both sides.
with tuned as (

    select
        e.*,
        {{ rating_flags("e") }},
        rated.charge_date,
        rated.revenue_amount,
        rated.billing_currency,
        ratings.revenue_rate_id,
        ratings.revenue_factor,
        case
            when e.training_tokens > 0 or e.training_hours > 0 or e.operation = 'fine_tuning' then 'training'
            when e.hosting_hours > 0 or e.operation = 'hosting' then 'hosting'
            else 'usage'
        end as purpose
    from {{ ref('stg_usage_events') }} as e
    inner join {{ ref('rated_usage') }} as rated
        on e.usage_date = rated.usage_date and e.source = rated.source and e.event_id = rated.event_id
    inner join {{ ref('ratings') }} as ratings on rated.rating_id = ratings.rating_id
    where
        e.model_tier = 'fine_tuned'
        and rated.model_tier = 'fine_tuned'
        and rated.usage_date in (select days.usage_date from {{ source('run', 'touched_days') }} as days)

),

bands as (

    select
        source,
        event_id,
        sum(amount - regular_amount)::decimal(38, 18) as difference
    from {{ ref('monthly_bands') }}
    where {{ in_touched_days('usage_date') }}
    group by source, event_id

),

-- Of the base model's rate sets of the same card, tier and currency: those of the request's region before any region's.
base_rates as (

    select
        {%- for unit in units() if unit.unit != "gpu_hour" %}
            ({{ rate_price(unit, "base") }} * tuned.revenue_factor)::{{ adjusted_type(unit) }}
                as base_{{ unit.quantity }},
        {%- endfor %}
        base.rate_id as base_rate_id,
        null::varchar as base_reason,
        tuned.source,
        tuned.event_id
    from tuned
    inner join {{ ref('price_rates') }} as own on tuned.revenue_rate_id = own.rate_id
    inner join {{ ref('price_rates') }} as base
        on
            own.card = base.card
            and own.currency = base.currency
            and tuned.provider = base.provider
            and tuned.base_model = base.model
            and base.model_tier = 'base'
            and tuned.service_tier = base.service_tier
            and base.region in ('', coalesce(tuned.region, ''))
            and tuned.occurred_at >= base.valid_from
            and tuned.occurred_at < base.valid_to
            and coalesce(tuned.raw_input_tokens, 0) >= base.context_from
            and coalesce(tuned.raw_input_tokens, 0) < base.context_to
    where tuned.purpose = 'usage'
    qualify
        row_number() over (partition by tuned.source, tuned.event_id order by base.region desc) = 1

),

compared as (

    select
        tuned.usage_date,
        tuned.charge_date,
        tuned.provider,
        tuned.model,
        tuned.base_model,
        tuned.organization_id,
        tuned.billing_currency,
        tuned.purpose,
        tuned.occurred_at,
        ({{ "tuned." ~ buckets() | join(" + tuned.") }}) as tokens,
        tuned.training_tokens,
        tuned.training_hours,
        tuned.hosting_hours,
        tuned.revenue_amount,
        (tuned.revenue_amount - coalesce(bands.difference, 0))::decimal(38, 18) as regular_amount,
        case
            when tuned.purpose = 'usage' and tuned.revenue_amount is not null
                then {{ amount("tuned", "base", "base_rates", "base_rates") }}
        end::decimal(38, 18) as base_amount,
        case
            when tuned.purpose != 'usage' then null
            when tuned.revenue_amount is null then 'the tuned model itself has no amount'
            when base_rates.base_rate_id is null
                then 'no rate of the base model on the same card, in its service tier and currency, at this instant'
            else {{ no_amount_reason("tuned", "base", "base_rates", "base_rates") }}
        end as base_reason
    from tuned
    left join base_rates on tuned.source = base_rates.source and tuned.event_id = base_rates.event_id
    left join bands on tuned.source = bands.source and tuned.event_id = bands.event_id

)

select
    usage_date,
    charge_date,
    provider,
    model,
    base_model,
    organization_id,
    billing_currency,
    min(occurred_at) filter (where purpose = 'usage') as first_at,
    max(occurred_at) filter (where purpose = 'usage') as last_at,
    count(*) filter (where purpose = 'usage') as usage_requests,
    coalesce(sum(tokens) filter (where purpose = 'usage'), 0)::bigint as usage_tokens,
    (sum(revenue_amount) filter (where purpose = 'usage'))::decimal(38, 18) as usage_amount,
    count(*) filter (where purpose = 'training') as training_jobs,
    sum(training_tokens)::bigint as training_tokens,
    sum(training_hours)::decimal(38, 6) as training_hours,
    (sum(revenue_amount) filter (where purpose = 'training'))::decimal(38, 18) as training_amount,
    sum(hosting_hours)::decimal(38, 6) as hosting_hours,
    (sum(revenue_amount) filter (where purpose = 'hosting'))::decimal(38, 18) as hosting_amount,
    count(*) filter (where revenue_amount is null) as unpriced_requests,
    count(*) filter (where base_amount is not null) as compared_requests,
    coalesce(sum(tokens) filter (where base_amount is not null), 0)::bigint as compared_tokens,
    (sum(regular_amount) filter (where base_amount is not null))::decimal(38, 18) as compared_amount,
    sum(base_amount)::decimal(38, 18) as base_amount,
    min(base_reason) filter (where base_amount is null) as base_reason
from compared
group by usage_date, charge_date, provider, model, base_model, organization_id, billing_currency
