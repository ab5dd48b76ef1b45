-- Organisations drawn from those judged in the week and in no case, in the order of a salted hash.
with weeks as (
    select
        organization_id,
        date_trunc('week', usage_date)::date as week,
        min(usage_date) as first_seen,
        max(usage_date) as last_seen,
        min(p_value) as p_value
    from watch.organization_day_scores
    group by organization_id, week
),

chosen as (
    select coalesce(max(week) filter (where week + 6 <= getvariable('watch_last_day')), max(week)) as week from weeks
),

queued as (
    select organization_id from watch.extraction_flags
    union
    select unnest(from_json(linked_organizations, '["VARCHAR"]')) as organization_id from watch.extraction_flags
),

frame as (
    select w.*
    from weeks as w
    inner join chosen as c on w.week = c.week
    anti join queued as q on w.organization_id = q.organization_id
)

select
    organization_id,
    week,
    first_seen,
    last_seen,
    p_value,
    count(*) over () as organizations
from frame
order by sha256(getvariable('watch_salt') || chr(31) || organization_id || chr(31) || week::varchar), organization_id
limit getvariable('watch_size');
