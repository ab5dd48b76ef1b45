/*---
title = "Gemini API and Vertex AI generateContent responses, and lines of their batch results"
file_types = ["jsonl"]
by_record = true
recognise = [
    ["usageMetadata", "modelVersion"],
    ["usage_metadata", "model_version"],
    ["processed_time", "request", "response"],
]
hidden = [
    "api_key", "api_key_id", "user", "client_ip", "user_agent", "status", "webSearchQueries", "web_search_queries",
]

[shape]
responseId = "VARCHAR"
response_id = "VARCHAR"
modelVersion = "VARCHAR"
model_version = "VARCHAR"
createTime = "VARCHAR"
create_time = "VARCHAR"
key = "VARCHAR"
status = "VARCHAR"
processed_time = "VARCHAR"

# What a proxy or logger adds, by the same names as in openai.sql.
id = "VARCHAR"
request_id = "VARCHAR"
created = "VARCHAR"
created_at = "VARCHAR"
timestamp = "VARCHAR"
model = "VARCHAR"
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
region = "VARCHAR"
client_ip = "VARCHAR"
user_agent = "VARCHAR"
prompt_digest = "VARCHAR"
template_digest = "VARCHAR"
max_output_tokens = "VARCHAR"
temperature = "VARCHAR"

[shape.metadata]
organization = "VARCHAR"
project = "VARCHAR"
api_key_id = "VARCHAR"

[shape.error]
code = "VARCHAR"
status = "VARCHAR"

[shape.request.generationConfig]
maxOutputTokens = "VARCHAR"
temperature = "VARCHAR"
candidateCount = "VARCHAR"

[shape.usageMetadata]
promptTokenCount = "VARCHAR"
cachedContentTokenCount = "VARCHAR"
candidatesTokenCount = "VARCHAR"
thoughtsTokenCount = "VARCHAR"
toolUsePromptTokenCount = "VARCHAR"
totalTokenCount = "VARCHAR"
trafficType = "VARCHAR"
serviceTier = "VARCHAR"
promptTokensDetails = [{ modality = "VARCHAR", tokenCount = "VARCHAR" }]
cacheTokensDetails = [{ modality = "VARCHAR", tokenCount = "VARCHAR" }]
candidatesTokensDetails = [{ modality = "VARCHAR", tokenCount = "VARCHAR" }]
toolUsePromptTokensDetails = [{ modality = "VARCHAR", tokenCount = "VARCHAR" }]

[shape.usage_metadata]
prompt_token_count = "VARCHAR"
cached_content_token_count = "VARCHAR"
candidates_token_count = "VARCHAR"
thoughts_token_count = "VARCHAR"
tool_use_prompt_token_count = "VARCHAR"
total_token_count = "VARCHAR"
traffic_type = "VARCHAR"
service_tier = "VARCHAR"
prompt_tokens_details = [{ modality = "VARCHAR", token_count = "VARCHAR" }]
cache_tokens_details = [{ modality = "VARCHAR", token_count = "VARCHAR" }]
candidates_tokens_details = [{ modality = "VARCHAR", token_count = "VARCHAR" }]
tool_use_prompt_tokens_details = [{ modality = "VARCHAR", token_count = "VARCHAR" }]

[[shape.candidates]]
finishReason = "VARCHAR"
finish_reason = "VARCHAR"

# Only counted: they are hidden, as all that a model wrote.
[shape.candidates.groundingMetadata]
webSearchQueries = "VARCHAR"

[shape.candidates.grounding_metadata]
web_search_queries = "VARCHAR"

[shape.promptFeedback]
blockReason = "VARCHAR"

[shape.prompt_feedback]
block_reason = "VARCHAR"

# Result files of batches are always in camel case.
[shape.response]
responseId = "VARCHAR"
modelVersion = "VARCHAR"
createTime = "VARCHAR"

[shape.response.usageMetadata]
promptTokenCount = "VARCHAR"
cachedContentTokenCount = "VARCHAR"
candidatesTokenCount = "VARCHAR"
thoughtsTokenCount = "VARCHAR"
toolUsePromptTokenCount = "VARCHAR"
totalTokenCount = "VARCHAR"
trafficType = "VARCHAR"
serviceTier = "VARCHAR"
promptTokensDetails = [{ modality = "VARCHAR", tokenCount = "VARCHAR" }]
cacheTokensDetails = [{ modality = "VARCHAR", tokenCount = "VARCHAR" }]
candidatesTokensDetails = [{ modality = "VARCHAR", tokenCount = "VARCHAR" }]
toolUsePromptTokensDetails = [{ modality = "VARCHAR", tokenCount = "VARCHAR" }]

[[shape.response.candidates]]
finishReason = "VARCHAR"

[shape.response.candidates.groundingMetadata]
webSearchQueries = "VARCHAR"

[shape.response.promptFeedback]
blockReason = "VARCHAR"
---*/
-- Google's reference of UsageMetadata: promptTokenCount includes what was cached and every modality; what tools put
-- into the prompt is counted apart (toolUsePromptTokenCount) and is input; candidatesTokenCount leaves out thoughts,
-- and totalTokenCount is the sum of these four. Some versions counted thoughts among the candidates: the total tells,
-- and thoughts without a total are refused. Counts that are 0 are left out.
-- Details name modalities. Images, videos and pages of documents are all image input here: their tokens have one price.
-- A cached token may be of any kind: where neither cacheTokensDetails nor the numbers say how much of the audio or of
-- the images was cached, the record is refused.
-- Google bills a search of Gemini 3 and later by the query, of older models by the prompt, however many queries
-- (Gemini API pricing). Provisioned throughput is "scale". A model's name is the last part of its resource's name,
-- without "@default". Vertex AI says when a call began (createTime), the Gemini API does not: the logger has to.
-- A line of a batch holds the response and a status (Vertex AI, with processed_time) or a key (Gemini API).
with fields as (
    select
        line,
        raw,
        doc,
        doc.response is not null or doc.processed_time is not null or doc.key is not null as is_nested,
        -- A status that says something is an error; a logger's own would stand beside a usage.
        doc.processed_time is not null or doc.key is not null or coalesce(
            doc.status = ''
            or (whole(doc.status) is null and doc.status != '' and doc.response.usagemetadata.prompttokencount is null),
            false
        ) as has_batch_field,
        coalesce(doc.usagemetadata, doc.response.usagemetadata) as camel,
        doc.usage_metadata as snake,
        coalesce(
            [
                {
                    'reason': coalesce(c.finishreason, c.finish_reason),
                    'queries': coalesce(c.groundingmetadata.websearchqueries, c.grounding_metadata.web_search_queries)
                } for c in doc.candidates
            ],
            [
                { 'reason': c.finishreason, 'queries': c.groundingmetadata.websearchqueries }
                for c in doc.response.candidates
            ]
        ) as candidates,
        coalesce(
            given(doc.modelversion),
            given(doc.model_version),
            given(doc.response.modelversion),
            given(doc.model)
        ) as model_text,
        coalesce(given(doc.responseid), given(doc.response_id), given(doc.response.responseid)) as response_id,
        coalesce(doc.createtime, doc.create_time, doc.response.createtime) as start_text
    from records
),

