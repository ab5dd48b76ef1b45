-- Cost that is in no sum: in another currency, or of requests that are billed in another one.
select
    cost_currency as currency,
    sum(requests - uncosted_requests) as requests,
    sum(foreign_cost) as amount
from spend
where foreign_cost is not null
group by cost_currency
order by cost_currency;
