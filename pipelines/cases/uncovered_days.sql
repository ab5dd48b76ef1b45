-- Days of a group's members, from its first to its last, that no note covers.
select count(*) as days
from marts.activity_daily as a
anti join watch.allowed_days as n
    on
        a.organization_id = n.organization_id
        and a.usage_date = n.usage_date
        and n.detector = getvariable('watch_detector')
where
    a.usage_date between getvariable('watch_first_day') and getvariable('watch_last_day')
    and list_contains(getvariable('watch_members'), a.organization_id);
