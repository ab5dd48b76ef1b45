-- Every calendar month there is data for, whatever window the pages show.
select
    date_trunc('month', daily.charge_date)::date as month,
    sum(daily.requests)::bigint as requests,
    sum(daily.total_tokens)::bigint as total_tokens,
    sum(daily.unpriced_requests)::bigint as unpriced_requests,
    count(distinct daily.organization_id) as organizations,
    sum(daily.revenue_amount) filter (where coalesce(daily.billing_currency, period.currency) = period.currency)
        as revenue,
    sum(daily.cost_amount) filter (where coalesce(daily.billing_currency, period.currency) = period.currency)
        as cost,
    sum(daily.margin_amount) filter (where coalesce(daily.billing_currency, period.currency) = period.currency)
        as margin,
    sum(daily.margin_revenue_amount) filter (
        where coalesce(daily.billing_currency, period.currency) = period.currency
    ) as margin_revenue
from spend_daily as daily
cross join period
group by month
order by month;
