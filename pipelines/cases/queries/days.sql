-- Each organisation's days from the weeks before the case to its end; others appear as a percentile only: the share of
-- active organisations with less output that day, equal ones counted half.
with ranked as (
    select
        usage_date,
        organization_id,
        requests,
        output_tokens,
        50 * (
            percent_rank() over (partition by usage_date order by output_tokens)
            + cume_dist() over (partition by usage_date order by output_tokens)
        ) as percentile
    from activity_daily
    where usage_date between getvariable('history_from') and getvariable('last_seen')
)

select
    organization_id,
    usage_date,
    usage_date >= getvariable('first_seen') as in_case,
    requests,
    output_tokens,
    round(percentile, 1) as peer_percentile
from ranked
where organization_id in (select organization_id from case_members)
order by organization_id, usage_date;
