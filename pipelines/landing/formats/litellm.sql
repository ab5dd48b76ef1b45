/*---
title = "LiteLLM spend logs (answers of /spend/logs, or a dump of LiteLLM_SpendLogs)"
file_types = ["jsonl", "csv", "parquet"]
by_record = true
recognise = ["request_id", "call_type", "startTime", "prompt_tokens"]
hidden = ["api_key", "user", "end_user", "requester_ip_address", "user_agent"]

[shape]
request_id = "VARCHAR"
call_type = "VARCHAR"
api_key = "VARCHAR"
spend = "VARCHAR"
prompt_tokens = "VARCHAR"
completion_tokens = "VARCHAR"
total_tokens = "VARCHAR"
startTime = "VARCHAR"
endTime = "VARCHAR"
request_duration_ms = "VARCHAR"
model = "VARCHAR"
model_group = "VARCHAR"
custom_llm_provider = "VARCHAR"
user = "VARCHAR"
end_user = "VARCHAR"
team_id = "VARCHAR"
organization_id = "VARCHAR"
requester_ip_address = "VARCHAR"
cache_hit = "VARCHAR"
status = "VARCHAR"

[shape.metadata]
user_api_key_project_id = "VARCHAR"
user_api_key_team_id = "VARCHAR"
user_api_key_org_id = "VARCHAR"
user_agent = "VARCHAR"
vertex_location = "VARCHAR"

# What callers attach to their requests; these names are read where they are there.
[shape.metadata.spend_logs_metadata]
finish_reason = "VARCHAR"
prompt_digest = "VARCHAR"
template_digest = "VARCHAR"
max_tokens = "VARCHAR"
temperature = "VARCHAR"
n = "VARCHAR"
logprobs = "VARCHAR"

[shape.metadata.cost_breakdown]
data_residency = "VARCHAR"
service_tier = "VARCHAR"
vertex_location = "VARCHAR"

[shape.metadata.error_information]
error_code = "VARCHAR"
error_class = "VARCHAR"

[shape.metadata.usage_object]
prompt_tokens = "VARCHAR"
completion_tokens = "VARCHAR"
total_tokens = "VARCHAR"
service_tier = "VARCHAR"
cache_read_input_tokens = "VARCHAR"
cache_creation_input_tokens = "VARCHAR"

[shape.metadata.usage_object.cache_creation]
ephemeral_5m_input_tokens = "VARCHAR"
ephemeral_1h_input_tokens = "VARCHAR"

[shape.metadata.usage_object.prompt_tokens_details]
cached_tokens = "VARCHAR"
cache_creation_tokens = "VARCHAR"
cache_write_tokens = "VARCHAR"
audio_tokens = "VARCHAR"
image_tokens = "VARCHAR"
text_tokens = "VARCHAR"
web_search_requests = "VARCHAR"

[shape.metadata.usage_object.prompt_tokens_details.cached_tokens_details]
image_tokens = "VARCHAR"

[shape.metadata.usage_object.prompt_tokens_details.cache_creation_token_details]
ephemeral_5m_input_tokens = "VARCHAR"
ephemeral_1h_input_tokens = "VARCHAR"

[shape.metadata.usage_object.input_tokens_details]
cached_tokens = "VARCHAR"
image_tokens = "VARCHAR"
text_tokens = "VARCHAR"

[shape.metadata.usage_object.completion_tokens_details]
reasoning_tokens = "VARCHAR"
audio_tokens = "VARCHAR"
image_tokens = "VARCHAR"

[shape.metadata.usage_object.output_tokens_details]
reasoning_tokens = "VARCHAR"
image_tokens = "VARCHAR"

[shape.metadata.usage_object.server_tool_use]
web_search_requests = "VARCHAR"
---*/
-- LiteLLM normalises prompt_tokens to include cache reads, cache writes, audio and images: the fresh part is the
-- rest. A record that leaves open how many of its image tokens were cached is refused.
-- metadata.usage_object is the provider's usage as LiteLLM kept it; the row's own totals stand in for it. Where
-- both say a number they must agree (0 is also what the table holds for a total that no one gave).
-- cache_hit is the gateway's own response cache (nothing was bought), not the provider's prompt cache.
-- Cache writes that name no lifetime are 5-minute ones. A call that failed before it was routed has no
-- model or provider of its own: the group that was asked for stands in, else 'unknown'.
-- A batch or a background response is logged when it is begun, without usage, and again under the same request_id when
-- its usage is known; a client may try a failed call again under its id. So the row with usage amends the one without.
with fields as (
    select
        line,
        raw,
        doc,
        doc.metadata.usage_object as usage_object,
        doc.metadata.usage_object.prompt_tokens_details as details,
        doc.metadata.usage_object.completion_tokens_details as output_details,
        coalesce(
            doc.metadata.usage_object.cache_creation.ephemeral_5m_input_tokens,
            doc.metadata.usage_object.prompt_tokens_details.cache_creation_token_details.ephemeral_5m_input_tokens
        ) as written_5m_text,
        coalesce(
            doc.metadata.usage_object.cache_creation.ephemeral_1h_input_tokens,
            doc.metadata.usage_object.prompt_tokens_details.cache_creation_token_details.ephemeral_1h_input_tokens
        ) as written_1h_text,
        lower(coalesce(doc.cache_hit, '')) = 'true' as gateway_cache_hit,
        lower(coalesce(doc.status, '')) = 'failure' as failed,
        given(doc.custom_llm_provider) as given_provider,
        given(doc.model) as given_model
    from records
),

