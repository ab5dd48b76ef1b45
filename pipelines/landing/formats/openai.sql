/*---
title = "OpenAI-compatible responses (chat completions, responses, embeddings) and batch output files"
file_types = ["jsonl"]
by_record = true
recognise = [["object", "usage", "model"], ["custom_id", "response"]]
hidden = ["api_key", "api_key_id", "user", "safety_identifier", "client_ip", "user_agent"]

[shape]
id = "VARCHAR"
object = "VARCHAR"
created = "VARCHAR"
created_at = "VARCHAR"
request_id = "VARCHAR"
model = "VARCHAR"
service_tier = "VARCHAR"
status = "VARCHAR"
status_code = "VARCHAR"
latency_ms = "VARCHAR"
provider = "VARCHAR"
organization = "VARCHAR"
organization_id = "VARCHAR"
project = "VARCHAR"
project_id = "VARCHAR"
api_key_id = "VARCHAR"
api_key = "VARCHAR"
user = "VARCHAR"
safety_identifier = "VARCHAR"
region = "VARCHAR"
client_ip = "VARCHAR"
user_agent = "VARCHAR"
prompt_digest = "VARCHAR"
template_digest = "VARCHAR"
max_tokens = "VARCHAR"
max_completion_tokens = "VARCHAR"
max_output_tokens = "VARCHAR"
temperature = "VARCHAR"
n = "VARCHAR"
logprobs = "VARCHAR"
custom_id = "VARCHAR"

[shape.error]
type = "VARCHAR"
code = "VARCHAR"

[shape.metadata]
organization = "VARCHAR"
project = "VARCHAR"
api_key_id = "VARCHAR"

[shape.incomplete_details]
reason = "VARCHAR"

[[shape.choices]]
finish_reason = "VARCHAR"

[[shape.output]]
type = "VARCHAR"

[shape.output.action]
type = "VARCHAR"

[shape.usage]
prompt_tokens = "VARCHAR"
completion_tokens = "VARCHAR"
input_tokens = "VARCHAR"
output_tokens = "VARCHAR"
total_tokens = "VARCHAR"

[shape.usage.prompt_tokens_details]
cached_tokens = "VARCHAR"
cache_write_tokens = "VARCHAR"
audio_tokens = "VARCHAR"
image_tokens = "VARCHAR"
text_tokens = "VARCHAR"

[shape.usage.prompt_tokens_details.cached_tokens_details]
image_tokens = "VARCHAR"

[shape.usage.completion_tokens_details]
reasoning_tokens = "VARCHAR"
audio_tokens = "VARCHAR"
image_tokens = "VARCHAR"

[shape.usage.input_tokens_details]
cached_tokens = "VARCHAR"
cache_write_tokens = "VARCHAR"
audio_tokens = "VARCHAR"
image_tokens = "VARCHAR"
text_tokens = "VARCHAR"

[shape.usage.input_tokens_details.cached_tokens_details]
image_tokens = "VARCHAR"

[shape.usage.output_tokens_details]
reasoning_tokens = "VARCHAR"
audio_tokens = "VARCHAR"
image_tokens = "VARCHAR"

[shape.response]
status_code = "VARCHAR"
request_id = "VARCHAR"

[shape.response.body]
id = "VARCHAR"
object = "VARCHAR"
created = "VARCHAR"
created_at = "VARCHAR"
model = "VARCHAR"
service_tier = "VARCHAR"
status = "VARCHAR"
user = "VARCHAR"
safety_identifier = "VARCHAR"

[shape.response.body.incomplete_details]
reason = "VARCHAR"

[shape.response.body.metadata]
organization = "VARCHAR"
project = "VARCHAR"
api_key_id = "VARCHAR"

[shape.response.body.error]
type = "VARCHAR"
code = "VARCHAR"

[[shape.response.body.choices]]
finish_reason = "VARCHAR"

[[shape.response.body.output]]
type = "VARCHAR"

[shape.response.body.output.action]
type = "VARCHAR"

[shape.response.body.usage]
prompt_tokens = "VARCHAR"
completion_tokens = "VARCHAR"
input_tokens = "VARCHAR"
output_tokens = "VARCHAR"
total_tokens = "VARCHAR"

[shape.response.body.usage.prompt_tokens_details]
cached_tokens = "VARCHAR"
cache_write_tokens = "VARCHAR"
audio_tokens = "VARCHAR"
image_tokens = "VARCHAR"
text_tokens = "VARCHAR"

[shape.response.body.usage.prompt_tokens_details.cached_tokens_details]
image_tokens = "VARCHAR"

[shape.response.body.usage.completion_tokens_details]
reasoning_tokens = "VARCHAR"
audio_tokens = "VARCHAR"
image_tokens = "VARCHAR"

[shape.response.body.usage.input_tokens_details]
cached_tokens = "VARCHAR"
cache_write_tokens = "VARCHAR"
audio_tokens = "VARCHAR"
image_tokens = "VARCHAR"
text_tokens = "VARCHAR"

[shape.response.body.usage.input_tokens_details.cached_tokens_details]
image_tokens = "VARCHAR"

[shape.response.body.usage.output_tokens_details]
reasoning_tokens = "VARCHAR"
audio_tokens = "VARCHAR"
image_tokens = "VARCHAR"
---*/
-- prompt_tokens (input_tokens) include cache reads, cache writes, audio and images; completion_tokens include
-- reasoning, audio and images. A cached image is a cached token: a record that leaves open how many of its image
-- tokens were cached is refused. Calls of the provider's tools are items of the output; of the calls of the web
-- search tool only searches are billed, not the opening of a page or a search in it. A batch result says
-- service_tier "default": that it is a batch shows only from the shape of its line. A failed batch line has an error
-- and no usage: where it says when it was and which model it asked for, or the source's constants do, it is a request
-- with no tokens. Most say neither, and are refused with a reason of their own.
with fields as (
    select
        line,
        raw,
        doc,
        doc.custom_id is not null and (doc.response is not null or doc.error is not null) as is_batch,
        coalesce(doc.usage, doc.response.body.usage) as usage_object,
        coalesce(doc.choices, doc.response.body.choices) as choices,
        coalesce(doc.output, doc.response.body.output) as items,
        coalesce(doc.error, doc.response.body.error) as error,
        coalesce(doc.metadata, doc.response.body.metadata) as metadata,
        coalesce(doc.object, doc.response.body.object) as object_name,
        coalesce(doc.service_tier, doc.response.body.service_tier) as tier,
        coalesce(doc.status_code, doc.response.status_code) as status_text
    from records
),

