-- First and last day on which an organisation is at least as surprising as the last case of the queue.
select
    min(usage_date) as first_seen,
    max(usage_date) as last_seen
from watch.organization_day_scores
where
    organization_id = getvariable('watch_organization')
    and surprise >= getvariable('watch_cut');
