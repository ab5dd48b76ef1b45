/*---
title = "AWS Bedrock model invocation logs (S3 or CloudWatch)"
file_types = ["jsonl"]
alone = true
recognise = ["schemaType", "modelId", "operation"]
hidden = ["arn", "user_id"]

[shape]
schemaType = "VARCHAR"
timestamp = "VARCHAR"
accountId = "VARCHAR"
region = "VARCHAR"
inferenceRegion = "VARCHAR"
requestId = "VARCHAR"
operation = "VARCHAR"
modelId = "VARCHAR"
errorCode = "VARCHAR"
status = "VARCHAR"

[shape.identity]
arn = "VARCHAR"

# What callers attach to their requests; these names are read where they are there.
[shape.requestMetadata]
organization_id = "VARCHAR"
tenant = "VARCHAR"
team = "VARCHAR"
user_id = "VARCHAR"

[shape.serviceTier]
type = "VARCHAR"

[shape.performanceConfig]
latency = "VARCHAR"

[shape.input]
inputTokenCount = "VARCHAR"
cacheReadInputTokenCount = "VARCHAR"
cacheWriteInputTokenCount = "VARCHAR"

[shape.input.inputBodyJson]
max_tokens = "VARCHAR"
temperature = "VARCHAR"

[shape.input.inputBodyJson.inferenceConfig]
maxTokens = "VARCHAR"
temperature = "VARCHAR"

[shape.output]
outputTokenCount = "VARCHAR"

[shape.output.outputBodyJson]
stopReason = "VARCHAR"
stop_reason = "VARCHAR"

[shape.output.outputBodyJson.metrics]
latencyMs = "VARCHAR"

[shape.output.outputBodyJson.serviceTier]
type = "VARCHAR"

[shape.output.outputBodyJson.performanceConfig]
latency = "VARCHAR"

[shape.output.outputBodyJson.usage]
inputTokens = "VARCHAR"
outputTokens = "VARCHAR"
totalTokens = "VARCHAR"
cacheReadInputTokens = "VARCHAR"
cacheWriteInputTokens = "VARCHAR"
cacheReadInputTokenCount = "VARCHAR"
cacheWriteInputTokenCount = "VARCHAR"
input_tokens = "VARCHAR"
output_tokens = "VARCHAR"
cache_read_input_tokens = "VARCHAR"
cache_creation_input_tokens = "VARCHAR"

[[shape.output.outputBodyJson.usage.cacheDetails]]
ttl = "VARCHAR"
inputTokens = "VARCHAR"

[shape.output.outputBodyJson.usage.cache_creation]
ephemeral_5m_input_tokens = "VARCHAR"
ephemeral_1h_input_tokens = "VARCHAR"
---*/
-- Bedrock counts input tokens without those read from and written to a cache (User Guide, prompt caching), and output
-- tokens with reasoning. The body of the answer is in the log up to 100 kB: its usage is Converse's (inputTokens,
-- cacheDetails with a lifetime for each write) or Claude's own; where it says what the record says, both must agree. A
-- Claude stream is a list of its events, read from the text. Writes whose lifetime nobody tells are 5-minute ones, as
-- is the default. An error has no body. Images and videos are not counted in tokens: such a call is an event of which
-- nothing is counted, and so shown as not priced.
-- The model is the last part of an ARN, which names no account: of a foundation model or an inference profile the id
-- that prices know (us.anthropic…), of an application's profile, a custom or a provisioned model its own id, for which
-- an alias is needed. A reserved tier and provisioned capacity are "scale"; the latency-optimised mode has a price of
-- its own and is reported as priority. requestMetadata is the caller's: organization_id or tenant names who pays before
-- the account does, team the product, user_id the end user.
-- The statuses of errors are those that the API reference lists.
with fields as (
    select
        line,
        raw,
        doc,
        doc.output.outputbodyjson.usage as usage_object,
        case
            when doc is not null and contains(raw, 'message_start')
                then try(
                    from_json(
                        json_extract(raw, '$.output.outputBodyJson'),
                        '[{"message": {"usage": {"input_tokens": "VARCHAR", "cache_read_input_tokens": "VARCHAR", '
                        || '"cache_creation_input_tokens": "VARCHAR", "cache_creation": {"ephemeral_5m_input_tokens": '
                        || '"VARCHAR", "ephemeral_1h_input_tokens": "VARCHAR"}}}, '
                        || '"usage": {"output_tokens": "VARCHAR"}, "delta": {"stop_reason": "VARCHAR"}, '
                        || '"amazon-bedrock-invocationMetrics": {"invocationLatency": "VARCHAR"}}]'
                    )
                )
        end as stream_events,
        regexp_extract(doc.modelid, '[^/]*$') as model_name,
        given(doc.errorcode) as error_name
    from records
),

