-- What is billed in another currency than that of the amounts: by currency, for all, each organisation and product.
select
    organization_id,
    product_id,
    billing_currency as currency,
    sum(foreign_requests) as requests,
    sum(foreign_revenue) as amount
from spend
where foreign_requests > 0
group by grouping sets ((billing_currency), (organization_id, billing_currency), (product_id, billing_currency))
order by organization_id, product_id, currency;
