-- What suspensions and licences do not allow, the latest first; the pages show so many.
select
    organization_id,
    rule,
    first_seen,
    last_seen,
    requests,
    refused_requests,
    output_tokens,
    billing_currency,
    revenue_amount,
    detail
from enforcement_flags
order by last_seen desc, output_tokens desc, requests desc, organization_id, rule
limit getvariable('most_enforcement');
