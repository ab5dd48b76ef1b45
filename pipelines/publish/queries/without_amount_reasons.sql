-- The reason given for each model without an amount, by side, and one of its requests, read from its newest day only.
with newest as (
    select
        'revenue' as side,
        provider,
        model,
        model_tier,
        service_tier,
        max(charge_date) as charge_date
    from spend_daily
    where unpriced_requests > 0
    group by all
    union all
    select
        'cost' as side,
        provider,
        model,
        model_tier,
        service_tier,
        max(charge_date) as charge_date
    from spend_daily
    where uncosted_requests > 0
    group by all
),

touched_days as (
    -- a billing day lies within the UTC days around it
    select distinct unnest([charge_date - 1, charge_date, charge_date + 1]) as usage_date
    from newest
),

reasons as (
    select
        rated.provider,
        rated.model,
        rated.model_tier,
        rated.service_tier,
        rated.charge_date,
        rated.event_id,
        unnest([  -- noqa: AL03
            { 'side': 'revenue', 'reason': rated.unpriced_reason },
            -- A cost in another currency is known, and counted elsewhere.
            {
                'side': 'cost',
                'reason': case when rated.foreign_cost_amount is null then rated.uncosted_reason end
            }
        ], recursive := true)
    from rated_usage as rated
    where
        rated.usage_date in (select touched_days.usage_date from touched_days)
        and (rated.unpriced_reason is not null or rated.uncosted_reason is not null)
)

select
    newest.side,
    newest.provider,
    newest.model,
    newest.model_tier,
    newest.service_tier,
    min(reasons.reason) as reason,
    arg_min(reasons.event_id, reasons.reason || '/' || reasons.event_id) as event_id
from reasons
inner join newest
    on
        newest.side = reasons.side
        and newest.provider = reasons.provider
        and newest.model = reasons.model
        and newest.model_tier = reasons.model_tier
        and newest.service_tier = reasons.service_tier
        and newest.charge_date = reasons.charge_date
where reasons.reason is not null
group by all
order by all;
