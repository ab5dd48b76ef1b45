-- Amounts by day as sparse lists (index of the day in the window, value), for several groupings at once.
with by_day as (
    select
        grouping(organization_id, product_id, family) as grouping_set,
        organization_id,
        product_id,
        family,
        model_tier,
        (charge_date - (select window_first from period))::integer as day_index,
        sum(requests)::bigint as requests,
        sum(failed_requests)::bigint as failed_requests,
        sum(total_tokens)::bigint as total_tokens,
        sum(output_tokens)::bigint as output_tokens,
        sum(unpriced_requests)::bigint as unpriced_requests,
        coalesce(sum(revenue_amount), 0)::decimal(38, 12) as revenue,
        coalesce(sum(cost_amount), 0)::decimal(38, 12) as cost
    from spend
    group by grouping sets (
        (charge_date),
        (charge_date, organization_id),
        (charge_date, product_id),
        (charge_date, family, model_tier),
        (charge_date, organization_id, family, model_tier),
        (charge_date, product_id, family, model_tier)
    )
)

select
    grouping_set,
    organization_id,
    product_id,
    family,
    model_tier,
    list(day_index order by day_index) as days,
    list(requests order by day_index) as requests,
    list(failed_requests order by day_index) as failed_requests,
    list(total_tokens order by day_index) as total_tokens,
    list(output_tokens order by day_index) as output_tokens,
    list(unpriced_requests order by day_index) as unpriced_requests,
    list(revenue order by day_index) as revenue,
    list(cost order by day_index) as cost
from by_day
where
    (organization_id is null or organization_id in (from organization_pages))
    and (product_id is null or product_id in (from product_pages))
group by all
order by grouping_set, sum(revenue) desc, family, model_tier, organization_id, product_id;
