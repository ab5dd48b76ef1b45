-- Requests with every code turned into its text: what each log format reads. One row is one line of a
-- log, so a duplicate (copy = 1) is a row of its own.
create or replace temp view requested as
select
    event.id,
    event.copy,
    event.arrived_us,
    event.delivered_on,
    event.batch,
    if(stream.operation = 'embedding', 'embd-', 'chatcmpl-')
        || substr(md5({{ seed }} || ':event:' || event.id), 1, 29) as event_id,
    timestamp {{ start }} + to_microseconds(event.ended_us) as ended_at,
    stream.organization_id,
    stream.product_id,
    stream.operation,
    'key_' || substr(md5({{ seed }} || ':key:' || event.key), 1, 16) as api_key_id,
    if(event.user < 0, null, 'user_' || substr(md5({{ seed }} || ':user:' || event.user), 1, 16)) as end_user_id,
    model.name as model,
    model.base_model,
    event.raw_input_tokens - event.cached_input_tokens as input_tokens,
    event.cached_input_tokens,
    event.output_tokens,
    event.raw_input_tokens,
    coalesce(error.status, 200) as status,
    error.error_type,
    if(event.error = 0 and stream.max_output > 0, finish.reason, null) as finish_reason,
    event.latency_ms,
    'net_' || substr(md5({{ seed }} || ':network:' || event.network), 1, 12) as client_network,
    '10.' || event.network // 65536 % 256 || '.' || event.network // 256 % 256 || '.' || event.network % 256
        as client_address,
    stream.agent as client_agent,
    substr(md5({{ seed }} || ':prompt:' || event.stream || ':' || event.prompt), 1, 16) as prompt_digest,
    substr(md5({{ seed }} || ':template:' || event.template), 1, 16) as template_digest,
    if(stream.max_output > 0, stream.max_output, null) as max_output_tokens,
    if(stream.max_output > 0, stream.temperature, null) as temperature,
    stream.n,
    stream.logprobs,
    (
        (event.raw_input_tokens - event.cached_input_tokens) * rate.input
        + event.cached_input_tokens * coalesce(rate.cached_input, rate.input)
        + event.output_tokens * coalesce(rate.output, 0)
    )::decimal(28, 12) as reported_cost
from requests as event
join dim_stream as stream on stream.stream = event.stream
join dim_model as model on model.model = event.model
join dim_finish as finish on finish.finish = event.finish
left join dim_error as error on error.error = event.error
left join dim_rate as rate on rate.model = event.model and rate.batch = event.batch
