-- Each organisation at its most surprising day, most surprising organisation first; ties go to the larger
-- unexplained output. Amounts below the middle of all unexplained amounts are not worth a reviewer's time and
-- are not queued, however much budget is left.
with days as (
    select
        *,
        greatest(unexplained_1, unexplained_7, coalesce(unexplained_28, 0)) as unexplained
    from watch.organization_day_scores
),

middle as (
    select median(unexplained) as unexplained
    from days
    where unexplained > 0
),

best as (
    select
        d.*,
        row_number() over (
            partition by d.organization_id order by d.surprise desc, d.unexplained desc, d.usage_date asc
        ) as place
    from days as d
    cross join middle as m
    -- Days that a benign decision allows, while they stay within its size and time.
    anti join watch.allowed_days as a
        on
            d.organization_id = a.organization_id
            and d.usage_date = a.usage_date
            and a.detector = 'mass_shape'
    where d.unexplained >= m.unexplained
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
