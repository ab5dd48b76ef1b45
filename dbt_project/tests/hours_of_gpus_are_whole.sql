{{ config(meta={'dagster': {'ref': {'name': 'serving_days'}}}) }}

-- A day of hours of GPUs is in the cost of requests to the last digit, or it is idle; and no request has a share of
-- hours that are not there. One row here is a difference.
select
    usage_date,
    provider,
    model,
    model_tier,
    hours.serving_amount,
    spread.allocated_amount
from {{ ref('serving_days') }} as hours
full join {{ ref('spread_days') }} as spread using (usage_date, provider, model, model_tier)
where
    hours.usage_date is null
    or spread.allocated_amount is distinct from hours.serving_amount
    and spread.usage_date is not null
