/*---
title = "Langfuse observations (blob storage export observations_v2 or observations, or answers of its API)"
file_types = ["jsonl", "csv", "parquet"]
alone = true
recognise = [["trace_id", "type", "start_time", "usage_details"], ["traceId", "type", "startTime", "usageDetails"]]
hidden = ["user_id", "userId"]

[shape]
id = "VARCHAR"
type = "VARCHAR"
trace_id = "VARCHAR"
project_id = "VARCHAR"
start_time = "VARCHAR"
end_time = "VARCHAR"
level = "VARCHAR"
provided_model_name = "VARCHAR"
total_cost = "VARCHAR"
updated_at = "VARCHAR"
user_id = "VARCHAR"

# The API's names of the same.
traceId = "VARCHAR"
projectId = "VARCHAR"
startTime = "VARCHAR"
endTime = "VARCHAR"
providedModelName = "VARCHAR"
model = "VARCHAR"
totalCost = "VARCHAR"
calculatedTotalCost = "VARCHAR"
updatedAt = "VARCHAR"
userId = "VARCHAR"

# What is nested is read from the record's text, as in a table it is a text, a map or an object. Named here, "input" and
# "output" of usage_details would be texts that quarantine keeps, and the observation's own are prompt and answer.
---*/
-- Langfuse docs, token and cost tracking: the keys of usage_details are buckets that exclude each other. `input` leaves
-- out every input_*, `output` every output_*, and `total` is their sum. So reasoning is added to the text output. Flat
-- usage is stored as it was sent, inclusive or not: a total that is not the sum is refused, and so are the keys of a
-- provider's own usage (prompt_tokens …), a second name for tokens that another key has, and keys that are not known.
-- Cache writes that name no lifetime are 5-minute ones; those beside both lifetimes are the rest (Langfuse's own
-- ingestion subtracts), unless they are the very sum of these.
-- Docs, blob storage export: times are UTC without a zone. latency is in seconds, but in milliseconds in enriched
-- exports that were set up before April 2026: the two times tell it instead. Costs are in USD.
-- An observation is exported again when it was updated: the later updated_at amends. The contract's revision is an
-- integer, so it is the seconds from 2020 to updated_at. Two contents of the same second are a conflict.
-- Langfuse does not know who serves a model: metadata does where the caller (provider), LangChain (ls_provider) or
-- OpenTelemetry wrote it there, else the source's constants. Who pays: metadata.organization_id or tenant_id.
with known as (
    select
        ['input', 'input_tokens', 'input_text', 'input_text_tokens', 'input_modality_1'] as fresh_keys,
        ['input_cached_tokens', 'input_cache_read', 'cache_read_input_tokens'] as cached_keys,
        [
            'input_cache_creation',
            'cache_creation_input_tokens',
            'input_cache_write',
            'input_cache_write_tokens',
            'cache_write_tokens'
        ] as written_keys,
        ['input_cache_creation_5m'] as written_5m_keys,
        ['input_cache_creation_1h'] as written_1h_keys,
        ['input_audio_tokens', 'input_audio'] as audio_in_keys,
        ['input_image_tokens', 'input_image'] as image_in_keys,
        ['output', 'output_tokens', 'output_text', 'output_text_tokens', 'output_modality_1'] as text_keys,
        -- Parts of OpenAI's completion that Langfuse takes off `output`; they are billed as output all the same.
        ['output_accepted_prediction_tokens'] as accepted_keys,
        ['output_rejected_prediction_tokens'] as rejected_keys,
        ['output_reasoning_tokens', 'output_reasoning', 'reasoning_tokens'] as reasoning_keys,
        ['output_audio_tokens', 'output_audio'] as audio_out_keys,
        ['output_image_tokens', 'output_image'] as image_out_keys,
        list_concat(
            fresh_keys, cached_keys, written_keys, written_5m_keys, written_1h_keys, audio_in_keys, image_in_keys,
            text_keys, accepted_keys, rejected_keys, reasoning_keys, audio_out_keys, image_out_keys, ['total']
        ) as all_keys
),