texts as (
    select
        *,
        is_nested and has_batch_field as is_batch,
        coalesce(camel.prompttokencount, snake.prompt_token_count) as prompt_text,
        coalesce(camel.cachedcontenttokencount, snake.cached_content_token_count) as cached_text,
        coalesce(camel.candidatestokencount, snake.candidates_token_count) as candidates_text,
        coalesce(camel.thoughtstokencount, snake.thoughts_token_count) as thoughts_text,
        coalesce(camel.tooluseprompttokencount, snake.tool_use_prompt_token_count) as tool_text,
        coalesce(camel.totaltokencount, snake.total_token_count) as total_text,
        coalesce(
            [{ 'of': upper(d.modality), 'n': d.tokencount } for d in camel.prompttokensdetails],
            [{ 'of': upper(d.modality), 'n': d.token_count } for d in snake.prompt_tokens_details]
        ) as prompt_parts,
        coalesce(
            [{ 'of': upper(d.modality), 'n': d.tokencount } for d in camel.cachetokensdetails],
            [{ 'of': upper(d.modality), 'n': d.token_count } for d in snake.cache_tokens_details]
        ) as cached_parts,
        coalesce(
            [{ 'of': upper(d.modality), 'n': d.tokencount } for d in camel.tooluseprompttokensdetails],
            [{ 'of': upper(d.modality), 'n': d.token_count } for d in snake.tool_use_prompt_tokens_details]
        ) as tool_parts,
        coalesce(
            [{ 'of': upper(d.modality), 'n': d.tokencount } for d in camel.candidatestokensdetails],
            [{ 'of': upper(d.modality), 'n': d.token_count } for d in snake.candidates_tokens_details]
        ) as output_parts,
        coalesce(
            given(camel.traffictype), given(snake.traffic_type), given(camel.servicetier), given(snake.service_tier)
        ) as tier,
        -- Vertex AI writes the error of a batch line as text.
        case when is_nested and has_batch_field then given(doc.status) end as batch_error,
        replace(regexp_extract(model_text, '[^/]*$'), '@default', '') as model_name,
        list_sum([coalesce(try(json_array_length(c.queries)), 0) for c in candidates]) as queries
    from fields
),

