{{ config(materialized='ephemeral') }}

-- What the hours of GPUs of a UTC day cost: hours x the price of an hour in force when the day began. Hours of an alias
-- are those of the model that it stood for then. The amount is null where the cost card has no such price.
select
    hours.usage_date,
    hours.provider,
    coalesce(rates.priced_as, hours.model) as model,
    hours.model_tier,
    sum(hours.gpu_hours)::decimal(18, 6) as gpu_hours,
    rates.currency,
    rates.price_gpu_hours,
    (sum(hours.gpu_hours)::decimal(18, 6) * rates.price_gpu_hours)::decimal(36, 12) as amount
from {{ source('run', 'serving_hours') }} as hours
cross join {{ source('run', 'settings') }} as settings
left join {{ ref('price_rates') }} as rates
    on
        settings.cost_card = rates.card
        and hours.provider = rates.provider
        and hours.model = rates.model
        and hours.model_tier = rates.model_tier
        and rates.service_tier = 'standard'
        and rates.region = ''
        and rates.context_from = 0
        and hours.usage_date >= rates.valid_from
        and hours.usage_date < rates.valid_to
        and rates.price_gpu_hours is not null
group by
    hours.usage_date,
    hours.provider,
    coalesce(rates.priced_as, hours.model),
    hours.model_tier,
    rates.currency,
    rates.price_gpu_hours
