/*---
title = "Helicone requests (export tool, or answers of /v1/request/query-clickhouse)"
file_types = ["jsonl", "csv"]
by_record = true
recognise = ["request_created_at", "response_status", "prompt_tokens", "completion_tokens"]
hidden = ["request_user_id"]

[shape]
request_id = "VARCHAR"
response_id = "VARCHAR"
request_created_at = "VARCHAR"
response_created_at = "VARCHAR"
response_status = "VARCHAR"
request_path = "VARCHAR"
provider = "VARCHAR"
model = "VARCHAR"
response_model = "VARCHAR"
request_model = "VARCHAR"
model_override = "VARCHAR"
delay_ms = "VARCHAR"
latency = "VARCHAR"
prompt_tokens = "VARCHAR"
prompt_cache_read_tokens = "VARCHAR"
prompt_cache_write_tokens = "VARCHAR"
prompt_audio_tokens = "VARCHAR"
completion_tokens = "VARCHAR"
completion_audio_tokens = "VARCHAR"
reasoning_tokens = "VARCHAR"
total_tokens = "VARCHAR"
costUSD = "VARCHAR"
cost = "VARCHAR"
request_user_id = "VARCHAR"
cache_reference_id = "VARCHAR"

# What callers attach to their requests (Helicone-Property-… headers); these names are read where they are there.
[shape.properties]
organization_id = "VARCHAR"
organization = "VARCHAR"
product_id = "VARCHAR"
product = "VARCHAR"

# The name of the same in the tables of the export tool.
[shape.request_properties]
organization_id = "VARCHAR"
organization = "VARCHAR"
product_id = "VARCHAR"
product = "VARCHAR"
---*/
-- Helicone's source (HandlerContext.ts, openAIUsageProcessor.ts): prompt_tokens leave out what was read from and
-- written to a prompt cache. Only of OpenAI's models do they include what was written: there Helicone takes just the
-- cached tokens off a prompt that includes both. Writes of both lifetimes are one number: taken as 5-minute ones.
-- completion_tokens leave out reasoning_tokens, except where nothing but reasoning was written: then both say the
-- same, so records in which they are equal are refused. Releases before reasoning had a number of its own left it
-- out of OpenAI's completions altogether, which a record does not show. Whether audio is included changed from one
-- release to the next, and is refused unless the numbers tell. Images are not split off. A count that the answer did
-- not have is stored as 0: a successful call without any is refused, unless it is one that is not billed by tokens.
-- A cache_reference_id (other than the nil UUID) is a hit of Helicone's own cache. country_code is the caller's.
with fields as (
    select
        line,
        raw,
        doc,
        lower(given(doc.provider)) as given_provider,
        lower(coalesce(doc.request_path, '')) as path,
        coalesce(
            case when lower(given(doc.response_model)) != 'unknown' then given(doc.response_model) end,
            given(doc.model_override),
            case when lower(given(doc.model)) != 'unknown' then given(doc.model) end,
            given(doc.request_model)
        ) as given_model,
        coalesce(doc.model, doc.response_model, '') as kind,
        whole(doc.response_status) as status_code,
        coalesce(given(doc.delay_ms), given(doc.latency)) as delay_text,
        coalesce(given(doc.cache_reference_id), '00000000-0000-0000-0000-000000000000')
        != '00000000-0000-0000-0000-000000000000' as gateway_cache_hit
    from records
),

counts as (
    select
        *,
        tokens(doc.prompt_tokens) as prompt,
        tokens(doc.completion_tokens) as completion,
        tokens(doc.prompt_cache_read_tokens) as cached,
        tokens(doc.prompt_cache_write_tokens) as written,
        tokens(doc.prompt_audio_tokens) as audio_in,
        tokens(doc.completion_audio_tokens) as audio_out,
        tokens(doc.reasoning_tokens) as reasoning,
        -- -3 is Helicone's own status for a call that the caller broke off.
        coalesce(status_code >= 400 or status_code = -3, false) as failed,
        coalesce(given_provider in ('openai', 'azure'), false) as includes_written
    from fields
),

split as (
    select
        *,
        case when includes_written then prompt - written else prompt end as fresh,
        prompt + audio_in + cached + case when includes_written then 0 else written end as raw_input,
        completion + audio_out + reasoning as raw_output
    from counts
)

