-- Each case by day of the window, its members together, beside the spread over all active organisations.
-- The peer rank is that of the member with most output tokens that day.
with activity as (
    select
        charge_date,
        organization_id,
        sum(requests)::bigint as requests,
        sum(output_tokens)::bigint as output_tokens,
        sum(total_tokens)::bigint as total_tokens
    from spend
    group by charge_date, organization_id
),

ranked as (
    select
        *,
        round(cume_dist() over (partition by charge_date order by output_tokens), 6) as peer_rank
    from activity
)

select
    members.case_id,
    (ranked.charge_date - (select window_first from period))::integer as day_index,
    sum(ranked.requests)::bigint as requests,
    sum(ranked.output_tokens)::bigint as output_tokens,
    sum(ranked.total_tokens)::bigint as total_tokens,
    count(*) as active_members,
    max(ranked.peer_rank) as peer_rank
from case_members as members
inner join ranked on ranked.organization_id = members.organization_id
group by members.case_id, day_index
order by members.case_id, day_index;
