-- The window's totals at each stage before the pages. The events are read for the shown days only.
with sums as (
    -- Added up by column before they are added up: a list for each event would take twice as long.
    select
        count(*) as requests,
        sum(columns(getvariable('buckets'))),
        sum(columns(getvariable('meters'))),
        sum(revenue_amount) filter (where coalesce(billing_currency, period.currency) = period.currency) as revenue,
        sum(cost_amount) filter (where coalesce(billing_currency, period.currency) = period.currency) as cost
    from rated_usage
    cross join period
    where
        usage_date between period.window_first - 1 and period.window_last + 1
        and charge_date between period.window_first and period.window_last
),

rated as (
    select
        requests,
        coalesce(list_sum([*columns(getvariable('buckets'))]), 0) as tokens,
        coalesce(list_sum([*columns(getvariable('meters'))]), 0) as meters,
        revenue,
        cost
    from sums
),

marts as (
    select
        sum(requests) as requests,
        sum(total_tokens) as tokens,
        sum(list_sum([*columns(getvariable('meters'))])) as meters,
        sum(revenue_amount) as revenue,
        sum(cost_amount) as cost
    from spend
)

select
    'Events after rating (rated_usage)' as stage,
    *
from rated
union all by name
select
    'Daily spend (spend_daily)' as stage,
    *
from marts
order by stage desc;
