-- Hours of GPUs by model and currency, in the window of the pages (`shown`) and on the days before and after it: what
-- of their cost is in that of requests, and what stood idle. An hour has a UTC day; it is held against the window's
-- billing days. Hours without a price are spread over nothing: they stood idle where no request of that UTC day used
-- the model under any of its names.
with unpriced_days as (
    select
        usage_date,
        provider,
        model,
        model_tier
    from serving_days
    where serving_amount is null
),

names as (
    select distinct
        provider,
        model as family,
        priced_as
    from price_rates
),

requests as (
    select
        usage_date,
        provider,
        model_tier,
        coalesce(nullif(base_model, ''), model) as family,
        list_sum([*columns(getvariable('buckets'))]) as tokens
    from rated_usage
    where usage_date in (select unpriced_days.usage_date from unpriced_days)
),

used_days as (
    select distinct
        unpriced_days.*,
        true as is_used
    from requests
    left join names on requests.provider = names.provider and requests.family = names.family
    inner join unpriced_days
        on
            requests.usage_date = unpriced_days.usage_date
            and requests.provider = unpriced_days.provider
            and requests.model_tier = unpriced_days.model_tier
            and unpriced_days.model in (requests.family, names.priced_as)
    where requests.tokens > 0
),

hours as (
    select
        serving_days.*,
        case
            when serving_days.usage_date < period.window_first then 'before'
            when serving_days.usage_date > period.window_last then 'after'
            else 'shown'
        end as span,
        case when serving_days.serving_amount is null then used_days.is_used is null else tokens = 0 end as is_idle
    from serving_days
    cross join period
    left join used_days using (usage_date, provider, model, model_tier)
)

select
    span,
    provider,
    model,
    model_tier,
    cost_currency as currency,
    min(usage_date) as first_day,
    max(usage_date) as last_day,
    sum(gpu_hours) as gpu_hours,
    coalesce(sum(gpu_hours) filter (where is_idle), 0) as idle_hours,
    sum(serving_amount) as serving_amount,
    sum(allocated_amount) as allocated_amount,
    sum(idle_amount) as idle_amount,
    min(idle_reason) filter (where serving_amount is null) as unpriced_reason
from hours
group by span, provider, model, model_tier, cost_currency
order by span, idle_amount desc nulls first, provider, model, model_tier, currency;
