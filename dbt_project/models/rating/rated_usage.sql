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

events as (

    select
        e.*,
        {{ rating_flags("e") }}
    from {{ ref('stg_usage_events') }} as e

),

rated as (

    select
        {{ listed(rated_event_columns(), "e") }},
        e.usage_date,
        {{ charge_date("e.occurred_at", "settings.billing_time_zone") }} as charge_date,
        coalesce(
            r.revenue_currency,
            r.cost_currency,
            case when e.has_nothing and e.is_free then settings.reporting_currency end
        ) as billing_currency,
        case
            when bands.problem is null and (not r.is_spread_marked_up or e.has_no_tokens)
                then {{ amount("e", "revenue", "r", "rare") }} + coalesce(bands.difference, 0)
        end::decimal(38, 18) as revenue_at_rate,
        (
            {{ amount("e", "cost", "r", "rare") }}
            -- What has no tokens has no share of the hours either.
            + case when r.is_spread and not e.has_no_tokens then spread.amount else 0 end
        )::decimal(38, 18) as cost_at_rate,
        -- Looked for only where there is no amount: the alias above stands for its expression.
        case
            when revenue_at_rate is not null then null
            when r.is_spread_marked_up and not e.has_no_tokens
                then 'a mark-up cannot be taken over hours of GPUs spread over tokens'
            when bands.problem is not null then bands.problem
            else {{ no_amount_reason("e", "revenue", "r", "rare") }}
        end as unpriced_reason,
        case
            when cost_at_rate is not null then null
            when r.is_spread and spread.amount is null and not e.has_no_tokens
                then 'no hours of GPUs are known for this day'
            else {{ no_amount_reason("e", "cost", "r", "rare") }}
        end as uncosted_at_rate,
        r.rating_id,
        r.cost_currency
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

)

-- Amounts of two currencies never meet in one column: a cost in another one than the revenue stands apart.
select
    {{ listed(rated_event_columns(), "c") }},
    c.usage_date,
    c.charge_date,
    c.billing_currency,
    c.revenue_at_rate as revenue_amount,
    case when c.cost_currency is null or c.cost_currency = c.billing_currency then c.cost_at_rate end as cost_amount,
    case when c.cost_currency != c.billing_currency then c.cost_at_rate end as foreign_cost_amount,
    c.unpriced_reason,
    case
        when c.uncosted_at_rate is null and c.cost_currency != c.billing_currency
            then 'cost rate is in another currency than the revenue rate'
        else c.uncosted_at_rate
    end as uncosted_reason,
    c.rating_id
from rated as c
