{{ config(
    materialized='incremental',
    incremental_strategy='replace_days',
    unique_key='usage_date',
    on_schema_change='fail',
    schema='marts',
    pre_hook="{{ set_event_files() }}"
) }}

-- The event with its two amounts, or the reason why it has none. The rate is the one of the exact model and tiers in
-- force at the event's own instant, under the terms of the organisation; a tuned model never falls back to its base.
with settings as (

    select
        billing_time_zone,
        reporting_currency
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

rated as (

    select
        {{ listed(rated_event_columns(), "e") }},
        e.usage_date,
        {{ charge_date("e.occurred_at", "settings.billing_time_zone") }} as charge_date,
        settings.reporting_currency,
        {{ used_nothing("e") }} as is_nothing,
        case
            when bands.problem is null and (not r.is_spread_marked_up or {{ counts_no_tokens("e") }})
                then {{ amount("e", "revenue", "r", "rare") }} + coalesce(bands.difference, 0)
        end::decimal(38, 18) as revenue_at_rate,
        case
            -- What has no tokens has no share of the hours either.
            when not r.is_spread or {{ counts_no_tokens("e") }} then {{ amount("e", "cost", "r", "rare") }}
            else {{ amount("e", "cost", "r", "rare") }} + spread.amount
        end::decimal(38, 18) as cost_at_rate,
        case
            when r.is_spread_marked_up and not {{ counts_no_tokens("e") }}
                then 'a mark-up cannot be taken over hours of GPUs spread over tokens'
            when bands.problem is not null then bands.problem
            else {{ no_amount_reason("e", "revenue", "r", "rare") }}
        end as revenue_reason,
        case
            when r.is_spread and spread.amount is null and not {{ counts_no_tokens("e") }}
                then 'no hours of GPUs are known for this day'
            else {{ no_amount_reason("e", "cost", "r", "rare") }}
        end as cost_reason,
        r.rating_id,
        r.revenue_currency,
        r.cost_currency
    from {{ ref('stg_usage_events') }} as e
    cross join settings
    left join {{ ref('term_organizations') }} as terms on e.organization_id = terms.organization_id
    inner join {{ ref('resolved_rates') }} as r on {{ finds_rate("e", "terms", "r") }}
    left join {{ ref('resolved_rates') }} as rare
        on case when {{ has_rare("e") }} then r.cell end = rare.cell
    left join bands
        on r.has_bands and e.source = bands.source and e.event_id = bands.event_id
    left join {{ ref('spread_costs') }} as spread
        on r.is_spread and e.source = spread.source and e.event_id = spread.event_id

),

-- Amounts of two currencies never meet in one column: a cost in another one than the revenue stands apart.
currencies as (

    select
        *,
        coalesce(revenue_currency, cost_currency, case when is_nothing then reporting_currency end)
            as billing_currency
    from rated

)

select
    {{ listed(rated_event_columns(), "c") }},
    c.usage_date,
    c.charge_date,
    c.billing_currency,
    c.revenue_at_rate as revenue_amount,
    case when c.cost_currency is null or c.cost_currency = c.billing_currency then c.cost_at_rate end as cost_amount,
    case when c.cost_currency != c.billing_currency then c.cost_at_rate end as foreign_cost_amount,
    case when c.revenue_at_rate is null then c.revenue_reason end as unpriced_reason,
    case
        when c.cost_at_rate is null then c.cost_reason
        when c.cost_currency != c.billing_currency then 'cost rate is in another currency than the revenue rate'
    end as uncosted_reason,
    c.rating_id
from currencies as c
