-- Every calendar month there is data for, whatever window the pages show.
with marked as (
    select
        daily.*,
        coalesce(daily.billing_currency, period.currency) != period.currency as is_foreign
    from all_spend_daily as daily
    cross join period
)

select
    date_trunc('month', charge_date)::date as month,
    sum(columns('^(requests|total_tokens|unpriced_requests)$')),
    count(distinct organization_id) as organizations,
    coalesce(sum(requests - unpriced_requests) filter (where is_foreign), 0) as foreign_requests,
    string_agg(distinct billing_currency, ', ' order by billing_currency) filter (
        where is_foreign and requests > unpriced_requests
    ) as foreign_currencies,
    sum(columns('^(revenue|cost|margin|margin_revenue)_amount$')) filter (
        where not is_foreign
    ) as "\1"  -- noqa: RF05
from marked
group by month
order by month;
