{{ config(alias='rated_usage') }}

select
    {{ listed(rated_event_columns(), "rated") }},
    rated.usage_date,
    rated.charge_date,
    rated.billing_currency,
    rated.revenue_amount,
    rated.cost_amount,
    -- Of a cost that is not known nothing is said: neither does spend_daily.
    case when rated.cost_amount is not null or rated.foreign_cost_amount is not null then ratings.cost_currency end
        as cost_currency,
    rated.foreign_cost_amount,
    rated.unpriced_reason,
    rated.uncosted_reason,
    ratings.revenue_rate_id,
    ratings.cost_rate_id,
    ratings.revenue_factor,
    ratings.cost_factor,
    ratings.revenue_terms,
    ratings.cost_terms
from {{ ref('rated_usage') }} as rated
inner join {{ ref('ratings') }} as ratings on rated.rating_id = ratings.rating_id
