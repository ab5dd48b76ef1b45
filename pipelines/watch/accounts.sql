-- Accounts whose rhythm is compared in the week that ends on last_day: small ones (no more requests than the
-- middle account of that week) and new ones (first seen within new_days days), with enough requests to have
-- a rhythm at all. The largest of the others serve as benchmark for what everybody does at once.
create or replace temp table watch_accounts as
with week as (
    select
        organization_id,
        min(first_seen) as first_seen,
        bool_or(age_is_censored) as age_is_censored,
        sum(requests) as requests
    from watch_days
    where usage_date between getvariable('watch_last_day') - 6 and getvariable('watch_last_day')
    group by organization_id
),

middle as (
    select median(requests) as requests from week
),

judged as (
    select
        w.organization_id,
        w.requests,
        w.first_seen,
        w.requests >= getvariable('watch_least_requests')
        and (
            w.requests <= m.requests
            or (
                not w.age_is_censored
                and w.first_seen > getvariable('watch_last_day') - getvariable('watch_new_days')
            )
        ) as compared
    from week as w
    cross join middle as m
),

compared as (
    select
        organization_id,
        'compared' as part,
        row_number() over (order by first_seen desc, requests desc, organization_id asc) as place
    from judged
    where compared
),

benchmark as (
    select
        organization_id,
        'benchmark' as part,
        row_number() over (order by requests desc, organization_id asc) as place
    from judged
    where not compared and requests >= getvariable('watch_least_requests')
)

select
    organization_id,
    part,
    place
from compared
where place <= getvariable('watch_most_compared')
union all
select
    organization_id,
    part,
    place
from benchmark
where place <= getvariable('watch_most_benchmark');
