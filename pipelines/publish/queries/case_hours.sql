-- Requests of each case by hour of the day (UTC) within its flagged window.
select
    flags.case_id,
    hour(rated.occurred_at)::integer as hour_of_day,
    count(*) as requests
from case_members as flags
inner join rated_usage as rated
    on
        rated.organization_id = flags.organization_id
        and rated.usage_date between flags.first_seen and flags.last_seen
where
    rated.usage_date between (select min(first_seen) from extraction_flags)
    and (select max(last_seen) from extraction_flags)
group by flags.case_id, hour_of_day
order by flags.case_id, hour_of_day;
