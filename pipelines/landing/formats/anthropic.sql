/*---
title = "Anthropic Messages API responses and Message Batches results"
file_types = ["jsonl"]
by_record = true
recognise = [["type", "role", "model", "usage"], ["stop_reason", "model", "usage"], ["custom_id", "result"]]
hidden = ["api_key", "api_key_id", "user", "user_id", "client_ip", "user_agent"]

[shape]
id = "VARCHAR"
type = "VARCHAR"
model = "VARCHAR"
stop_reason = "VARCHAR"
custom_id = "VARCHAR"

# What a proxy or logger adds: by the same names as for OpenAI-compatible responses, and Anthropic's own.
created = "VARCHAR"
created_at = "VARCHAR"
timestamp = "VARCHAR"
request_id = "VARCHAR"
status_code = "VARCHAR"
latency_ms = "VARCHAR"
provider = "VARCHAR"
organization = "VARCHAR"
organization_id = "VARCHAR"
project = "VARCHAR"
project_id = "VARCHAR"
workspace = "VARCHAR"
workspace_id = "VARCHAR"
api_key_id = "VARCHAR"
api_key = "VARCHAR"
user = "VARCHAR"
region = "VARCHAR"
client_ip = "VARCHAR"
user_agent = "VARCHAR"
prompt_digest = "VARCHAR"
template_digest = "VARCHAR"
max_tokens = "VARCHAR"
temperature = "VARCHAR"

[shape.metadata]
organization = "VARCHAR"
project = "VARCHAR"
api_key_id = "VARCHAR"
user_id = "VARCHAR"

[shape.error]
type = "VARCHAR"

[shape.usage]
input_tokens = "VARCHAR"
output_tokens = "VARCHAR"
cache_creation_input_tokens = "VARCHAR"
cache_read_input_tokens = "VARCHAR"
service_tier = "VARCHAR"
speed = "VARCHAR"
inference_geo = "VARCHAR"

[shape.usage.cache_creation]
ephemeral_5m_input_tokens = "VARCHAR"
ephemeral_1h_input_tokens = "VARCHAR"

[shape.usage.output_tokens_details]
thinking_tokens = "VARCHAR"

[shape.usage.server_tool_use]
web_search_requests = "VARCHAR"

[[shape.usage.iterations]]
type = "VARCHAR"
input_tokens = "VARCHAR"
output_tokens = "VARCHAR"
cache_creation_input_tokens = "VARCHAR"
cache_read_input_tokens = "VARCHAR"

[shape.usage.iterations.cache_creation]
ephemeral_5m_input_tokens = "VARCHAR"
ephemeral_1h_input_tokens = "VARCHAR"

[shape.result]
type = "VARCHAR"

[shape.result.error]
type = "VARCHAR"
request_id = "VARCHAR"

[shape.result.error.error]
type = "VARCHAR"

[shape.result.message]
id = "VARCHAR"
type = "VARCHAR"
model = "VARCHAR"
stop_reason = "VARCHAR"

[shape.result.message.usage]
input_tokens = "VARCHAR"
output_tokens = "VARCHAR"
cache_creation_input_tokens = "VARCHAR"
cache_read_input_tokens = "VARCHAR"
service_tier = "VARCHAR"
speed = "VARCHAR"
inference_geo = "VARCHAR"

[shape.result.message.usage.cache_creation]
ephemeral_5m_input_tokens = "VARCHAR"
ephemeral_1h_input_tokens = "VARCHAR"

[shape.result.message.usage.output_tokens_details]
thinking_tokens = "VARCHAR"

[shape.result.message.usage.server_tool_use]
web_search_requests = "VARCHAR"

[[shape.result.message.usage.iterations]]
type = "VARCHAR"
input_tokens = "VARCHAR"
output_tokens = "VARCHAR"
cache_creation_input_tokens = "VARCHAR"
cache_read_input_tokens = "VARCHAR"

[shape.result.message.usage.iterations.cache_creation]
ephemeral_5m_input_tokens = "VARCHAR"
ephemeral_1h_input_tokens = "VARCHAR"
---*/
-- Anthropic's reference of the Messages API: input_tokens leaves out what was read from a cache and what was written
-- to one ("total input tokens … is the summation of input_tokens, cache_creation_input_tokens, and
-- cache_read_input_tokens"); output_tokens is inclusive, thinking too. cache_creation_input_tokens is the sum of
-- cache_creation's 5-minute and 1-hour writes; where only the sum is there (before lifetimes could be chosen), the
-- writes are 5-minute ones, which is the default. A compaction is a sampling of its own in usage.iterations, billed
-- and no part of the totals above it; so is an advisor's or a fallback model's, which has another model's price: such a
-- record is refused. Fetches have no price, and the code execution tool is billed by the time of its container, which
-- no message says. speed "fast" has a price of its own and is reported as priority, as everywhere.
-- A message has no time: created_at, created or timestamp is what the logger adds. The id of a message of another
-- cloud says so (msg_bdrk_, msg_vrtx_). A batch result has no time either, and one that did not succeed no model.
-- The statuses of errors are those that the reference lists.
with fields as (
    select
        line,
        raw,
        doc,
        doc.custom_id is not null and doc.result.type is not null as is_batch,
        coalesce(doc.usage, doc.result.message.usage) as usage_object,
        coalesce(given(doc.id), doc.result.message.id) as message_id,
        coalesce(given(doc.model), doc.result.message.model) as model_name,
        coalesce(doc.stop_reason, doc.result.message.stop_reason) as stop_reason,
        coalesce(doc.created_at, doc.created, doc.timestamp) as time_text,
        coalesce(
            doc.result.error.error.type,
            nullif(doc.result.error.type, 'error'),
            doc.error.type,
            case when doc.result.type in ('errored', 'canceled', 'expired') then doc.result.type end
        ) as error_name,
        coalesce(
            doc.type = 'error' or doc.error.type is not null or doc.result.type in ('errored', 'canceled', 'expired')
            or whole(doc.status_code) >= 400,
            false
        ) as failed
    from records
),

counts as (
    select
        *,
        usage_object.cache_creation_input_tokens as written_text,
        usage_object.cache_creation.ephemeral_5m_input_tokens as written_5m_text,
        usage_object.cache_creation.ephemeral_1h_input_tokens as written_1h_text,
        tokens(usage_object.input_tokens) as fresh,
        tokens(usage_object.cache_read_input_tokens) as cached,
        tokens(usage_object.cache_creation.ephemeral_1h_input_tokens) as written_1h,
        coalesce(
            known_tokens(usage_object.cache_creation_input_tokens),
            tokens(usage_object.cache_creation.ephemeral_5m_input_tokens)
            + tokens(usage_object.cache_creation.ephemeral_1h_input_tokens)
        ) as written,
        tokens(usage_object.output_tokens) as output,
        [
            i for i in usage_object.iterations
            if not_count(i.input_tokens) or not_count(i.output_tokens) or not_count(i.cache_read_input_tokens)
            or not_count(i.cache_creation_input_tokens) or not_count(i.cache_creation.ephemeral_5m_input_tokens)
            or not_count(i.cache_creation.ephemeral_1h_input_tokens)
            or tokens(i.cache_creation.ephemeral_5m_input_tokens)
            + tokens(i.cache_creation.ephemeral_1h_input_tokens) > tokens(i.cache_creation_input_tokens)
        ] as bad_iterations,
        [
            i.type for i in usage_object.iterations if coalesce(i.type, 'unnamed') not in ('message', 'compaction')
        ] as other_iterations,
        [i for i in usage_object.iterations if i.type = 'compaction'] as compactions,
        coalesce(list_sum([tokens(i.input_tokens) for i in usage_object.iterations]), 0) as iterated_input,
        coalesce(list_sum([tokens(i.output_tokens) for i in usage_object.iterations]), 0) as iterated_output
    from fields
),

compacted as (
    select
        *,
        coalesce(list_sum([tokens(i.input_tokens) for i in compactions]), 0)::bigint as compacted_input,
        coalesce(list_sum([tokens(i.output_tokens) for i in compactions]), 0)::bigint as compacted_output,
        coalesce(list_sum([tokens(i.cache_read_input_tokens) for i in compactions]), 0)::bigint as compacted_cached,
        coalesce(
            list_sum([tokens(i.cache_creation_input_tokens) for i in compactions]), 0
        )::bigint as compacted_written,
        coalesce(
            list_sum([tokens(i.cache_creation.ephemeral_1h_input_tokens) for i in compactions]), 0
        )::bigint as compacted_written_1h
    from counts
)

select
    line,
    raw,
    doc is null as unreadable,
    case
        when not is_batch and coalesce(doc.type, 'message') not in ('message', 'error')
            then problem('type', 'is ' || shown(doc.type) || ': only a whole message is a call')
        when is_batch and doc.result.type not in ('succeeded', 'errored', 'canceled', 'expired')
            then problem('result.type', 'is none of succeeded, errored, canceled, expired: ' || shown(doc.result.type))
        when
            is_batch and failed
            and (
                coalesce(time_text, (select occurred_at from source_constants)) is null
                or coalesce(model_name, (select model from source_constants)) is null
            )
            then problem(
                'result.type',
                'is ' || doc.result.type || ', and a batch result without a message that does not say when it was or '
                || 'for which model is no event (nothing is billed for it); occurred_at and model under '
                || '[sources.constants] make it one'
            )
        when usage_object.input_tokens is null and usage_object.output_tokens is null and not failed
            then problem('usage', 'is missing')
        when coalesce(doc.type, doc.result.message.type) = 'message' and stop_reason is null
            then problem(
                'stop_reason',
                'is missing: a stream begins with a message whose output is not counted yet; log the whole message'
            )
        when usage_object.input_tokens is null and not failed then problem('usage.input_tokens', 'is missing')
        when usage_object.output_tokens is null and not failed then problem('usage.output_tokens', 'is missing')
        when not_count(usage_object.input_tokens) then bad_count('usage.input_tokens', usage_object.input_tokens)
        when not_count(usage_object.output_tokens) then bad_count('usage.output_tokens', usage_object.output_tokens)
        when not_count(usage_object.cache_read_input_tokens)
            then bad_count('usage.cache_read_input_tokens', usage_object.cache_read_input_tokens)
        when not_count(written_text) then bad_count('usage.cache_creation_input_tokens', written_text)
        when not_count(written_5m_text)
            then bad_count('usage.cache_creation.ephemeral_5m_input_tokens', written_5m_text)
        when not_count(written_1h_text)
            then bad_count('usage.cache_creation.ephemeral_1h_input_tokens', written_1h_text)
        when not_count(usage_object.output_tokens_details.thinking_tokens)
            then bad_count(
                'usage.output_tokens_details.thinking_tokens', usage_object.output_tokens_details.thinking_tokens
            )
        when not_count(usage_object.server_tool_use.web_search_requests)
            then bad_calls(
                'usage.server_tool_use.web_search_requests', usage_object.server_tool_use.web_search_requests
            )
        when written_5m_text is not null and tokens(written_5m_text) + written_1h != written
            then problem(
                'usage.cache_creation',
                'adds up to ' || (tokens(written_5m_text) + written_1h) || ', but cache_creation_input_tokens is '
                || written
            )
        when written_1h > written
            then problem('usage.cache_creation.ephemeral_1h_input_tokens', 'is more than all cache writes')
        when len(bad_iterations) > 0
            then problem('usage.iterations', 'has one whose tokens are no counts or do not add up')
        when len(other_iterations) > 0
            then problem(
                'usage.iterations',
                'has one of type ' || coalesce(shown(other_iterations[1]), 'null')
                || ', whose tokens may be another model''s: log that model''s share as a call of its own'
            )
        when
            len(compactions) > 0
            and (iterated_input - compacted_input != fresh or iterated_output - compacted_output != output)
            then problem(
                'usage.iterations',
                'adds up to ' || (iterated_input - compacted_input) || ' in and '
                || (iterated_output - compacted_output)
                || ' out without its compactions, not to input_tokens and output_tokens'
            )
    end as problem,
    coalesce(
        message_id,
        given(doc.request_id),
        given(doc.result.error.request_id),
        case when is_batch then doc.custom_id end
    ) as event_id,
    null::integer as revision,
    time_text as occurred_at,
    coalesce(given(doc.organization), given(doc.organization_id), doc.metadata.organization) as organization_id,
    coalesce(
        given(doc.project),
        given(doc.project_id),
        given(doc.workspace),
        given(doc.workspace_id),
        doc.metadata.project
    ) as product_id,
    coalesce(given(doc.api_key_id), pseudonym(given(doc.api_key)), doc.metadata.api_key_id) as api_key_id,
    coalesce(given(doc.user), doc.metadata.user_id) as end_user_id,
    coalesce(
        provider_name(doc.provider),
        (select provider from source_constants),
        case
            when starts_with(message_id, 'msg_bdrk_') then 'bedrock'
            when starts_with(message_id, 'msg_vrtx_') then 'google'
        end,
        'anthropic'
    ) as provider,
    model_name as model,
    service_tier_name(
        case
            when is_batch then 'batch'
            when lower(usage_object.speed) = 'fast' then 'fast'
            else usage_object.service_tier
        end
    ) as service_tier,
    'chat' as operation,
    fresh + compacted_input as input_tokens,
    cached + compacted_cached as cached_input_tokens,
    written - written_1h + compacted_written - compacted_written_1h as cache_write_5m_tokens,
    written_1h + compacted_written_1h as cache_write_1h_tokens,
    null::bigint as audio_input_tokens,
    null::bigint as image_input_tokens,
    output + compacted_output as output_tokens,
    null::bigint as audio_output_tokens,
    null::bigint as image_output_tokens,
    null::bigint as training_tokens,
    null::decimal(18, 6) as training_hours,
    null::decimal(18, 6) as hosting_hours,
    whole(usage_object.server_tool_use.web_search_requests) as web_search_calls,
    null::bigint as file_search_calls,
    null::bigint as code_execution_calls,
    tokens(usage_object.output_tokens_details.thinking_tokens) as reasoning_tokens,
    fresh + cached + written + compacted_input + compacted_cached + compacted_written as raw_input_tokens,
    output + compacted_output as raw_output_tokens,
    coalesce(
        doc.status_code,
        case
            when not failed then '200'
            when error_name = 'invalid_request_error' then '400'
            when error_name = 'authentication_error' then '401'
            when error_name = 'billing_error' then '402'
            when error_name = 'permission_error' then '403'
            when error_name = 'not_found_error' then '404'
            when error_name = 'request_too_large' then '413'
            when error_name = 'rate_limit_error' then '429'
            when error_name = 'timeout_error' then '504'
            when error_name = 'overloaded_error' then '529'
            else '500'
        end
    ) as status,
    case when failed then error_name end as error_type,
    stop_reason as finish_reason,
    doc.latency_ms,
    null::boolean as gateway_cache_hit,
    coalesce(given(doc.region), nullif(usage_object.inference_geo, 'not_available')) as region,
    pseudonym(given(doc.client_ip)) as client_network,
    doc.user_agent as client_agent,
    doc.prompt_digest,
    doc.template_digest,
    doc.max_tokens as max_output_tokens,
    doc.temperature,
    null::integer as n,
    null::boolean as logprobs,
    null::varchar as reported_cost
from compacted
