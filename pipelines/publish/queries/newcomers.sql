-- Newcomers from the top of their list; the page shows so many.
select
    rank,
    organization_id,
    first_seen,
    programme,
    requests,
    output_tokens,
    burst_accounts,
    ties_risk,
    behaviour_risk,
    risk,
    compared_with,
    reasons::varchar as reasons
from newcomers
order by rank
limit getvariable('most_newcomers');
