{{ config(materialized='view', schema='published') }}

-- Hours of GPUs by UTC day and model: what of their cost is in the cost of requests, and what stood idle and is in
-- none, so that whoever adds up a month of serving finds all of it. The two parts always add up to the whole.
select
    hours.usage_date,
    hours.provider,
    hours.model,
    hours.model_tier,
    hours.gpu_hours,
    hours.price_gpu_hours,
    hours.currency as cost_currency,
    hours.amount as serving_amount,
    coalesce(spread.requests, 0) as requests,
    coalesce(spread.tokens, 0) as tokens,
    coalesce(spread.allocated_amount, 0)::decimal(38, 18) as allocated_amount,
    (hours.amount - coalesce(spread.allocated_amount, 0))::decimal(38, 18) as idle_amount,
    case
        when hours.amount is null then 'the card ' || settings.cost_card || ' has no price of an hour'
        when spread.tokens is null then 'no request with tokens that day'
    end as idle_reason
from {{ ref('serving_hour_costs') }} as hours
cross join {{ source('run', 'settings') }} as settings
left join {{ ref('spread_days') }} as spread using (usage_date, provider, model, model_tier)
