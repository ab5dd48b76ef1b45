-- The window's totals at each stage before the pages. The events are read for the shown days only.
with rated as (
    select
        count(*) as requests,
        coalesce(
            sum(
                rated.input_tokens + rated.cached_input_tokens + rated.cache_write_5m_tokens
                + rated.cache_write_1h_tokens + rated.audio_input_tokens + rated.output_tokens
                + rated.audio_output_tokens + rated.training_tokens
            ), 0
        )::bigint as tokens,
        sum(rated.revenue_amount) filter (
            where coalesce(rated.billing_currency, period.currency) = period.currency
        ) as revenue,
        sum(rated.cost_amount) filter (
            where coalesce(rated.billing_currency, period.currency) = period.currency
        ) as cost
    from rated_usage as rated
    cross join period
    where
        rated.usage_date between period.window_first - 1 and period.window_last + 1
        and rated.charge_date between period.window_first and period.window_last
),

marts as (
    select
        sum(requests)::bigint as requests,
        sum(total_tokens)::bigint as tokens,
        sum(revenue_amount) as revenue,
        sum(cost_amount) as cost
    from spend
)

select
    'Events after rating (rated_usage)' as stage,
    requests,
    tokens,
    revenue,
    cost
from rated
union all by name
select
    'Daily spend (spend_daily)' as stage,
    requests,
    tokens,
    revenue,
    cost
from marts
order by stage desc;
