-- Days of a case: those within the case gap of its most surprising day that are among the most surprising
-- tenth of all organisation-days. The sums over 7 and 28 days may draw the last one out a little.
select
    min(usage_date) as first_seen,
    max(usage_date) as last_seen
from watch.organization_day_scores
where
    organization_id = getvariable('watch_organization')
    and usage_date between getvariable('watch_day') - getvariable('watch_gap_days')
    and getvariable('watch_day') + getvariable('watch_gap_days')
    and (p_value <= getvariable('watch_tenth') or usage_date = getvariable('watch_day'));
