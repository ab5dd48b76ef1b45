{{ config(
    materialized='incremental',
    incremental_strategy='replace_days',
    unique_key='usage_date',
    on_schema_change='fail',
    schema='marts',
    pre_hook="{{ set_event_files() }}"
) }}

-- What each request came to on both sides, or the reason why it has no amount. The rate is the one of the exact model
-- and tiers in force at the event's own instant, under the terms of the organisation; a tuned model never falls back to
-- its base. What requests with the same rating_id have in common stands in ratings, once.
with settings as (

    select billing_time_zone
    from {{ source('run', 'settings') }}

),

bands as (

    select
        source,
        event_id,
        sum(amount - regular_amount)::decimal(38, 18) as difference,
        min(problem) as problem
    from {{ ref('monthly_bands') }}
    where {{ in_touched_days('usage_date') }}
    group by source, event_id

),

events as (

    select
        e.*,
        {{ rating_flags("e") }}
    from {{ ref('stg_usage_events') }} as e

)

select
    {{ listed(request_columns(), "e") }},
    e.usage_date,
    {{ charge_date("e.occurred_at", "settings.billing_time_zone") }} as charge_date,
    case
        when bands.problem is null and (not r.is_spread_marked_up or e.has_no_tokens)
            then {{ amount("e", "revenue", "r", "rare") }} + coalesce(bands.difference, 0)
    end::decimal(38, 18) as revenue_amount,
    (
        {{ amount("e", "cost", "r", "rare") }}
        -- What has no tokens has no share of the hours either.
        + case when r.is_spread and not e.has_no_tokens then spread.amount else 0 end
    )::decimal(38, 18) as cost_amount,
    -- Looked for only where there is no amount: the alias above stands for its expression.
    case
        when revenue_amount is not null then null
        when r.is_spread_marked_up and not e.has_no_tokens
            then 'a mark-up cannot be taken over hours of GPUs spread over tokens'
        when bands.problem is not null then bands.problem
        else {{ no_amount_reason("e", "revenue", "r", "rare") }}
    end as unpriced_reason,
    case
        when cost_amount is not null then null
        when r.is_spread and spread.amount is null and not e.has_no_tokens
            then 'no hours of GPUs are known for this day'
        else {{ no_amount_reason("e", "cost", "r", "rare") }}
    end as uncosted_reason,
    r.rating_id
from events as e
cross join settings
left join {{ ref('term_organizations') }} as terms on e.organization_id = terms.organization_id
inner join {{ ref('resolved_rates') }} as r on {{ finds_rate("e", "terms", "r") }}
left join {{ ref('resolved_rates') }} as rare
    on case when e.has_rare then r.cell end = rare.cell
left join bands
    on r.has_bands and e.source = bands.source and e.event_id = bands.event_id
left join {{ ref('spread_costs') }} as spread
    on r.is_spread and e.source = spread.source and e.event_id = spread.event_id
