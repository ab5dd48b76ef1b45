-- Each organisation at its highest score of all taught detectors, highest first. The p-value is conformal: the share of
-- scored organisation-days with as high a score, itself included. Parameters: alerts, taken, left_out.
with days as (
    select
        t.*,
        row_number() over (
            partition by t.usage_date, t.organization_id order by t.log_odds desc, t.detector asc, t.usage_hour asc
        ) as place
    from watch_taught as t
    -- Days that a benign decision allows, while they stay within its size and time.
    anti join watch.allowed_days as a
        on
            t.organization_id = a.organization_id
            and t.usage_date = a.usage_date
            and t.detector = a.detector
    where t.detector != getvariable('watch_left_out')
),

scored as (
    select count(*) as organization_days
    from watch_organizations
    where usage_date >= getvariable('watch_first_scored')
),

ranked as (
    select
        days.* exclude (place),
        (count(*) over (order by log_odds desc)) / (s.organization_days + 1) as p_value,
        row_number() over (
            partition by organization_id order by log_odds desc, usage_date asc, detector asc
        ) as place
    from days
    cross join scored as s
    where place = 1
)

select * exclude (place)
from ranked
where
    place = 1
    -- Less likely a campaign's than an honest one's where both are equally common: not worth a reviewer's time.
    and log_odds > 0
    and organization_id not in (select unnest(getvariable('watch_taken')))
order by log_odds desc, organization_id asc
limit getvariable('watch_alerts');
