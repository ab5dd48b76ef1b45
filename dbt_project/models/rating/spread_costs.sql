{{ config(materialized='table', schema='rating', pre_hook="{{ set_event_files() }}") }}

-- Hours of GPUs of a day, spread over the tokens that the model took in and gave out that day: one row a request of
-- the touched days. Each request gets the difference of two running shares, cut to twelve places, so the shares add
-- up to the day's whole, whatever the number of requests.
with hours as (

    select
        hours.usage_date,
        hours.provider,
        hours.model,
        hours.model_tier,
        -- Hours and price have six places each, so this is the day's cost in units of the twelfth.
        (hours.gpu_hours * 1000000)::hugeint * (hours.price_gpu_hours * 1000000)::hugeint as total
    from {{ ref('serving_hour_costs') }} as hours
    where {{ in_touched_days('usage_date') }} and hours.amount is not null

),

requests as (

    select
        e.source,
        e.event_id,
        e.occurred_at,
        hours.usage_date,
        hours.provider,
        hours.model,
        hours.model_tier,
        hours.total,
        ({{ "e." ~ buckets() | join(" + e.") }})::hugeint as tokens
    from {{ ref('stg_usage_events') }} as e
    left join {{ ref('term_organizations') }} as terms on e.organization_id = terms.organization_id
    inner join {{ ref('resolved_rates') }} as r
        on r.is_spread and {{ finds_rate("e", "terms", "r") }}
    inner join hours
        on
            e.usage_date = hours.usage_date
            and e.provider = hours.provider
            and r.cost_model = hours.model
            and e.model_tier = hours.model_tier

),

running as (

    select
        *,
        sum(tokens) over (
            partition by usage_date, provider, model, model_tier
            order by occurred_at, source, event_id
            rows unbounded preceding
        )::hugeint as tokens_after,
        sum(tokens) over (partition by usage_date, provider, model, model_tier)::hugeint as day_tokens
    from requests

)

select
    source,
    event_id,
    usage_date,
    provider,
    model,
    model_tier,
    tokens::bigint as tokens,
    (
        (total * tokens_after // day_tokens - total * (tokens_after - tokens) // day_tokens)::decimal(20, 0)
        * 0.000000000001::decimal(13, 12)
    )::decimal(38, 18) as amount
from running
where day_tokens > 0
