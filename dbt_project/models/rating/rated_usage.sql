{{ config(materialized='view', schema='marts') }}

-- The event with its two amounts, or the reason why it has none. Amounts of two currencies never meet in one column: a
-- cost in another one than the revenue stands apart.
with requests as (

    select
        {{ listed(request_columns(), "amounts") }},
        {{ listed(rating_columns(), "ratings") }},
        amounts.usage_date,
        amounts.charge_date,
        amounts.revenue_amount,
        amounts.cost_amount,
        amounts.unpriced_reason,
        amounts.uncosted_reason,
        amounts.rating_id,
        {{ billing_currency("ratings", "amounts.revenue_amount is not null", "settings") }} as billing_currency,
        coalesce(ratings.revenue_currency != ratings.cost_currency, false) as is_foreign
    from {{ ref('rated_amounts') }} as amounts
    inner join {{ ref('ratings') }} as ratings on amounts.rating_id = ratings.rating_id
    cross join {{ source('run', 'settings') }} as settings

)

select
    {{ listed(rated_event_columns(), "requests") }},
    usage_date,
    charge_date,
    billing_currency,
    revenue_amount,
    case when not is_foreign then cost_amount end as cost_amount,
    case when is_foreign then cost_amount end as foreign_cost_amount,
    unpriced_reason,
    case
        when is_foreign and uncosted_reason is null then 'cost rate is in another currency than the revenue rate'
        else uncosted_reason
    end as uncosted_reason,
    rating_id
from requests
