-- What each organisation used in the case's days, by currency of its amounts.
select
    organization_id,
    billing_currency,
    count(*) as requests,
    count(*) filter (where status >= 400) as failed_requests,
    sum(
        input_tokens + cached_input_tokens + cache_write_5m_tokens + cache_write_1h_tokens + audio_input_tokens
        + image_input_tokens
    )::bigint as input_tokens,
    sum(output_tokens + audio_output_tokens + image_output_tokens)::bigint as output_tokens,
    sum(revenue_amount) as revenue_amount,
    count(*) filter (where revenue_amount is null) as unpriced_requests
from case_requests
group by organization_id, billing_currency
order by organization_id, billing_currency nulls last;