fields as (
    select
        records.*,
        known.*,
        upper(given(doc.type)) as kind,
        -- Objects as text, whatever they were.
        case
            when doc is not null
                then json_extract_string(
                    raw,
                    [
                        '$.usage_details', '$.usageDetails', '$.cost_details', '$.costDetails', '$.model_parameters',
                        '$.modelParameters', '$.metadata', '$.usage.unit'
                    ]
                )
        end as nested,
        coalesce(given(doc.total_cost), given(doc.totalcost), given(doc.calculatedtotalcost)) as cost,
        coalesce(given(doc.start_time), given(doc.starttime)) as start_text,
        coalesce(given(doc.end_time), given(doc.endtime)) as end_text,
        coalesce(given(doc.updated_at), given(doc.updatedat)) as updated_text,
        upper(coalesce(doc.level, '')) = 'ERROR' as failed,
        try(from_json(coalesce(nested[1], nested[2]), '"MAP(VARCHAR, VARCHAR)"')) as used,
        try_cast(coalesce(nested[3], nested[4]) as json) as costs,
        try_cast(coalesce(nested[5], nested[6]) as json) as parameters,
        try_cast(nested[7] as json) as metadata,
        given(nested[8]) as unit
    from records cross join known
),

usage as (
    select
        *,
        -- Where OpenTelemetry spans were sent to Langfuse, it keeps their attributes here.
        try_cast(json_extract_string(metadata, '$.attributes') as json) as attributes,
        list_filter(map_entries(used), lambda e: not_count(e.value))[1] as bad,
        list_filter(
            map_keys(used), lambda k: not list_contains(all_keys, k) and whole(used[k]) is distinct from 0
            and used[k] is not null
        )[1] as unknown_key,
        -- Of several names for one bucket, those with tokens.
        list_filter(
            [
                list_filter(names, lambda k: tokens(used[k]) > 0)
                for names in [
                    fresh_keys, cached_keys, written_keys, audio_in_keys, image_in_keys, text_keys, reasoning_keys,
                    audio_out_keys, image_out_keys
                ]
            ],
            lambda twins: len(twins) > 1
        )[1] as twins,
        list_sum([tokens(used[k]) for k in fresh_keys])::bigint as fresh,
        list_sum([tokens(used[k]) for k in cached_keys])::bigint as cached,
        list_sum([tokens(used[k]) for k in written_keys])::bigint as written,
        list_sum([tokens(used[k]) for k in written_5m_keys])::bigint as written_5m,
        list_sum([tokens(used[k]) for k in written_1h_keys])::bigint as written_1h,
        list_sum([tokens(used[k]) for k in audio_in_keys])::bigint as audio_in,
        list_sum([tokens(used[k]) for k in image_in_keys])::bigint as image_in,
        list_sum([tokens(used[k]) for k in list_concat(text_keys, accepted_keys, rejected_keys)])::bigint as text_out,
        list_sum([tokens(used[k]) for k in reasoning_keys])::bigint as reasoning,
        list_sum([tokens(used[k]) for k in audio_out_keys])::bigint as audio_out,
        list_sum([tokens(used[k]) for k in image_out_keys])::bigint as image_out
    from fields
),

sums as (
    select
        *,
        fresh + cached + written + written_5m + written_1h + audio_in + image_in as raw_input,
        text_out + reasoning + audio_out + image_out as raw_output
    from usage
)