streamed as (
    select
        *,
        [e.message.usage for e in stream_events if e.message.usage.input_tokens is not null][1] as stream_usage,
        [e.usage.output_tokens for e in stream_events if e.usage.output_tokens is not null][-1] as stream_output,
        [e.delta.stop_reason for e in stream_events if e.delta.stop_reason is not null][-1] as stream_stop,
        [
            e."amazon-bedrock-invocationMetrics".invocationlatency for e in stream_events
            if e."amazon-bedrock-invocationMetrics".invocationlatency is not null
        ][-1] as stream_latency
    from fields
),

texts as (
    select
        *,
        coalesce(usage_object.inputtokens, usage_object.input_tokens, stream_usage.input_tokens) as body_input,
        coalesce(usage_object.outputtokens, usage_object.output_tokens, stream_output) as body_output,
        coalesce(
            usage_object.cachereadinputtokens,
            usage_object.cachereadinputtokencount,
            usage_object.cache_read_input_tokens,
            stream_usage.cache_read_input_tokens
        ) as body_cached,
        coalesce(
            usage_object.cachewriteinputtokens,
            usage_object.cachewriteinputtokencount,
            usage_object.cache_creation_input_tokens,
            stream_usage.cache_creation_input_tokens
        ) as body_written,
        coalesce(
            usage_object.cache_creation.ephemeral_5m_input_tokens,
            stream_usage.cache_creation.ephemeral_5m_input_tokens
        ) as written_5m_text,
        coalesce(
            usage_object.cache_creation.ephemeral_1h_input_tokens,
            stream_usage.cache_creation.ephemeral_1h_input_tokens
        ) as written_1h_text,
        [
            d for d in usage_object.cachedetails
            if coalesce(d.ttl, '') not in ('5m', '1h') or d.inputtokens is null or not_count(d.inputtokens)
        ] as bad_details
    from streamed
),

counts as (
    select
        *,
        coalesce(doc.input.inputtokencount, body_input) as input_text,
        coalesce(doc.output.outputtokencount, body_output) as output_text,
        tokens(coalesce(doc.input.inputtokencount, body_input)) as fresh,
        tokens(coalesce(doc.output.outputtokencount, body_output)) as output,
        tokens(coalesce(doc.input.cachereadinputtokencount, body_cached)) as cached,
        tokens(coalesce(doc.input.cachewriteinputtokencount, body_written)) as written,
        case
            when len(usage_object.cachedetails) > 0
                then coalesce(
                    list_sum([tokens(d.inputtokens) for d in usage_object.cachedetails if d.ttl = '1h']), 0
                )::bigint
            else tokens(written_1h_text)
        end as written_1h,
        -- All writes whose lifetime somebody tells, null where nobody does.
        case
            when len(usage_object.cachedetails) > 0
                then list_sum([tokens(d.inputtokens) for d in usage_object.cachedetails])::bigint
            when written_5m_text is not null or written_1h_text is not null
                then tokens(written_5m_text) + tokens(written_1h_text)
        end as written_told,
        error_name is not null as failed,
        contains(model_name, 'embed') or contains(model_name, 'rerank') as is_embedding,
        coalesce(doc.servicetier.type, doc.output.outputbodyjson.servicetier.type) as tier,
        coalesce(doc.performanceconfig.latency, doc.output.outputbodyjson.performanceconfig.latency) as speed
    from texts
)