counts as (
    select
        *,
        tokens(prompt_text) as prompt,
        tokens(cached_text) as cached,
        tokens(candidates_text) as answered,
        tokens(thoughts_text) as thoughts,
        tokens(tool_text) as tool,
        known_tokens(total_text) as total,
        [
            p for p in list_concat(prompt_parts, cached_parts, tool_parts)
            if not_count(p.n)
            or (tokens(p.n) > 0 and coalesce(p.of, '') not in ('TEXT', 'AUDIO', 'IMAGE', 'VIDEO', 'DOCUMENT'))
        ] as bad_inputs,
        [
            p for p in output_parts
            if not_count(p.n) or (tokens(p.n) > 0 and coalesce(p.of, '') not in ('TEXT', 'AUDIO', 'IMAGE'))
        ] as bad_outputs,
        coalesce(list_sum([tokens(p.n) for p in prompt_parts]), 0)::bigint as parts,
        coalesce(list_sum([tokens(p.n) for p in prompt_parts if p.of = 'AUDIO']), 0)::bigint as audio,
        coalesce(
            list_sum([tokens(p.n) for p in prompt_parts if p.of in ('IMAGE', 'VIDEO', 'DOCUMENT')]), 0
        )::bigint as images,
        coalesce(list_sum([tokens(p.n) for p in cached_parts]), 0)::bigint as cached_told,
        coalesce(list_sum([tokens(p.n) for p in cached_parts if p.of = 'AUDIO']), 0)::bigint as cached_audio_told,
        coalesce(
            list_sum([tokens(p.n) for p in cached_parts if p.of in ('IMAGE', 'VIDEO', 'DOCUMENT')]), 0
        )::bigint as cached_images_told,
        coalesce(list_sum([tokens(p.n) for p in tool_parts if p.of = 'AUDIO']), 0)::bigint as tool_audio,
        coalesce(
            list_sum([tokens(p.n) for p in tool_parts if p.of in ('IMAGE', 'VIDEO', 'DOCUMENT')]), 0
        )::bigint as tool_images,
        coalesce(list_sum([tokens(p.n) for p in output_parts if p.of = 'AUDIO']), 0)::bigint as audio_out,
        coalesce(list_sum([tokens(p.n) for p in output_parts if p.of = 'IMAGE']), 0)::bigint as image_out,
        coalesce(
            doc.error.code is not null or doc.error.status is not null or batch_error is not null
            or whole(doc.status_code) >= 400,
            false
        ) as failed
    from texts
),

