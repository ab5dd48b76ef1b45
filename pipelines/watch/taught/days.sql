-- Days of a case: those of the same detector within the case gap of its highest day that score nearly as high.
select
    min(usage_date) as first_seen,
    max(usage_date) as last_seen
from watch_taught
where
    detector = getvariable('watch_detector')
    and organization_id = getvariable('watch_organization')
    and usage_date between getvariable('watch_day') - getvariable('watch_gap_days')
    and getvariable('watch_day') + getvariable('watch_gap_days')
    and log_odds >= getvariable('watch_least');
