-- Lines of a batch output file: the response stands below response.body, and the attribution in the
-- body's metadata.
select
    'batch_req_' || substr(event_id, strpos(event_id, '-') + 1, 24) as id,
    'task-' || number as custom_id,
    {
        'status_code': status,
        'request_id': 'req_' || prompt_digest,
        'body': {
            'id': event_id,
            'object': if(operation = 'embedding', 'list', 'chat.completion'),
            'created': epoch(ended_at - to_milliseconds(latency_ms))::bigint,
            'model': model,
            'choices': if(operation = 'embedding', null, [{ 'index': 0, 'finish_reason': finish_reason }]),
            'usage': {
                'prompt_tokens': raw_input_tokens,
                'completion_tokens': output_tokens,
                'total_tokens': raw_input_tokens + output_tokens,
                'prompt_tokens_details': { 'cached_tokens': cached_input_tokens },
                'completion_tokens_details': { 'reasoning_tokens': 0 }
            },
            'service_tier': 'default',
            'metadata': { 'organization': organization_id, 'project': product_id, 'api_key_id': api_key_id }
        }
    } as response,
    null as error
from delivered
order by arrived_us, number, copy
