-- The reason given for each unpriced model, and one of its requests, read from its newest day only.
with newest as (
    select
        provider,
        model,
        model_tier,
        service_tier,
        max(charge_date) as charge_date
    from spend_daily
    where unpriced_requests > 0
    group by all
),

touched_days as (
    -- a billing day lies within the UTC days around it
    select distinct unnest([charge_date - 1, charge_date, charge_date + 1]) as usage_date
    from newest
)

select
    newest.provider,
    newest.model,
    newest.model_tier,
    newest.service_tier,
    min(rated.unpriced_reason) as reason,
    arg_min(rated.event_id, rated.unpriced_reason || '/' || rated.event_id) as event_id
from rated_usage as rated
inner join newest
    on
        newest.provider = rated.provider
        and newest.model = rated.model
        and newest.model_tier = rated.model_tier
        and newest.service_tier = rated.service_tier
        and newest.charge_date = rated.charge_date
where
    rated.unpriced_reason is not null
    and rated.usage_date in (from touched_days)
group by all
order by all;