-- Of the audio and images of a prompt, what was cached: as told, else where the least and the most that can be are
-- the same number.
cached_kinds as (
    select
        *,
        case
            when cached_told = cached then cached_audio_told
            when greatest(cached - (prompt - audio), 0) = least(audio, cached) then least(audio, cached)
        end as cached_audio,
        case
            when cached_told = cached then cached_images_told
            when greatest(cached - (prompt - images), 0) = least(images, cached) then least(images, cached)
        end as cached_images,
        case
            when total is null and thoughts > 0 then null
            when total = prompt + tool + answered and thoughts <= answered then answered
            else answered + thoughts
        end as output
    from counts
),

split as (
    select
        *,
        -- Details may leave out what was cached.
        case
            when audio = 0 then 0
            when parts = prompt - cached then audio
            when parts = prompt then audio - cached_audio
        end as fresh_audio,
        case
            when images = 0 then 0
            when parts = prompt - cached then images
            when parts = prompt then images - cached_images
        end as fresh_images
    from cached_kinds
)

select
    line,
    raw,
    doc is null as unreadable,
    case
        when is_nested and not has_batch_field
            then problem(
                'response', 'stands in a line without the status or key of a batch: log the response itself'
            )
        when is_batch and failed and coalesce(model_name, (select model from source_constants)) is null
            then problem(
                case when batch_error is null then 'error' else 'status' end,
                'is that of a failure, and a failed batch line that does not say for which model is no event '
                || '(nothing is billed for it); model under [sources.constants] makes it one'
            )
        when prompt_text is null and total_text is null and not failed then problem('usageMetadata', 'is missing')
        when
            len(candidates) > 0
            and len([c for c in candidates if c.reason is not null]) = 0
            and not failed
            then problem(
                'candidates.finishReason', 'is missing: a part of a stream counts only so far; log the last one'
            )
        when prompt_text is null and not failed then problem('usageMetadata.promptTokenCount', 'is missing')
        when not_count(prompt_text) then bad_count('usageMetadata.promptTokenCount', prompt_text)
        when not_count(cached_text) then bad_count('usageMetadata.cachedContentTokenCount', cached_text)
        when not_count(candidates_text) then bad_count('usageMetadata.candidatesTokenCount', candidates_text)
        when not_count(thoughts_text) then bad_count('usageMetadata.thoughtsTokenCount', thoughts_text)
        when not_count(tool_text) then bad_count('usageMetadata.toolUsePromptTokenCount', tool_text)
        when not_count(total_text) then bad_count('usageMetadata.totalTokenCount', total_text)
        when len(bad_inputs) > 0
            then problem(
                'usageMetadata.promptTokensDetails',
                'or the details of cache or tools have one that is no count of a known modality: '
                || coalesce(shown(bad_inputs[1].of), 'unnamed')
            )
        when len(bad_outputs) > 0
            then problem(
                'usageMetadata.candidatesTokensDetails',
                'has one that is no count of text, audio or images: ' || coalesce(shown(bad_outputs[1].of), 'unnamed')
            )
        when cached > prompt
            then problem('usageMetadata.promptTokenCount', 'is less than its cached part')
        when output is null
            then problem(
                'usageMetadata.totalTokenCount', 'is missing: whether candidates include thoughts does not follow'
            )
        when total != prompt + tool + output
            then problem(
                'usageMetadata.totalTokenCount',
                'is ' || total || ', not the sum of prompt, tool use, candidates and thoughts: '
                || (prompt + tool + answered + thoughts)
            )
        when len(cached_parts) > 0 and cached_told != cached
            then problem(
                'usageMetadata.cacheTokensDetails',
                'adds up to ' || cached_told || ', but cachedContentTokenCount is ' || cached
            )
        when audio + images > 0 and parts not in (prompt, prompt - cached)
            then problem(
                'usageMetadata.promptTokensDetails',
                'adds up to ' || parts || ', to promptTokenCount neither with nor without its cached part'
            )
        when fresh_audio is null or fresh_images is null
            then problem(
                'usageMetadata.promptTokensDetails',
                'has audio or images, and ' || cached || ' tokens of the prompt were cached: how many of these were '
                || 'audio or images does not follow; log cacheTokensDetails too'
            )
        when fresh_audio < 0 or fresh_images < 0
            then problem('usageMetadata.cacheTokensDetails', 'has more of a modality than promptTokensDetails')
        when tool_audio + tool_images > tool
            then problem('usageMetadata.toolUsePromptTokenCount', 'is less than its audio and image parts together')
        when audio_out + image_out > answered
            then problem('usageMetadata.candidatesTokenCount', 'is less than its audio and image parts together')
    end as problem,
    coalesce(response_id, given(doc.id), given(doc.request_id), case when is_batch then doc.key end) as event_id,
    null::integer as revision,
    coalesce(
        given(doc.processed_time),
        utc_text(instant(start_text) + to_milliseconds(whole(doc.latency_ms))),
        given(start_text),
        doc.created_at,
        doc.created,
        doc.timestamp
    ) as occurred_at,
    coalesce(given(doc.organization), given(doc.organization_id), doc.metadata.organization) as organization_id,
    coalesce(given(doc.project), given(doc.project_id), doc.metadata.project) as product_id,
    coalesce(given(doc.api_key_id), pseudonym(given(doc.api_key)), doc.metadata.api_key_id) as api_key_id,
    doc.user as end_user_id,
    coalesce(provider_name(doc.provider), (select provider from source_constants), 'google') as provider,
    model_name as model,
    case
        when is_batch then 'batch'
        when contains(upper(tier), 'PROVISIONED_THROUGHPUT') then 'scale'
        when contains(upper(tier), 'PRIORITY') then 'priority'
        when contains(upper(tier), 'FLEX') then 'flex'
        when contains(upper(tier), 'UNSPECIFIED') or contains(upper(tier), 'ON_DEMAND') then 'standard'
        else service_tier_name(tier)
    end as service_tier,
    'chat' as operation,
    prompt - cached - fresh_audio - fresh_images + tool - tool_audio - tool_images as input_tokens,
    cached as cached_input_tokens,
    null::bigint as cache_write_5m_tokens,
    null::bigint as cache_write_1h_tokens,
    fresh_audio + tool_audio as audio_input_tokens,
    fresh_images + tool_images as image_input_tokens,
    output - audio_out - image_out as output_tokens,
    audio_out as audio_output_tokens,
    image_out as image_output_tokens,
    null::bigint as training_tokens,
    null::decimal(18, 6) as training_hours,
    null::decimal(18, 6) as hosting_hours,
    case
        when queries > 0 and regexp_matches(model_name, '^gemini-[12]\.') then 1
        else coalesce(queries, 0)::bigint
    end as web_search_calls,
    null::bigint as file_search_calls,
    null::bigint as code_execution_calls,
    thoughts as reasoning_tokens,
    prompt + tool as raw_input_tokens,
    output as raw_output_tokens,
    coalesce(
        given(doc.status_code),
        given(doc.error.code),
        nullif(regexp_extract(batch_error, '"code": ?([1-5][0-9][0-9])', 1), ''),
        case when failed then '500' else '200' end
    ) as status,
    case
        when failed
            then coalesce(
                given(doc.error.status),
                nullif(regexp_extract(batch_error, '"status": ?"([A-Z_]+)"', 1), ''),
                nullif(regexp_extract(batch_error, '^[A-Za-z ]{1,40}'), '')
            )
    end as error_type,
    coalesce(
        candidates[1].reason,
        doc.promptfeedback.blockreason,
        doc.prompt_feedback.block_reason,
        doc.response.promptfeedback.blockreason
    ) as finish_reason,
    doc.latency_ms,
    null::boolean as gateway_cache_hit,
    doc.region,
    pseudonym(given(doc.client_ip)) as client_network,
    doc.user_agent as client_agent,
    doc.prompt_digest,
    doc.template_digest,
    coalesce(doc.max_output_tokens, doc.request.generationconfig.maxoutputtokens) as max_output_tokens,
    coalesce(doc.temperature, doc.request.generationconfig.temperature) as temperature,
    doc.request.generationconfig.candidatecount as n,
    null::boolean as logprobs,
    null::varchar as reported_cost
from split