texts as (
    select
        *,
        coalesce(usage_object.prompt_tokens, usage_object.input_tokens) as input_text,
        coalesce(usage_object.completion_tokens, usage_object.output_tokens) as output_text,
        coalesce(
            usage_object.prompt_tokens_details.cached_tokens, usage_object.input_tokens_details.cached_tokens
        ) as cached_text,
        coalesce(
            usage_object.prompt_tokens_details.cache_write_tokens,
            usage_object.input_tokens_details.cache_write_tokens
        ) as written_text,
        coalesce(
            usage_object.prompt_tokens_details.audio_tokens, usage_object.input_tokens_details.audio_tokens
        ) as audio_in_text,
        coalesce(
            usage_object.prompt_tokens_details.image_tokens, usage_object.input_tokens_details.image_tokens
        ) as images_text,
        coalesce(
            usage_object.prompt_tokens_details.cached_tokens_details.image_tokens,
            usage_object.input_tokens_details.cached_tokens_details.image_tokens
        ) as cached_images_text,
        coalesce(
            usage_object.prompt_tokens_details.text_tokens, usage_object.input_tokens_details.text_tokens
        ) as texts_text,
        coalesce(
            usage_object.completion_tokens_details.audio_tokens, usage_object.output_tokens_details.audio_tokens
        ) as audio_out_text,
        coalesce(
            usage_object.completion_tokens_details.image_tokens, usage_object.output_tokens_details.image_tokens
        ) as image_out_text,
        coalesce(
            usage_object.completion_tokens_details.reasoning_tokens,
            usage_object.output_tokens_details.reasoning_tokens
        ) as reasoning_text
    from fields
),

counts as (
    select
        *,
        tokens(input_text) as raw_input,
        tokens(output_text) as raw_output,
        tokens(cached_text) as cached,
        tokens(written_text) as written,
        tokens(audio_in_text) as audio_in,
        tokens(images_text) as images,
        tokens(audio_out_text) as audio_out,
        tokens(image_out_text) as image_out,
        tokens(reasoning_text) as reasoning,
        error.type is not null or error.code is not null or doc.status = 'failed'
        or whole(status_text) >= 400 as failed
    from texts
),

split as (
    select
        *,
        fresh_images(
            images,
            known_tokens(cached_images_text),
            known_tokens(texts_text),
            raw_input - audio_in,
            cached + written,
            written
        ) as image_in
    from counts
)

