-- Organisation-days within the cap of a note that had not ended by then.
insert into watch.allowed_days
select distinct
    n.detector,
    a.organization_id,
    a.usage_date
from marts.activity_daily as a
inner join watch.allow_notes as n on a.organization_id = n.organization_id
where a.usage_date <= n.until and a.output_tokens <= n.cap_output_tokens_per_day;
