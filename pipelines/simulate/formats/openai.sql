-- Captured response objects, each with the attribution of its request. Batch calls are in files of
-- their own (openai_batch.sql).
select
    event_id as id,
    if(operation = 'embedding', 'list', 'chat.completion') as object,  -- noqa: RF04
    epoch(ended_at - to_milliseconds(latency_ms))::bigint as created,
    model,
    if(operation = 'embedding' or status <> 200, null, [{ 'index': 0, 'finish_reason': finish_reason }])
        as choices,
    if(status <> 200, null, {
        'prompt_tokens': raw_input_tokens,
        'completion_tokens': output_tokens,
        'total_tokens': raw_input_tokens + output_tokens,
        'prompt_tokens_details': { 'cached_tokens': cached_input_tokens },
        'completion_tokens_details': { 'reasoning_tokens': 0 }
    }) as usage,  -- noqa: RF04
    if(status = 200, null, { 'type': error_type, 'code': error_type }) as error,  -- noqa: RF04
    if(status = 200, 'default', null) as service_tier,
    organization_id as organization,
    product_id as project,
    api_key_id,
    end_user_id as "user",  -- noqa: RF04, RF06
    status as status_code,
    latency_ms,
    client_address as client_ip,
    client_agent as user_agent,
    prompt_digest,
    template_digest,
    max_output_tokens as max_tokens,
    temperature,
    n,
    logprobs
from delivered
order by arrived_us, number, copy