select
    line,
    raw,
    doc is null as unreadable,
    case
        when regexp_matches(kind, '^(tool|data):') or lower(kind) in ('vector_db', 'vector db', 'tool')
            then problem('model', 'is ' || shown(kind) || ', which is no call of a language model')
        when lower(kind) in ('assistant-polling', 'assistant-call', 'assistant polling', 'assistant call')
            then problem('model', 'is ' || shown(kind) || ', which names no model: only calls of one are billed')
        when given(doc.prompt_tokens) is null and not failed and not gateway_cache_hit
            then problem('prompt_tokens', 'is missing: ask the provider for it (streams: stream_options.include_usage)')
        when
            given(doc.completion_tokens) is null and not failed and not gateway_cache_hit
            and not contains(path, '/embeddings')
            then problem('completion_tokens', 'is missing: ask the provider for it')
        when not_count(given(doc.prompt_tokens)) then bad_count('prompt_tokens', doc.prompt_tokens)
        when not_count(given(doc.completion_tokens)) then bad_count('completion_tokens', doc.completion_tokens)
        when not_count(given(doc.prompt_cache_read_tokens))
            then bad_count('prompt_cache_read_tokens', doc.prompt_cache_read_tokens)
        when not_count(given(doc.prompt_cache_write_tokens))
            then bad_count('prompt_cache_write_tokens', doc.prompt_cache_write_tokens)
        when not_count(given(doc.prompt_audio_tokens)) then bad_count('prompt_audio_tokens', doc.prompt_audio_tokens)
        when not_count(given(doc.completion_audio_tokens))
            then bad_count('completion_audio_tokens', doc.completion_audio_tokens)
        when not_count(given(doc.reasoning_tokens)) then bad_count('reasoning_tokens', doc.reasoning_tokens)
        when not_count(given(doc.total_tokens)) then bad_count('total_tokens', doc.total_tokens)
        -- What a hit of the gateway's cache says was bought before, by another call.
        when gateway_cache_hit then null
        when includes_written and written > prompt
            then problem('prompt_tokens', 'is less than prompt_cache_write_tokens, which OpenAI counts as part of it')
        when audio_in between 1 and prompt
            then problem(
                'prompt_audio_tokens',
                'is ' || audio_in || ', and whether prompt_tokens includes them does not follow: export the bodies '
                || 'and land the answers as format openai'
            )
        when audio_out between 1 and completion
            then problem(
                'completion_audio_tokens',
                'is ' || audio_out || ', and whether completion_tokens includes them does not follow: export the '
                || 'bodies and land the answers as format openai'
            )
        when reasoning > 0 and reasoning = completion
            then problem(
                'reasoning_tokens',
                'is ' || reasoning || ' and so is completion_tokens: whether it includes them does not follow; export '
                || 'the bodies and land the answers as format openai'
            )
        -- Helicone's total has had cached, written and audio tokens in it or not, by release and by route.
        when
            nullif(tokens(doc.total_tokens), 0) not in (
                prompt + completion, prompt + completion + reasoning, raw_input + completion, raw_input + raw_output
            )
            then problem(
                'total_tokens',
                'is ' || doc.total_tokens || ', not the sum of prompt and completion: ' || (raw_input + raw_output)
            )
        when
            raw_input + raw_output = 0 and not failed
            and not regexp_matches(path, '/(images|audio|moderations|models|files|batches)')
            then problem(
                'prompt_tokens',
                'is 0, as is every other count of a call that succeeded: the answer told no usage '
                || '(streams: stream_options.include_usage)'
            )
    end as problem,
    coalesce(given(doc.request_id), given(doc.response_id)) as event_id,
    null::integer as revision,
    coalesce(
        given(doc.response_created_at),
        case
            when whole(delay_text) between 0 and 86400000
                then utc_text(try(instant(doc.request_created_at) + to_milliseconds(whole(delay_text))))
        end,
        doc.request_created_at
    ) as occurred_at,
    coalesce(
        given(doc.properties.organization_id),
        given(doc.properties.organization),
        given(doc.request_properties.organization_id),
        doc.request_properties.organization
    ) as organization_id,
    coalesce(
        given(doc.properties.product_id),
        given(doc.properties.product),
        given(doc.request_properties.product_id),
        doc.request_properties.product
    ) as product_id,
    null::varchar as api_key_id,
    doc.request_user_id as end_user_id,
    case given_provider
        when 'custom' then null
        when 'aws' then 'bedrock'
        when 'togetherai' then 'together'
        when 'x' then 'xai'
        else given_provider
    end as provider,
    case when failed then coalesce(given_model, 'unknown') else given_model end as model,
    null::varchar as service_tier,
    case
        when contains(path, '/embeddings') then 'embedding'
        when contains(path, '/responses') then 'response'
        when regexp_matches(path, '/chat/completions|/messages|/converse|generatecontent') then 'chat'
        when contains(path, '/completions') then 'completion'
        when contains(path, '/images') then 'image'
        when contains(path, '/audio') then 'audio'
    end as operation,
    case when gateway_cache_hit then 0 else fresh end as input_tokens,
    case when gateway_cache_hit then 0 else cached end as cached_input_tokens,
    case when gateway_cache_hit then 0 else written end as cache_write_5m_tokens,
    0::bigint as cache_write_1h_tokens,
    case when gateway_cache_hit then 0 else audio_in end as audio_input_tokens,
    0::bigint as image_input_tokens,
    case when gateway_cache_hit then 0 else completion + reasoning end as output_tokens,
    case when gateway_cache_hit then 0 else audio_out end as audio_output_tokens,
    0::bigint as image_output_tokens,
    null::bigint as training_tokens,
    null::decimal(18, 6) as training_hours,
    null::decimal(18, 6) as hosting_hours,
    null::bigint as web_search_calls,
    null::bigint as file_search_calls,
    null::bigint as code_execution_calls,
    case when gateway_cache_hit then 0 else reasoning end as reasoning_tokens,
    raw_input as raw_input_tokens,
    raw_output as raw_output_tokens,
    case when status_code between 100 and 599 then status_code when status_code = -3 then 499 end as status,
    case when status_code = -3 then 'cancelled' end as error_type,
    null::varchar as finish_reason,
    case when whole(delay_text) >= 0 then whole(delay_text) end as latency_ms,
    gateway_cache_hit,
    null::varchar as region,
    null::varchar as client_network,
    null::varchar as client_agent,
    null::varchar as prompt_digest,
    null::varchar as template_digest,
    null::bigint as max_output_tokens,
    null::double as temperature,
    null::integer as n,
    null::boolean as logprobs,
    coalesce(given(doc.costusd), doc.cost) as reported_cost
from split
