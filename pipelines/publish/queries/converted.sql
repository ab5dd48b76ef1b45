-- Money of the window by side and currency, in that of reports too, where there is more than one; and what has no
-- rate of exchange.
with amounts as (
    select
        charge_date,
        'revenue' as side,
        billing_currency as currency,
        requests - unpriced_requests as requests,
        revenue_amount as amount
    from spend_daily
    union all
    select
        charge_date,
        'cost' as side,
        cost_currency as currency,
        requests - uncosted_requests as requests,
        coalesce(cost_amount, foreign_cost_amount) as amount
    from spend_daily
),

by_day as (
    select
        amounts.charge_date,
        amounts.side,
        amounts.currency,
        sum(amounts.requests) as requests,
        sum(amounts.amount) as amount
    from amounts
    cross join period
    where amounts.amount is not null and amounts.charge_date between period.window_first and period.window_last
    group by amounts.charge_date, amounts.side, amounts.currency
),

reported as (
    select
        charge_date,
        'revenue' as side,
        billing_currency as currency,
        sum(reported_revenue_amount) as reported
    from spend_reported
    group by charge_date, billing_currency
    union all
    select
        charge_date,
        'cost' as side,
        cost_currency as currency,
        sum(reported_cost_amount) as reported
    from spend_reported
    group by charge_date, cost_currency
)

select
    by_day.side,
    by_day.currency,
    sum(by_day.requests) as requests,
    sum(by_day.amount) as amount,
    sum(reported.reported) as reported,
    sum(by_day.amount) filter (where reported.reported is null) as unconverted,
    count(*) filter (where reported.reported is null) as unconverted_days,
    min(by_day.charge_date) filter (where reported.reported is null) as unconverted_first,
    max(by_day.charge_date) filter (where reported.reported is null) as unconverted_last
from by_day
cross join period
left join reported
    on
        by_day.charge_date = reported.charge_date
        and by_day.side = reported.side
        and by_day.currency = reported.currency
group by by_day.side, by_day.currency, period.currency
qualify bool_or(by_day.currency != period.currency) over ()
order by by_day.side desc, by_day.currency != period.currency, by_day.currency;