select
    line,
    raw,
    doc is null as unreadable,
    case
        when kind is null then problem('type', 'is missing')
        when kind not in ('GENERATION', 'EMBEDDING')
            then problem('type', 'is ' || shown(kind) || ': only GENERATION and EMBEDDING are calls of a model')
        when updated_text is not null and instant(updated_text) is null
            then problem('updated_at', 'is not a time: ' || shown(updated_text))
        when upper(unit) != 'TOKENS' then problem('usage.unit', 'is ' || shown(unit) || ': only TOKENS are metered')
        when coalesce(cardinality(used), 0) = 0 and not failed
            then problem('usage_details', 'is missing: the observation has no usage, or was exported before it ended')
        when unknown_key is not null
            then problem(
                'usage_details',
                'has tokens under ' || shown(unknown_key) || ': whether other keys include them does not follow; '
                || 'send input, output and input_* or output_* keys that exclude each other'
            )
        when bad is not null then bad_count('usage_details.' || bad.key, bad.value)
        when twins is not null
            then problem(
                'usage_details',
                'has the same tokens, or two parts of them, under ' || array_to_string(twins, ' and ')
                || ': which does not follow; send one of these keys'
            )
        when written > 0 and written = written_5m + written_1h
            then problem(
                'usage_details',
                'has cache writes without a lifetime that are the sum of those with one: '
                || 'whether they are the same tokens does not follow'
            )
        when used['total'] is not null and tokens(used['total']) != raw_input + raw_output
            then problem(
                'usage_details.total',
                'is ' || tokens(used['total']) || ', but the other keys add up to ' || (raw_input + raw_output)
                || ': they must exclude each other'
            )
    end as problem,
    doc.id as event_id,
    date_diff('second', timestamp '2020-01-01', instant(updated_text))::varchar as revision,
    coalesce(end_text, start_text) as occurred_at,
    coalesce(
        given(json_extract_string(metadata, '$.organization_id')), given(json_extract_string(metadata, '$.tenant_id'))
    ) as organization_id,
    coalesce(
        given(json_extract_string(metadata, '$.product_id')), given(doc.project_id), given(doc.projectid)
    ) as product_id,
    null::varchar as api_key_id,
    coalesce(given(doc.user_id), given(doc.userid)) as end_user_id,
    coalesce(
        given(json_extract_string(metadata, '$.provider')),
        given(json_extract_string(metadata, '$.ls_provider')),
        given(json_extract_string(attributes, '$."gen_ai.provider.name"')),
        given(json_extract_string(attributes, '$."gen_ai.system"'))
    ) as provider,
    coalesce(given(doc.provided_model_name), given(doc.providedmodelname), given(doc.model)) as model,
    service_tier_name(json_extract_string(parameters, '$.service_tier')) as service_tier,
    case when kind = 'EMBEDDING' then 'embedding' else 'chat' end as operation,
    fresh as input_tokens,
    cached as cached_input_tokens,
    written + written_5m as cache_write_5m_tokens,
    written_1h as cache_write_1h_tokens,
    audio_in as audio_input_tokens,
    image_in as image_input_tokens,
    text_out + reasoning as output_tokens,
    audio_out as audio_output_tokens,
    image_out as image_output_tokens,
    null::bigint as training_tokens,
    null::decimal(18, 6) as training_hours,
    null::decimal(18, 6) as hosting_hours,
    null::bigint as web_search_calls,
    null::bigint as file_search_calls,
    null::bigint as code_execution_calls,
    reasoning as reasoning_tokens,
    raw_input as raw_input_tokens,
    raw_output as raw_output_tokens,
    case when failed then 500 else 200 end as status,
    null::varchar as error_type,
    null::varchar as finish_reason,
    case
        when instant(end_text) >= instant(start_text)
            then date_diff('millisecond', instant(start_text), instant(end_text))
    end as latency_ms,
    null::boolean as gateway_cache_hit,
    null::varchar as region,
    null::varchar as client_network,
    null::varchar as client_agent,
    null::varchar as prompt_digest,
    null::varchar as template_digest,
    coalesce(
        json_extract_string(parameters, '$.max_completion_tokens'),
        json_extract_string(parameters, '$.max_output_tokens'),
        json_extract_string(parameters, '$.max_tokens')
    ) as max_output_tokens,
    json_extract_string(parameters, '$.temperature') as temperature,
    json_extract_string(parameters, '$.n') as n,
    json_extract_string(parameters, '$.logprobs') as logprobs,
    -- 0 is also what stands where Langfuse had no price.
    case when try_cast(cost as double) != 0 or len(json_keys(costs)) > 0 then cost end as reported_cost
from sums
