-- All sums of the window by several groupings at once; `grouping_set` says which keys a row has, its bits from high
-- to low: organization_id, product_id, provider and family and tier, service_tier. What is inside an organisation or
-- a product is kept where that has a page.
select
    grouping(organization_id, product_id, family, service_tier) as grouping_set,
    organization_id,
    product_id,
    provider,
    family,
    model_tier,
    service_tier,
    sum(columns('^requests$|_(requests|tokens|calls|hours)$')),
    sum(columns('^(revenue|cost|margin|margin_revenue|revenue_only|cost_only|beside)_amount$')) as "\1",  -- noqa: RF05
    coalesce(
        sum(columns('^((failed_)?requests|(total|priced)_tokens)$')) filter (where is_current), 0
    ) as "current_\0",  -- noqa: RF05
    coalesce(
        sum(columns('^((failed_)?requests|(total|priced)_tokens)$')) filter (where is_prior), 0
    ) as "prior_\0",  -- noqa: RF05
    coalesce(
        sum(columns('^(revenue|cost|margin|beside)_amount$')) filter (where is_current), 0
    )::decimal(38, 18) as "current_\1",  -- noqa: RF05
    coalesce(
        sum(columns('^(revenue|cost|margin|beside)_amount$')) filter (where is_prior), 0
    )::decimal(38, 18) as "prior_\1",  -- noqa: RF05
    string_agg(distinct foreign_currency, ', ' order by foreign_currency) as foreign_currencies,
    min(charge_date) as first_day,
    max(charge_date) as last_day
from spend
group by
    grouping sets (
        (),
        (organization_id),
        (product_id),
        (provider, family, model_tier),
        (provider, family, model_tier, service_tier),
        (organization_id, product_id),
        (organization_id, provider, family, model_tier),
        (product_id, provider, family, model_tier)
    )
having
    grouping_set in (15, 7, 11, 13, 12)
    or organization_id in (from organization_pages)
    or product_id in (from product_pages)
order by
    grouping_set, revenue desc nulls last, requests desc,
    organization_id, product_id, provider, family, model_tier, service_tier;
