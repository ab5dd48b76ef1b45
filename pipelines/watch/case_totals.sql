-- Output and revenue of a case: its members' days from the first to the last one seen. Amounts of several
-- currencies are not added up.
select
    coalesce(sum(output_tokens), 0)::bigint as output_tokens,
    case when count(distinct billing_currency) = 1 then sum(revenue_amount) end as revenue_amount
from marts.activity_daily
where
    usage_date between getvariable('watch_first') and getvariable('watch_last')
    and organization_id in (select unnest(getvariable('watch_members')));
