-- Amounts by day as sparse lists (index of the day in the window, value), for several groupings at once.
with by_day as (
    select
        grouping(organization_id, product_id, family) as grouping_set,
        organization_id,
        product_id,
        family,
        model_tier,
        (charge_date - (select window_first from period))::integer as day_index,
        sum(columns('^((failed_|unpriced_)?requests|(total|output)_tokens)$')),
        coalesce(sum(columns('^(revenue|cost)_amount$')), 0)::decimal(38, 18) as "\1",  -- noqa: RF05
        sum(margin_amount) as margin  -- of no request on a day: null, not 0
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
    list(columns('requests$|_tokens$|^revenue$|^cost$|^margin$') order by day_index)
from by_day
where
    (organization_id is null or organization_id in (from organization_pages))
    and (product_id is null or product_id in (from product_pages))
group by all
order by grouping_set, sum(by_day.revenue) desc, family, model_tier, organization_id, product_id;
