-- Each organisation's models of the case's days, base and tuned, most output first.
select
    organization_id,
    provider,
    model,
    nullif(base_model, '') as base_model,
    model_tier,
    count(*) as requests,
    sum(output_tokens + audio_output_tokens + image_output_tokens)::bigint as output_tokens,
    billing_currency,
    sum(revenue_amount) as revenue_amount
from case_requests
group by organization_id, provider, model, base_model, model_tier, billing_currency
order by
    organization_id, output_tokens desc, requests desc, provider, model, model_tier, billing_currency nulls last;
