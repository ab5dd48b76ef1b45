-- Each flagged organisation by day of the window, beside the spread over all active organisations.
with flagged as (
    select distinct organization_id
    from extraction_flags
),

activity as (
    select
        charge_date,
        organization_id,
        sum(requests)::bigint as requests,
        sum(output_tokens)::bigint as output_tokens,
        sum(total_tokens)::bigint as total_tokens,
        sum(revenue_amount) as revenue
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
    organization_id,
    (charge_date - (select window_first from period))::integer as day_index,
    requests,
    output_tokens,
    total_tokens,
    revenue,
    peer_rank
from ranked
semi join flagged using (organization_id)
order by organization_id, day_index;
