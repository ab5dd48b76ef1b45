-- LiteLLM_SpendLogs rows as the gateway's /spend/logs endpoint gives them. prompt_tokens includes
-- cached tokens; what the gateway does not know of itself rides in metadata.spend_logs_metadata.
select
    event_id as request_id,
    if(operation = 'embedding', 'aembedding', 'acompletion') as call_type,
    api_key_id as api_key,
    coalesce(reported_cost, 0)::double as spend,
    raw_input_tokens + output_tokens as total_tokens,
    raw_input_tokens as prompt_tokens,
    output_tokens as completion_tokens,
    strftime(ended_at - to_milliseconds(latency_ms), '%Y-%m-%dT%H:%M:%S.%fZ') as "startTime",  -- noqa: RF06
    strftime(ended_at, '%Y-%m-%dT%H:%M:%S.%fZ') as "endTime",  -- noqa: RF06
    latency_ms as request_duration_ms,
    model,
    base_model as model_group,
    'openai' as custom_llm_provider,
    '' as "user",  -- noqa: RF04, RF06
    coalesce(end_user_id, '') as end_user,
    product_id as team_id,
    organization_id,
    'False' as cache_hit,
    ['env:production'] as request_tags,
    if(status = 200, 'success', 'failure') as status,
    client_address as requester_ip_address,
    {
        'user_api_key_project_id': product_id,
        'user_agent': client_agent,
        'usage_object': if(status = 200, {
            'prompt_tokens': raw_input_tokens,
            'completion_tokens': output_tokens,
            'total_tokens': raw_input_tokens + output_tokens,
            'prompt_tokens_details': { 'cached_tokens': cached_input_tokens },
            'completion_tokens_details': { 'reasoning_tokens': 0 }
        }, null),
        'cost_breakdown': { 'service_tier': if(batch, 'batch', null) },
        'error_information': if(
            status = 200,
            null,
            { 'error_code': status::varchar, 'error_class': error_type, 'llm_provider': 'openai' }
        ),
        'spend_logs_metadata': {
            'finish_reason': finish_reason,
            'prompt_digest': prompt_digest,
            'template_digest': template_digest,
            'max_tokens': max_output_tokens,
            'temperature': temperature,
            'n': n,
            'logprobs': logprobs
        }
    } as metadata
from delivered
order by arrived_us, number, copy
