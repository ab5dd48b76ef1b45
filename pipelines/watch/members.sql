-- Members of a group that were active between two days, the one known longest first.
select
    organization_id,
    min(first_seen) as first_seen,
    min(usage_date) as first_active,
    max(usage_date) as last_active
from watch_days
where
    usage_date between getvariable('watch_first') and getvariable('watch_last')
    and organization_id in (select unnest(getvariable('watch_members')))
group by organization_id
order by first_seen, organization_id;
