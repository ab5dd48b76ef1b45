-- Requests with every code turned into its text: what each log format reads. One row is one line of a
-- log, so a duplicate (copy = 1) is a row of its own.
create or replace temp view requested as
select
    request.id as number,
    request.copy,
    request.arrived_us,
    request.delivered_on,
    request.batch,
    concat(
        if(origin.operation = 'embedding', 'embd-', 'chatcmpl-'),
        substr(md5(run.seed || ':event:' || request.id), 1, 29)
    ) as event_id,
    run.start + to_microseconds(request.ended_us) as ended_at,
    origin.organization_id,
    origin.product_id,
    origin.operation,
    'key_' || substr(md5(run.seed || ':key:' || request.key), 1, 16) as api_key_id,
    if(request.end_user < 0, null, 'user_' || substr(md5(run.seed || ':user:' || request.end_user), 1, 16))
        as end_user_id,
    served.name as model,  -- noqa: RF04
    served.base_model,
    request.raw_input_tokens - request.cached_input_tokens as input_tokens,
    request.cached_input_tokens,
    request.output_tokens,
    request.raw_input_tokens,
    coalesce(failure.status, 200) as status,
    failure.error_type,
    if(request.error = 0 and origin.max_output > 0, ending.reason, null) as finish_reason,
    request.latency_ms,
    'net_' || substr(md5(run.seed || ':network:' || request.network), 1, 12) as client_network,
    concat_ws(
        '.', 10, request.network // 65536 % 256, request.network // 256 % 256, request.network % 256
    ) as client_address,
    origin.agent as client_agent,
    substr(md5(run.seed || ':prompt:' || request.stream || ':' || request.prompt), 1, 16) as prompt_digest,
    substr(md5(run.seed || ':template:' || request.template), 1, 16) as template_digest,
    if(origin.max_output > 0, origin.max_output, null) as max_output_tokens,
    if(origin.max_output > 0, origin.temperature, null) as temperature,
    origin.n,
    origin.logprobs,
    (
        (request.raw_input_tokens - request.cached_input_tokens) * rate.input
        + request.cached_input_tokens * coalesce(rate.cached_input, rate.input)
        + request.output_tokens * coalesce(rate.output, 0)
    )::decimal(28, 12) as reported_cost
from requests as request
cross join dim_run as run
inner join dim_stream as origin on request.stream = origin.stream
inner join dim_model as served on request.model = served.model
inner join dim_finish as ending on request.finish = ending.finish
left join dim_error as failure on request.error = failure.error
left join dim_rate as rate on request.model = rate.model and request.batch = rate.batch
