/*---
title = "OpenTelemetry GenAI and OpenInference spans (OTLP JSON lines, as the Collector's file exporter writes them)"
file_types = ["jsonl"]
recognise = ["resourceSpans"]
inside = "$.resourceSpans[*].scopeSpans[*].spans[*]"

# A refused record's text is that of its span. Values of attributes are left out of it: prompts and persons are such
# values too. Names of attributes stay.
[shape]
traceId = "VARCHAR"
spanId = "VARCHAR"
parentSpanId = "VARCHAR"
startTimeUnixNano = "VARCHAR"
endTimeUnixNano = "VARCHAR"

[[shape.attributes]]
key = "VARCHAR"

[shape.status]
code = "VARCHAR"
---*/
-- OTLP/JSON has lowerCamelCase names only (OTLP specification); the Collector's file exporter writes the same.
-- GenAI semantic conventions: gen_ai.usage.input_tokens should include cache reads and cache writes, and audio and
-- image tokens are parts of it; output_tokens should include reasoning and audio. OpenInference counts alike (its
-- Anthropic instrumentation adds cache reads and writes to llm.token_count.prompt). Emitters that leave cached
-- tokens out of the input are refused where it shows: where the parts are more than the whole, or a total says so.
-- Cached audio is not told apart: audio is taken as fresh. Video has no bucket and stays with text, as Google, the
-- one provider that reports it, prices both alike. Cache writes name no lifetime: they are 5-minute ones.
-- Only spans of single calls of a model are billed. Agents, chains, tools and workflows repeat the usage of the calls
-- below them; so may a span that does not say what it is.
-- Who pays is no part of the conventions: meterhouse.organization_id, organization.id or tenant.id of the span, else
-- of its resource; the product is meterhouse.product_id, openinference.project.name or service.name.
with found as (
    select
        line,
        raw,
        case
            when json_valid(raw)
                -- The same spans that `inside` counts.
                then flatten(list_transform(
                    json_extract(raw, '$.resourceSpans[*]'),
                    lambda r: list_transform(
                        json_extract(r, '$.scopeSpans[*].spans[*]'),
                        lambda s: struct_pack(resource := json_extract(r, '$.resource.attributes'), span := s)
                    )
                ))
        end as spans
    from records
),

told as (
    select
        line as file_line,
        raw as file_text,
        unnest(case when len(spans) > 0 then spans else [null] end) as told,
        generate_subscripts(case when len(spans) > 0 then spans else [null] end, 1) as position
    from found
),

entries as (
    select
        row_number() over (order by file_line, position) as line,
        -- Of a line that is no JSON nothing is kept beyond its first array, and it can be very long.
        coalesce(
            told.span::varchar, case when json_valid(file_text) then file_text else left(file_text, 200) end
        ) as raw,
        case
            when told.span is null
                then not (coalesce(json_valid(file_text), false) and starts_with(ltrim(file_text), '{'))
            else json_type(told.span) != 'OBJECT'
        end as unreadable,
        told.span is null as is_empty,
        json_extract_string(told.span, '$.traceId') as trace_id,
        json_extract_string(told.span, '$.spanId') as span_id,
        json_extract_string(told.span, '$.startTimeUnixNano') as start_text,
        json_extract_string(told.span, '$.endTimeUnixNano') as end_text,
        json_extract_string(told.span, '$.status.code') as status_code,
        list_transform(
            [json_extract(told.span, '$.attributes'), told.resource],
            lambda a: list_transform(
                list_filter(
                    try(from_json(
                        a,
                        '[{"key": "VARCHAR", "value": {"stringValue": "VARCHAR", "intValue": "VARCHAR", '
                        || '"doubleValue": "VARCHAR", "boolValue": "VARCHAR", '
                        || '"arrayValue": {"values": [{"stringValue": "VARCHAR"}]}}}]'
                    )),
                    lambda e: e.key is not null
                ),
                lambda e: {
                    'key': e.key,
                    'value': coalesce(
                        e.value.stringvalue,
                        e.value.intvalue,
                        e.value.doublevalue,
                        e.value.boolvalue,
                        e.value.arrayvalue.values[1].stringvalue
                    )
                }
            )
        ) as lists
    from told
),