select
    line,
    raw,
    doc is null as unreadable,
    case
        when
            is_batch and failed
            and (
                coalesce(
                    doc.created, doc.created_at, doc.response.body.created, doc.response.body.created_at,
                    (select occurred_at from source_constants)
                ) is null
                or coalesce(doc.model, doc.response.body.model, (select model from source_constants)) is null
            )
            then problem(
                case when doc.error is null then 'response.body.error' else 'error' end,
                'is ' || coalesce(shown(coalesce(error.code, error.type)), 'unnamed')
                || ', and a failed batch line that does not say when it was or for which model is no event '
                || '(nothing is billed for it); occurred_at and model under [sources.constants] make it one'
            )
        when input_text is null and output_text is null and not coalesce(failed, false)
            then problem('usage', 'is missing: ask the server for it (streams: stream_options.include_usage)')
        when not_count(input_text) then bad_count('usage.prompt_tokens', input_text)
        when not_count(output_text) then bad_count('usage.completion_tokens', output_text)
        when not_count(usage_object.total_tokens) then bad_count('usage.total_tokens', usage_object.total_tokens)
        when not_count(cached_text) then bad_count('usage.prompt_tokens_details.cached_tokens', cached_text)
        when not_count(written_text) then bad_count('usage.prompt_tokens_details.cache_write_tokens', written_text)
        when not_count(audio_in_text) then bad_count('usage.prompt_tokens_details.audio_tokens', audio_in_text)
        when not_count(images_text) then bad_count('usage.prompt_tokens_details.image_tokens', images_text)
        when
            not_count(cached_images_text)
            then bad_count('usage.prompt_tokens_details.cached_tokens_details.image_tokens', cached_images_text)
        when not_count(audio_out_text) then bad_count('usage.completion_tokens_details.audio_tokens', audio_out_text)
        when
            not_count(image_out_text)
            then bad_count('usage.completion_tokens_details.image_tokens', image_out_text)
        when
            not_count(reasoning_text)
            then bad_count('usage.completion_tokens_details.reasoning_tokens', reasoning_text)
        when cached + written + audio_in > raw_input
            then problem('usage.prompt_tokens', 'is less than its cached, cache-write and audio parts together')
        when images + audio_in > raw_input
            then problem('usage.prompt_tokens', 'is less than its audio and image parts together')
        when tokens(cached_images_text) > cached
            then problem('usage.prompt_tokens_details.cached_tokens', 'is less than its image part')
        when image_in is null and tokens(cached_images_text) > images
            then problem('usage.prompt_tokens_details.image_tokens', 'is less than its cached part')
        when image_in is null then unsplit_images('usage.prompt_tokens_details.image_tokens', images, cached + written)
        when audio_out + image_out > raw_output
            then problem('usage.completion_tokens', 'is less than its audio and image parts together')
        when tokens(usage_object.total_tokens) != raw_input + raw_output and usage_object.total_tokens is not null
            then problem('usage.total_tokens', 'is not the sum of input and output')
    end as problem,
    case
        when is_batch then coalesce(doc.id, doc.response.request_id, doc.response.body.id)
        else coalesce(given(doc.id), doc.request_id)
    end as event_id,
    null::integer as revision,
    coalesce(doc.created, doc.created_at, doc.response.body.created, doc.response.body.created_at) as occurred_at,
    coalesce(given(doc.organization), given(doc.organization_id), metadata.organization) as organization_id,
    coalesce(given(doc.project), given(doc.project_id), metadata.project) as product_id,
    coalesce(given(doc.api_key_id), pseudonym(given(doc.api_key)), metadata.api_key_id) as api_key_id,
    coalesce(
        given(doc.safety_identifier),
        given(doc.user),
        given(doc.response.body.safety_identifier),
        doc.response.body.user
    ) as end_user_id,
    coalesce(provider_name(doc.provider), (select provider from source_constants), 'openai') as provider,
    coalesce(doc.model, doc.response.body.model) as model,
    case when is_batch then 'batch' else service_tier_name(tier) end as service_tier,
    case
        when object_name in ('chat.completion', 'chat.completion.chunk') then 'chat'
        when object_name = 'text_completion' then 'completion'
        when object_name = 'response' then 'response'
        when object_name = 'list' then 'embedding'
        else object_name
    end as operation,
    raw_input - cached - written - audio_in - image_in as input_tokens,
    cached as cached_input_tokens,
    written as cache_write_5m_tokens,
    null::bigint as cache_write_1h_tokens,
    audio_in as audio_input_tokens,
    image_in as image_input_tokens,
    raw_output - audio_out - image_out as output_tokens,
    audio_out as audio_output_tokens,
    image_out as image_output_tokens,
    null::bigint as training_tokens,
    null::decimal(18, 6) as training_hours,
    null::decimal(18, 6) as hosting_hours,
    len([
        item for item in items
        if item.type = 'web_search_call'
        and coalesce(item.action.type, 'search') not in ('open_page', 'find_in_page', 'find')
    ]) as web_search_calls,
    len([item for item in items if item.type = 'file_search_call']) as file_search_calls,
    len([item for item in items if item.type = 'code_interpreter_call']) as code_execution_calls,
    reasoning as reasoning_tokens,
    raw_input as raw_input_tokens,
    raw_output as raw_output_tokens,
    coalesce(status_text, case when failed then '500' else '200' end) as status,
    coalesce(error.type, error.code) as error_type,
    coalesce(
        choices[1].finish_reason,
        doc.incomplete_details.reason,
        doc.response.body.incomplete_details.reason,
        case when coalesce(doc.status, doc.response.body.status) = 'completed' then 'stop' end
    ) as finish_reason,
    doc.latency_ms,
    null::boolean as gateway_cache_hit,
    doc.region,
    pseudonym(given(doc.client_ip)) as client_network,
    doc.user_agent as client_agent,
    doc.prompt_digest,
    doc.template_digest,
    coalesce(doc.max_completion_tokens, doc.max_output_tokens, doc.max_tokens) as max_output_tokens,
    doc.temperature,
    doc.n,
    doc.logprobs,
    null::varchar as reported_cost
from split
