-- Usage of the models in listed_apart, by the model that each request was priced as; of the same days as the others'.
insert into listed_usage by name
with day_lines as (
    select distinct
        charge_date,
        organization_id,
        product_id,
        provider,
        model,
        family,
        model_tier,
        service_tier,
        apart.is_moved
    from spend
    inner join listed_apart as apart using (provider, family)
    where unpriced_requests = 0 and not is_foreign
),

answered as (
    select distinct
        events.source,
        events.event_id
    from usage_events as events
    cross join period
    where
        events.gateway_cache_hit
        -- a billing day lies within the UTC days around it
        and events.usage_date between period.window_first - 1 and period.window_last + 1
        and (events.provider, coalesce(nullif(events.base_model, ''), events.model)) in (
            select (apart.provider, apart.family) from listed_apart as apart
        )
),

rates as (
    select distinct
        rate_id,
        priced_as
    from price_rates
),

used as (
    select
        day_lines.provider,
        day_lines.family,
        coalesce(case when day_lines.is_moved then rates.priced_as end, day_lines.family) as priced_as,
        day_lines.model_tier,
        day_lines.is_moved,
        rated.* exclude (provider, model_tier),
        (coalesce(rated.status, 0) < 400 and answered.event_id is null)::integer as requests
    from rated_usage as rated
    cross join period
    inner join day_lines
        on
            rated.charge_date = day_lines.charge_date
            and rated.organization_id = day_lines.organization_id
            and coalesce(rated.product_id, '(none)') = day_lines.product_id
            and rated.provider = day_lines.provider
            and rated.model = day_lines.model
            and rated.model_tier = day_lines.model_tier
            and rated.service_tier is not distinct from day_lines.service_tier
    left join answered on rated.source = answered.source and rated.event_id = answered.event_id
    left join rates on rated.revenue_rate_id = rates.rate_id
    where
        rated.usage_date between period.window_first - 1 and period.window_last + 1
        and rated.revenue_amount is not null
        and rated.billing_currency = period.currency
)

select
    provider,
    family,
    priced_as,
    model_tier,
    bool_or(is_moved) as is_moved,
    sum(list_sum([*columns(getvariable('buckets'))]))::hugeint as tokens,
    sum(revenue_amount)::decimal(38, 18) as revenue,
    sum(columns(getvariable('quantities')))::decimal(38, 6)
from used
group by provider, family, priced_as, model_tier;