select
    line,
    raw,
    doc is null as unreadable,
    case
        when coalesce(doc.schematype, '') != 'ModelInvocationLog'
            then problem(
                'schemaType',
                'is ' || coalesce(shown(doc.schematype), 'missing') || ': only a ModelInvocationLog is a call'
            )
        when doc.operation = 'InvokeModelWithBidirectionalStream'
            then problem('operation', 'is ' || doc.operation || ': how many of its tokens are speech is not logged')
        when not_count(doc.input.inputtokencount) then bad_count('input.inputTokenCount', doc.input.inputtokencount)
        when not_count(doc.output.outputtokencount)
            then bad_count('output.outputTokenCount', doc.output.outputtokencount)
        when not_count(doc.input.cachereadinputtokencount)
            then bad_count('input.cacheReadInputTokenCount', doc.input.cachereadinputtokencount)
        when not_count(doc.input.cachewriteinputtokencount)
            then bad_count('input.cacheWriteInputTokenCount', doc.input.cachewriteinputtokencount)
        when not_count(body_input) then bad_count('output.outputBodyJson.usage.inputTokens', body_input)
        when not_count(body_output) then bad_count('output.outputBodyJson.usage.outputTokens', body_output)
        when not_count(body_cached) then bad_count('output.outputBodyJson.usage.cacheReadInputTokens', body_cached)
        when not_count(body_written) then bad_count('output.outputBodyJson.usage.cacheWriteInputTokens', body_written)
        when not_count(usage_object.totaltokens)
            then bad_count('output.outputBodyJson.usage.totalTokens', usage_object.totaltokens)
        when not_count(written_5m_text)
            then bad_count('output.outputBodyJson.usage.cache_creation.ephemeral_5m_input_tokens', written_5m_text)
        when not_count(written_1h_text)
            then bad_count('output.outputBodyJson.usage.cache_creation.ephemeral_1h_input_tokens', written_1h_text)
        when len(bad_details) > 0
            then problem(
                'output.outputBodyJson.usage.cacheDetails', 'has one that is not inputTokens of a ttl of 5m or 1h'
            )
        when input_text is null and output_text is not null then problem('input.inputTokenCount', 'is missing')
        when output_text is null and input_text is not null and not failed and not is_embedding
            then problem('output.outputTokenCount', 'is missing')
        when whole(body_input) != fresh
            then problem('input.inputTokenCount', 'is ' || fresh || ', but outputBodyJson says ' || body_input)
        when whole(body_output) != output
            then problem('output.outputTokenCount', 'is ' || output || ', but outputBodyJson says ' || body_output)
        when whole(body_cached) != cached
            then problem(
                'input.cacheReadInputTokenCount', 'is ' || cached || ', but outputBodyJson says ' || body_cached
            )
        when whole(body_written) != written
            then problem(
                'input.cacheWriteInputTokenCount', 'is ' || written || ', but outputBodyJson says ' || body_written
            )
        when written_told != written
            then problem(
                'input.cacheWriteInputTokenCount',
                'is ' || written || ', but the lifetimes in outputBodyJson add up to ' || written_told
            )
        when whole(usage_object.totaltokens) not in (fresh + output, fresh + cached + written + output)
            then problem(
                'output.outputBodyJson.usage.totalTokens',
                'is ' || usage_object.totaltokens || ', the sum of input and output neither with nor without the cache'
            )
    end as problem,
    doc.requestid as event_id,
    null::integer as revision,
    doc.timestamp as occurred_at,
    coalesce(
        given(doc.requestmetadata.organization_id), given(doc.requestmetadata.tenant), doc.accountid
    ) as organization_id,
    doc.requestmetadata.team as product_id,
    doc.identity.arn as api_key_id,
    doc.requestmetadata.user_id as end_user_id,
    'bedrock' as provider,
    model_name as model,
    service_tier_name(
        case
            when tier = 'reserved' then 'scale'
            when contains(doc.modelid, ':provisioned-model/') then 'scale'
            when speed = 'optimized' then 'priority'
            else tier
        end
    ) as service_tier,
    case
        when is_embedding then 'embedding'
        when starts_with(doc.operation, 'Converse') or contains(doc.modelid, 'claude') then 'chat'
        else 'completion'
    end as operation,
    fresh as input_tokens,
    cached as cached_input_tokens,
    written - written_1h as cache_write_5m_tokens,
    written_1h as cache_write_1h_tokens,
    null::bigint as audio_input_tokens,
    null::bigint as image_input_tokens,
    output as output_tokens,
    null::bigint as audio_output_tokens,
    null::bigint as image_output_tokens,
    null::bigint as training_tokens,
    null::decimal(18, 6) as training_hours,
    null::decimal(18, 6) as hosting_hours,
    null::bigint as web_search_calls,
    null::bigint as file_search_calls,
    null::bigint as code_execution_calls,
    null::bigint as reasoning_tokens,
    fresh + cached + written as raw_input_tokens,
    output as raw_output_tokens,
    case
        when whole(doc.status) between 100 and 599 then doc.status
        when not failed then '200'
        when contains(error_name, 'ValidationException') then '400'
        when contains(error_name, 'ServiceQuotaExceededException') then '400'
        when contains(error_name, 'AccessDeniedException') then '403'
        when contains(error_name, 'ResourceNotFoundException') then '404'
        when contains(error_name, 'ModelTimeoutException') then '408'
        when contains(error_name, 'ModelErrorException') then '424'
        when contains(error_name, 'ModelStreamErrorException') then '424'
        when contains(error_name, 'ThrottlingException') then '429'
        when contains(error_name, 'ModelNotReadyException') then '429'
        when contains(error_name, 'ServiceUnavailableException') then '503'
        else '500'
    end as status,
    error_name as error_type,
    coalesce(doc.output.outputbodyjson.stopreason, doc.output.outputbodyjson.stop_reason, stream_stop) as finish_reason,
    coalesce(doc.output.outputbodyjson.metrics.latencyms, stream_latency) as latency_ms,
    null::boolean as gateway_cache_hit,
    coalesce(given(doc.inferenceregion), doc.region) as region,
    null::varchar as client_network,
    null::varchar as client_agent,
    null::varchar as prompt_digest,
    null::varchar as template_digest,
    coalesce(
        doc.input.inputbodyjson.inferenceconfig.maxtokens, doc.input.inputbodyjson.max_tokens
    ) as max_output_tokens,
    coalesce(
        doc.input.inputbodyjson.inferenceconfig.temperature, doc.input.inputbodyjson.temperature
    ) as temperature,
    null::integer as n,
    null::boolean as logprobs,
    null::varchar as reported_cost
from counts
