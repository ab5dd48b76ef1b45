-- What each member of a case used within its flagged window, as far as the window is among the shown days.
select
    members.case_id,
    members.organization_id,
    coalesce(sum(spend.requests), 0)::bigint as requests,
    coalesce(sum(spend.output_tokens), 0)::bigint as output_tokens,
    sum(spend.revenue_amount) as revenue,
    coalesce(sum(spend.foreign_requests), 0)::bigint as foreign_requests,
    string_agg(distinct spend.foreign_currency, ', ' order by spend.foreign_currency) as foreign_currencies,
    count(distinct spend.charge_date) as active_days
from case_members as members
left join spend
    on
        spend.organization_id = members.organization_id
        and spend.charge_date between members.first_seen and members.last_seen
group by members.case_id, members.organization_id
order by members.case_id, output_tokens desc, members.organization_id;
