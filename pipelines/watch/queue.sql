-- Each organisation at its most surprising day, most surprising organisation first; ties go to the larger
-- unexplained output. Organisations without any are not queued, however much budget is left.
with days as (
    select
        *,
        greatest(unexplained_1, unexplained_7, coalesce(unexplained_28, 0)) as unexplained
    from watch.organization_day_scores
),

best as (
    select
        *,
        row_number() over (
            partition by organization_id order by surprise desc, unexplained desc, usage_date asc
        ) as place
    from days
    where unexplained > 0
)

select
    organization_id,
    usage_date,
    surprise,
    p_value
from best
where
    place = 1
    and organization_id not in (select unnest(getvariable('watch_taken')))
order by surprise desc, unexplained desc, organization_id asc
limit getvariable('watch_alerts');
