-- Money by billing currency over all days: what the totals in the reporting currency leave out.
select
    billing_currency,
    sum(requests)::bigint as requests,
    sum(revenue_amount) as revenue,
    sum(cost_amount) as cost
from spend_daily
where revenue_amount is not null or cost_amount is not null
group by billing_currency
order by billing_currency;