texts as (
    select
        *,
        coalesce(usage_object.prompt_tokens, doc.prompt_tokens) as prompt_text,
        coalesce(usage_object.completion_tokens, doc.completion_tokens) as completion_text,
        coalesce(
            details.cached_tokens,
            usage_object.cache_read_input_tokens,
            usage_object.input_tokens_details.cached_tokens
        ) as cached_text,
        coalesce(
            details.cache_creation_tokens,
            details.cache_write_tokens,
            usage_object.cache_creation_input_tokens,
            case when written_5m_text is not null then (tokens(written_5m_text) + tokens(written_1h_text))::varchar end,
            written_1h_text
        ) as written_text,
        coalesce(
            output_details.reasoning_tokens, usage_object.output_tokens_details.reasoning_tokens
        ) as reasoning_text,
        coalesce(details.image_tokens, usage_object.input_tokens_details.image_tokens) as images_text,
        coalesce(details.text_tokens, usage_object.input_tokens_details.text_tokens) as texts_text,
        coalesce(
            output_details.image_tokens, usage_object.output_tokens_details.image_tokens
        ) as image_out_text,
        -- The first where Anthropic searched, the second where Google or xAI did.
        coalesce(usage_object.server_tool_use.web_search_requests, details.web_search_requests) as searches_text
    from fields
),

counts as (
    select
        *,
        tokens(prompt_text) as prompt,
        tokens(completion_text) as completion,
        tokens(cached_text) as cached,
        tokens(written_text) as written,
        tokens(written_5m_text) as written_5m,
        tokens(written_1h_text) as written_1h,
        tokens(details.audio_tokens) as audio_in,
        tokens(images_text) as images,
        tokens(output_details.audio_tokens) as audio_out,
        tokens(image_out_text) as image_out,
        tokens(reasoning_text) as reasoning
    from texts
),

