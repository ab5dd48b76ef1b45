{{ config(meta={'dagster': {'ref': {'name': 'spend_daily'}}}) }}

-- Conservation, to the last digit: money and requests of the rated events of the rebuilt billing days equal
-- those of the mart. One row here is a difference.
with rated as (
    select
        count(*) as requests,
        sum(revenue_amount) as revenue_amount,
        sum(cost_amount) as cost_amount,
        count(*) filter (where revenue_amount is null) as unpriced_requests
    from {{ ref('rated_usage') }}
    where {{ in_touched_days('charge_date') }}
),

mart as (
    select
        sum(requests) as requests,
        sum(revenue_amount) as revenue_amount,
        sum(cost_amount) as cost_amount,
        sum(unpriced_requests) as unpriced_requests
    from {{ ref('spend_daily') }}
    where {{ in_touched_days('charge_date') }}
)

select rated.*
from rated
cross join mart
where
    rated.requests != coalesce(mart.requests, 0)
    or rated.revenue_amount is distinct from mart.revenue_amount
    or rated.cost_amount is distinct from mart.cost_amount
    or rated.unpriced_requests != coalesce(mart.unpriced_requests, 0)