attributes as (
    select
        * exclude (lists),
        -- Of a name that comes twice the first counts.
        map_from_entries(list_transform(
            list_distinct(list_transform(lists[1], lambda e: e.key)),
            lambda k: list_filter(lists[1], lambda e: e.key = k)[1]
        )) as own,
        map_from_entries(list_transform(
            list_distinct(list_transform(lists[2], lambda e: e.key)),
            lambda k: list_filter(lists[2], lambda e: e.key = k)[1]
        )) as shared
    from entries
),

texts as (
    select
        *,
        given(coalesce(own['gen_ai.operation.name'], own['llm.request.type'])) as operation_text,
        given(own['openinference.span.kind']) as kind,
        given(own['error.type']) as error_type,
        coalesce(
            given(own['gen_ai.provider.name']),
            given(own['gen_ai.system']),
            given(own['llm.provider']),
            given(own['llm.system'])
        ) as provider_text,
        own['http.response.status_code'] as http_status,
        [
            own['gen_ai.usage.input_tokens'], own['gen_ai.usage.prompt_tokens'], own['llm.token_count.prompt']
        ] as inputs,
        [
            own['gen_ai.usage.output_tokens'],
            own['gen_ai.usage.completion_tokens'],
            own['llm.token_count.completion']
        ] as outputs,
        [
            own['gen_ai.usage.cache_read.input_tokens'],
            own['gen_ai.usage.cache_read_input_tokens'],
            own['llm.token_count.prompt_details.cache_read']
        ] as reads,
        [
            own['gen_ai.usage.cache_creation.input_tokens'],
            own['gen_ai.usage.cache_creation_input_tokens'],
            own['llm.token_count.prompt_details.cache_write']
        ] as writes,
        [
            own['gen_ai.usage.reasoning.output_tokens'],
            own['gen_ai.usage.reasoning_tokens'],
            own['llm.token_count.completion_details.reasoning']
        ] as reasonings,
        [
            own['gen_ai.usage.total_tokens'], own['llm.usage.total_tokens'], own['llm.token_count.total']
        ] as totals,
        coalesce(
            own['gen_ai.usage.audio.input_tokens'], own['llm.token_count.prompt_details.audio']
        ) as audio_in_text,
        coalesce(
            own['gen_ai.usage.audio.output_tokens'], own['llm.token_count.completion_details.audio']
        ) as audio_out_text,
        own['gen_ai.usage.image.input_tokens'] as images_text,
        own['gen_ai.usage.text.input_tokens'] as texts_text,
        own['gen_ai.usage.video.input_tokens'] as video_text
    from attributes
),

counts as (
    select
        *,
        coalesce(inputs[1], inputs[2], inputs[3]) as input_text,
        coalesce(outputs[1], outputs[2], outputs[3]) as output_text,
        coalesce(reads[1], reads[2], reads[3]) as cached_text,
        coalesce(writes[1], writes[2], writes[3]) as written_text,
        coalesce(reasonings[1], reasonings[2], reasonings[3]) as reasoning_text,
        coalesce(totals[1], totals[2], totals[3]) as total_text,
        tokens(input_text) as raw_input,
        tokens(output_text) as raw_output,
        tokens(cached_text) as cached,
        tokens(written_text) as written,
        tokens(reasoning_text) as reasoning,
        tokens(audio_in_text) as audio_in,
        tokens(audio_out_text) as audio_out,
        tokens(images_text) as images,
        -- 0 is a time that was not set.
        case when whole(start_text) > 0 then whole(start_text) end as started,
        case when whole(end_text) > 0 then whole(end_text) end as ended,
        lower(coalesce(operation_text, kind)) in ('embeddings', 'embedding') as is_embedding,
        coalesce(
            status_code in ('2', 'STATUS_CODE_ERROR') or error_type is not null or whole(http_status) >= 400, false
        ) as failed
    from texts
),

split as (
    select
        *,
        fresh_images(
            images, null::bigint, known_tokens(texts_text), raw_input - audio_in, cached + written, written
        ) as image_in
    from counts
)