split as (
    select
        *,
        fresh_images(
            images,
            known_tokens(details.cached_tokens_details.image_tokens),
            known_tokens(texts_text),
            prompt - audio_in,
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
        when prompt_text is null and not failed then problem('prompt_tokens', 'is missing')
        when not_count(prompt_text) then bad_count('prompt_tokens', prompt_text)
        when not_count(completion_text) then bad_count('completion_tokens', completion_text)
        when
            not_count(cached_text)
            then bad_count('metadata.usage_object.prompt_tokens_details.cached_tokens', cached_text)
        when not_count(written_text) then bad_count('metadata.usage_object.cache_creation_input_tokens', written_text)
        when not_count(written_5m_text)
            then bad_count('metadata.usage_object.cache_creation.ephemeral_5m_input_tokens', written_5m_text)
        when not_count(written_1h_text)
            then bad_count('metadata.usage_object.cache_creation.ephemeral_1h_input_tokens', written_1h_text)
        when not_count(details.audio_tokens)
            then bad_count('metadata.usage_object.prompt_tokens_details.audio_tokens', details.audio_tokens)
        when not_count(images_text)
            then bad_count('metadata.usage_object.prompt_tokens_details.image_tokens', images_text)
        when not_count(details.cached_tokens_details.image_tokens)
            then bad_count(
                'metadata.usage_object.prompt_tokens_details.cached_tokens_details.image_tokens',
                details.cached_tokens_details.image_tokens
            )
        when not_count(image_out_text)
            then bad_count('metadata.usage_object.completion_tokens_details.image_tokens', image_out_text)
        when not_count(searches_text)
            then bad_calls('metadata.usage_object.server_tool_use.web_search_requests', searches_text)
        when not_count(output_details.audio_tokens)
            then bad_count('metadata.usage_object.completion_tokens_details.audio_tokens', output_details.audio_tokens)
        when not_count(reasoning_text)
            then bad_count('metadata.usage_object.completion_tokens_details.reasoning_tokens', reasoning_text)
        when cached + written + audio_in > prompt
            then problem('prompt_tokens', 'is less than its cached, cache-write and audio parts together')
        when written_5m + written_1h > written
            then problem('metadata.usage_object.cache_creation', 'adds up to more than all cache writes')
        when images + audio_in > prompt
            then problem('prompt_tokens', 'is less than its audio and image parts together')
        when tokens(details.cached_tokens_details.image_tokens) > cached
            then problem(
                'metadata.usage_object.prompt_tokens_details.cached_tokens', 'is less than its image part'
            )
        when audio_out + image_out > completion
            then problem('completion_tokens', 'is less than its audio and image parts together')
        when not_count(doc.prompt_tokens) then bad_count('prompt_tokens', doc.prompt_tokens)
        when not_count(doc.completion_tokens) then bad_count('completion_tokens', doc.completion_tokens)
        when not_count(doc.total_tokens) then bad_count('total_tokens', doc.total_tokens)
        when not_count(usage_object.total_tokens)
            then bad_count('metadata.usage_object.total_tokens', usage_object.total_tokens)
        -- What a hit of the gateway's cache says was bought before, by another call.
        when gateway_cache_hit then null
        when image_in is null and tokens(details.cached_tokens_details.image_tokens) > images
            then problem('metadata.usage_object.prompt_tokens_details.image_tokens', 'is less than its cached part')
        when image_in is null
            then unsplit_images(
                'metadata.usage_object.prompt_tokens_details.image_tokens', images, cached + written
            )
        when whole(searches_text) != whole(details.web_search_requests)
            then problem(
                'metadata.usage_object.server_tool_use.web_search_requests',
                'is ' || searches_text || ', but prompt_tokens_details says ' || details.web_search_requests
            )
        when nullif(tokens(doc.prompt_tokens), 0) != nullif(prompt, 0)
            then problem('prompt_tokens', 'is ' || doc.prompt_tokens || ', but metadata.usage_object says ' || prompt)
        when nullif(tokens(doc.completion_tokens), 0) != nullif(completion, 0)
            then problem(
                'completion_tokens',
                'is ' || doc.completion_tokens || ', but metadata.usage_object says ' || completion
            )
        when nullif(tokens(doc.total_tokens), 0) != prompt + completion
            then problem(
                'total_tokens', 'is ' || doc.total_tokens || ', not the sum of prompt and completion: '
                || (prompt + completion)
            )
        when nullif(tokens(usage_object.total_tokens), 0) != prompt + completion
            then problem(
                'metadata.usage_object.total_tokens',
                'is ' || usage_object.total_tokens || ', not the sum of prompt and completion: '
                || (prompt + completion)
            )
    end as problem,
    doc.request_id as event_id,
    case when prompt + completion > 0 then 1 else 0 end as revision,
    coalesce(given(doc.endtime), doc.starttime) as occurred_at,
    coalesce(
        given(doc.organization_id),
        given(doc.metadata.user_api_key_org_id),
        given(doc.team_id),
        given(doc.metadata.user_api_key_team_id)
    ) as organization_id,
    coalesce(
        given(doc.metadata.user_api_key_project_id), given(doc.team_id), given(doc.metadata.user_api_key_team_id)
    ) as product_id,
    doc.api_key as api_key_id,
    coalesce(given(doc.end_user), given(doc.user)) as end_user_id,
    provider_name(
        coalesce(
            given_provider,
            case when contains(given_model, '/') then split_part(given_model, '/', 1) end,
            case when failed then 'unknown' end
        )
    ) as provider,
    -- LiteLLM prefixes the provider to some models (azure/gpt-4o); the model itself follows the prefix.
    case
        when given_provider is null and contains(given_model, '/')
            then substr(given_model, strpos(given_model, '/') + 1)
        when starts_with(given_model, given_provider || '/')
            then substr(given_model, length(given_provider) + 2)
        when given_model is null and failed then coalesce(given(doc.model_group), 'unknown')
        else given_model
    end as model,
    -- A batch result says "default"; "auto" is what was asked for, not what was served.
    service_tier_name(
        case
            when contains(doc.call_type, 'batch') then 'batch'
            else coalesce(
                nullif(lower(given(doc.metadata.cost_breakdown.service_tier)), 'auto'),
                given(usage_object.service_tier)
            )
        end
    ) as service_tier,
    case
        when contains(doc.call_type, 'embedding') then 'embedding'
        when contains(doc.call_type, 'responses') then 'response'
        when contains(doc.call_type, 'text_completion') then 'completion'
        when contains(doc.call_type, 'completion') then 'chat'
        when contains(doc.call_type, 'batch') then 'chat'
        else doc.call_type
    end as operation,
    case when gateway_cache_hit then 0 else prompt - cached - written - audio_in - image_in end as input_tokens,
    case when gateway_cache_hit then 0 else cached end as cached_input_tokens,
    case when gateway_cache_hit then 0 else written - written_1h end as cache_write_5m_tokens,
    case when gateway_cache_hit then 0 else written_1h end as cache_write_1h_tokens,
    case when gateway_cache_hit then 0 else audio_in end as audio_input_tokens,
    case when gateway_cache_hit then 0 else image_in end as image_input_tokens,
    case when gateway_cache_hit then 0 else completion - audio_out - image_out end as output_tokens,
    case when gateway_cache_hit then 0 else audio_out end as audio_output_tokens,
    case when gateway_cache_hit then 0 else image_out end as image_output_tokens,
    null::bigint as training_tokens,
    null::decimal(18, 6) as training_hours,
    null::decimal(18, 6) as hosting_hours,
    case when gateway_cache_hit then 0 else whole(searches_text) end as web_search_calls,
    null::bigint as file_search_calls,
    null::bigint as code_execution_calls,
    case when gateway_cache_hit then 0 else reasoning end as reasoning_tokens,
    prompt as raw_input_tokens,
    completion as raw_output_tokens,
    case
        when whole(doc.metadata.error_information.error_code) between 100 and 599
            then whole(doc.metadata.error_information.error_code)
        when failed then 500
        when doc.status = 'success' then 200
    end as status,
    case when failed then doc.metadata.error_information.error_class end as error_type,
    doc.metadata.spend_logs_metadata.finish_reason as finish_reason,
    coalesce(
        whole(doc.request_duration_ms),
        date_diff('millisecond', instant(doc.starttime), instant(doc.endtime))
    ) as latency_ms,
    gateway_cache_hit,
    coalesce(
        given(doc.metadata.cost_breakdown.data_residency),
        given(doc.metadata.cost_breakdown.vertex_location),
        given(doc.metadata.vertex_location)
    ) as region,
    pseudonym(given(doc.requester_ip_address)) as client_network,
    doc.metadata.user_agent as client_agent,
    doc.metadata.spend_logs_metadata.prompt_digest as prompt_digest,
    doc.metadata.spend_logs_metadata.template_digest as template_digest,
    doc.metadata.spend_logs_metadata.max_tokens as max_output_tokens,
    doc.metadata.spend_logs_metadata.temperature as temperature,
    doc.metadata.spend_logs_metadata.n as n,
    doc.metadata.spend_logs_metadata.logprobs as logprobs,
    doc.spend as reported_cost
from split
