-- Requests by account (numbered in the order of organisation ids) and ten-minute slot of the week, 0 to 1007.
with accounts as (
    select
        organization_id,
        row_number() over (order by organization_id) - 1 as account_number
    from watch_accounts
    where part = getvariable('watch_part')
)

select
    a.account_number,
    (t.usage_date - (getvariable('watch_last_day') - 6)) * 144 + t.slot as place,
    t.requests
from marts.activity_10min as t
inner join accounts as a on t.organization_id = a.organization_id
where t.usage_date between getvariable('watch_last_day') - 6 and getvariable('watch_last_day');
