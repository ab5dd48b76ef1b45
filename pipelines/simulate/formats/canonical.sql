-- One JSON object a request with the canonical event's own column names.
select
    event_id,
    strftime(ended_at, '%Y-%m-%dT%H:%M:%S.%fZ') as occurred_at,
    organization_id,
    product_id,
    api_key_id,
    end_user_id,
    'openai' as provider,  -- noqa: RF04
    model,
    if(batch, 'batch', 'standard') as service_tier,
    operation,
    input_tokens,
    cached_input_tokens,
    output_tokens,
    0 as reasoning_tokens,
    raw_input_tokens,
    output_tokens as raw_output_tokens,
    status,
    error_type,
    finish_reason,
    latency_ms,
    client_network,
    client_agent,
    prompt_digest,
    template_digest,
    max_output_tokens,
    temperature,
    n,
    logprobs,
    reported_cost
from delivered
order by arrived_us, number, copy