select
    line,
    raw,
    unreadable,
    case
        when is_empty
            then problem('resourceSpans', 'holds no span: only traces are read (resourceSpans[].scopeSpans[].spans[])')
        when upper(kind) not in ('LLM', 'EMBEDDING')
            then problem(
                'openinference.span.kind', 'is ' || shown(kind) || ': only LLM and EMBEDDING spans are calls of a model'
            )
        when
            lower(operation_text) not in (
                'chat', 'text_completion', 'generate_content', 'embeddings', 'completion', 'embedding'
            )
            then problem(
                'gen_ai.operation.name',
                'is ' || shown(operation_text)
                || ': only chat, text_completion, generate_content and embeddings are calls of a model'
            )
        when operation_text is null and kind is null
            then problem(
                'gen_ai.operation.name', 'is missing: whether the span is a call of a model is not known'
            )
        when end_text is not null and whole(end_text) is null
            then problem('endTimeUnixNano', 'is not a time in nanoseconds: ' || shown(end_text))
        when start_text is not null and whole(start_text) is null
            then problem('startTimeUnixNano', 'is not a time in nanoseconds: ' || shown(start_text))
        when input_text is null and output_text is null and not failed
            then problem('gen_ai.usage.input_tokens', 'is missing: the answer''s usage was not recorded')
        when input_text is null and not failed then problem('gen_ai.usage.input_tokens', 'is missing')
        when output_text is null and not failed and not is_embedding
            then problem('gen_ai.usage.output_tokens', 'is missing')
        when not_count(input_text) then bad_count('gen_ai.usage.input_tokens', input_text)
        when not_count(output_text) then bad_count('gen_ai.usage.output_tokens', output_text)
        when not_count(total_text) then bad_count('gen_ai.usage.total_tokens', total_text)
        when not_count(cached_text) then bad_count('gen_ai.usage.cache_read.input_tokens', cached_text)
        when not_count(written_text) then bad_count('gen_ai.usage.cache_creation.input_tokens', written_text)
        when not_count(reasoning_text) then bad_count('gen_ai.usage.reasoning.output_tokens', reasoning_text)
        when not_count(audio_in_text) then bad_count('gen_ai.usage.audio.input_tokens', audio_in_text)
        when not_count(images_text) then bad_count('gen_ai.usage.image.input_tokens', images_text)
        when not_count(video_text) then bad_count('gen_ai.usage.video.input_tokens', video_text)
        when not_count(audio_out_text) then bad_count('gen_ai.usage.audio.output_tokens', audio_out_text)
        when len(list_distinct([whole(t) for t in inputs])) > 1
            then problem('gen_ai.usage.input_tokens', 'is another number under its deprecated or OpenInference name')
        when len(list_distinct([whole(t) for t in outputs])) > 1
            then problem('gen_ai.usage.output_tokens', 'is another number under its deprecated or OpenInference name')
        when len(list_distinct([whole(t) for t in reads])) > 1
            then problem('gen_ai.usage.cache_read.input_tokens', 'is another number under its other names')
        when len(list_distinct([whole(t) for t in writes])) > 1
            then problem('gen_ai.usage.cache_creation.input_tokens', 'is another number under its other names')
        when len(list_distinct([whole(t) for t in reasonings])) > 1
            then problem('gen_ai.usage.reasoning.output_tokens', 'is another number under its other names')
        when cached + written + audio_in > raw_input
            then problem(
                'gen_ai.usage.input_tokens',
                'is less than its cached, cache-write and audio parts together: it must include them'
            )
        when images + audio_in + tokens(video_text) > raw_input
            then problem('gen_ai.usage.input_tokens', 'is less than its audio, image and video parts together')
        when image_in is null then unsplit_images('gen_ai.usage.image.input_tokens', images, cached + written)
        when audio_out > raw_output
            then problem('gen_ai.usage.output_tokens', 'is less than its audio part')
        when reasoning > raw_output - audio_out
            then problem('gen_ai.usage.output_tokens', 'is less than its reasoning part: it must include it')
        when total_text is not null and tokens(total_text) != raw_input + raw_output
            then problem('gen_ai.usage.total_tokens', 'is not the sum of input and output')
    end as problem,
    given(trace_id) || ':' || given(span_id) as event_id,
    null::integer as revision,
    try(make_timestamp(coalesce(ended, started) // 1000)) as occurred_at,
    coalesce(
        given(own['meterhouse.organization_id']),
        given(own['organization.id']),
        given(own['tenant.id']),
        given(shared['meterhouse.organization_id']),
        given(shared['organization.id']),
        given(shared['tenant.id'])
    ) as organization_id,
    coalesce(
        given(own['meterhouse.product_id']),
        given(shared['meterhouse.product_id']),
        given(shared['openinference.project.name']),
        given(shared['service.name'])
    ) as product_id,
    coalesce(given(own['meterhouse.api_key_id']), given(shared['meterhouse.api_key_id'])) as api_key_id,
    coalesce(given(own['user.id']), given(own['enduser.id'])) as end_user_id,
    -- Names of the conventions that the others do not have.
    case
        when lower(provider_text) in ('gcp.gen_ai', 'vertexai') then 'google'
        when lower(provider_text) in ('azure.ai.inference', 'az.ai.inference', 'az.ai.openai') then 'azure'
        else provider_text
    end as provider,
    coalesce(
        given(own['gen_ai.response.model']),
        given(own['llm.response.model_name']),
        given(own['gen_ai.request.model']),
        given(own['llm.model_name']),
        given(own['embedding.model_name'])
    ) as model,
    service_tier_name(
        coalesce(own['openai.response.service_tier'], own['gen_ai.openai.response.service_tier'])
    ) as service_tier,
    case
        when is_embedding then 'embedding'
        when lower(operation_text) in ('text_completion', 'completion') then 'completion'
        when lower(own['openai.api.type']) = 'responses' then 'response'
        else 'chat'
    end as operation,
    raw_input - cached - written - audio_in - image_in as input_tokens,
    cached as cached_input_tokens,
    written as cache_write_5m_tokens,
    null::bigint as cache_write_1h_tokens,
    audio_in as audio_input_tokens,
    image_in as image_input_tokens,
    raw_output - audio_out as output_tokens,
    audio_out as audio_output_tokens,
    null::bigint as image_output_tokens,
    null::bigint as training_tokens,
    null::decimal(18, 6) as training_hours,
    null::decimal(18, 6) as hosting_hours,
    null::bigint as web_search_calls,
    null::bigint as file_search_calls,
    null::bigint as code_execution_calls,
    reasoning as reasoning_tokens,
    raw_input as raw_input_tokens,
    raw_output as raw_output_tokens,
    case
        when whole(http_status) between 100 and 599 then whole(http_status)
        -- Of an error of HTTP its type is the number.
        when whole(error_type) between 100 and 599 then whole(error_type)
        when failed then 500
        else 200
    end as status,
    error_type,
    case
        when starts_with(own['gen_ai.response.finish_reasons'], '[')
            then json_extract_string(try_cast(own['gen_ai.response.finish_reasons'] as json), '$[0]')
        else own['gen_ai.response.finish_reasons']
    end as finish_reason,
    case when ended >= started then (ended - started) // 1000000 end as latency_ms,
    null::boolean as gateway_cache_hit,
    coalesce(own['meterhouse.region'], shared['meterhouse.region']) as region,
    pseudonym(given(own['client.address'])) as client_network,
    own['user_agent.original'] as client_agent,
    own['meterhouse.prompt_digest'] as prompt_digest,
    own['meterhouse.template_digest'] as template_digest,
    own['gen_ai.request.max_tokens'] as max_output_tokens,
    own['gen_ai.request.temperature'] as temperature,
    own['gen_ai.request.choice.count'] as n,
    null::boolean as logprobs,
    -- In USD: OpenInference says so of llm.cost.total; the other is OpenLIT's, which prices in USD.
    coalesce(own['llm.cost.total'], own['gen_ai.usage.cost']) as reported_cost
from split
