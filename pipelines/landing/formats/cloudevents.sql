/*---
title = "CloudEvents 1.0 with token usage (as sent to OpenMeter, by LiteLLM's callback too)"
file_types = ["jsonl"]
recognise = ["specversion", "source", "type", "data"]
hidden = ["user", "user_id", "api_key", "api_key_id"]

[shape]
specversion = "VARCHAR"
id = "VARCHAR"
source = "VARCHAR"
type = "VARCHAR"
subject = "VARCHAR"
time = "VARCHAR"

[shape.data]
type = "VARCHAR"
tokens = "VARCHAR"
prompt_tokens = "VARCHAR"
completion_tokens = "VARCHAR"
total_tokens = "VARCHAR"
model = "VARCHAR"
provider = "VARCHAR"
request_id = "VARCHAR"
organization_id = "VARCHAR"
product_id = "VARCHAR"
project_id = "VARCHAR"
user_id = "VARCHAR"
user = "VARCHAR"
api_key_id = "VARCHAR"
api_key = "VARCHAR"
service_tier = "VARCHAR"
cost = "VARCHAR"
currency = "VARCHAR"
---*/
-- Two forms of data. Totals of a request (OpenMeter's OpenAI example, LiteLLM's callback): prompt_tokens and
-- completion_tokens as the provider counts them. How much of the prompt was cached is not told: all of it is fresh
-- input. Or one part of a request (OpenMeter's docs): tokens with type input, system or output; system is input too.
-- Parts are one request where they say so: by the same data.request_id, or by ids that differ only in their type
-- (run-1-input, run-1-output: OpenMeter's LangChain example), within one source. Parts that do not are requests of
-- their own: subject and time are no proof. Parts of one request must lie in one file: a part that comes in another is
-- refused as a conflict, until a file has them all. That one amends (revision 1: input and output are both there).
-- CloudEvents 1.0: source and id together are unique; a source is a URI reference, so it has no '|'.
-- The subject is who is billed (OpenMeter: the customer); the source is the application.
with fields as (
    select
        line,
        raw,
        doc,
        lower(given(doc.data.type)) as kind,
        given(doc.data.tokens) as tokens_text,
        given(doc.data.prompt_tokens) as prompt_text,
        given(doc.data.completion_tokens) as completion_text,
        given(doc.data.total_tokens) as total_text,
        given(doc.source) as event_source,
        given(doc.id) as id,
        given(doc.data.request_id) as request_id,
        given(doc.source) = 'litellm-proxy' as is_litellm,
        coalesce(prompt_text, completion_text) is not null as is_total
    from records
),

parts as (
    select
        *,
        case
            when doc is null or is_total or kind is null or event_source is null or id is null then null
            when request_id is not null then event_source || '|' || request_id
            when regexp_matches(lower(id), '^.+[-_.:/](input|output|system)$') and ends_with(lower(id), kind)
                then event_source || '|' || left(id, length(id) - length(kind) - 1)
        end as request,
        case
            when doc is null then null
            when doc.data is null then problem('data', 'is missing, or not a JSON object')
            when coalesce(given(doc.specversion), '') != '1.0'
                then problem(
                    'specversion', 'is ' || coalesce(shown(doc.specversion), 'missing') || ': only 1.0 is read'
                )
            when id is null then problem('id', 'is missing')
            when event_source is null then problem('source', 'is missing')
            when tokens_text is null and not is_total and total_text is not null
                then problem('data.total_tokens', 'stands alone: how much of it is input is not told')
            when tokens_text is null and not is_total then problem('data', 'holds no tokens: not a call of a model')
            when tokens_text is not null and is_total
                then problem('data.tokens', 'stands beside prompt_tokens: which of them is meant does not follow')
            when not_count(tokens_text) then bad_count('data.tokens', tokens_text)
            when tokens_text is not null and kind is null
                then problem('data.type', 'is missing: whether the tokens are input or output is not told')
            when tokens_text is not null and kind not in ('input', 'system', 'output')
                then problem('data.type', 'is none of input, system, output: ' || shown(kind))
            when is_total and prompt_text is null then problem('data.prompt_tokens', 'is missing')
            when not_count(prompt_text) then bad_count('data.prompt_tokens', prompt_text)
            when not_count(completion_text) then bad_count('data.completion_tokens', completion_text)
            when not_count(total_text) then bad_count('data.total_tokens', total_text)
            when
                is_total and total_text is not null
                and tokens(total_text) != tokens(prompt_text) + tokens(completion_text)
                then problem('data.total_tokens', 'is not the sum of input and output')
            when given(doc.time) is not null and instant(doc.time) is null
                then problem('time', 'is not a time: ' || shown(doc.time))
        end as own_problem
    from fields
),

-- A request of its own is a group of one.
keyed as (
    select
        *,
        coalesce(request, line::varchar) as group_key
    from parts
),

-- An event that was delivered twice counts once.
marked as (
    select
        *,
        case
            when is_total then tokens(prompt_text)
            when kind = 'output' or row_number() over same_event > 1 then 0
            else tokens(tokens_text)
        end as part_input,
        case
            when is_total then tokens(completion_text)
            when kind = 'output' and row_number() over same_event = 1 then tokens(tokens_text)
            else 0
        end as part_output
    from keyed
    window same_event as (partition by group_key, id order by line)
),

grouped as (
    select
        *,
        min(own_problem.reason) over same_request as part_reason,
        count(distinct case when request is not null then id || chr(31) || concat_ws(chr(31), kind, tokens_text) end)
            over same_request as contents,
        count(distinct case when request is not null then id end) over same_request as ids,
        count(distinct provider_name(doc.data.provider)) over same_request as providers,
        count(distinct given(doc.data.model)) over same_request as models,
        count(distinct given(doc.subject)) over same_request as subjects,
        max(given(doc.data.model)) over same_request as model,
        max(given(doc.data.provider)) over same_request as provider,
        max(given(doc.subject)) over same_request as subject,
        max(given(doc.data.organization_id)) over same_request as organization_id,
        max(coalesce(given(doc.data.product_id), given(doc.data.project_id))) over same_request as product_id,
        max(coalesce(given(doc.data.user_id), given(doc.data.user))) over same_request as end_user_id,
        max(coalesce(given(doc.data.api_key_id), given(doc.data.api_key))) over same_request as api_key_id,
        max(given(doc.data.service_tier)) over same_request as tier,
        -- The last part was sent when the call had ended.
        max(instant(doc.time)) over same_request as occurred_at,
        sum(part_input) over same_request as raw_input,
        sum(part_output) over same_request as raw_output,
        bool_or(kind = 'output') over same_request and bool_or(kind != 'output') over same_request as is_whole
    from marked
    window same_request as (partition by group_key)
)

select
    line,
    raw,
    doc is null as unreadable,
    case
        when own_problem is not null then own_problem
        when part_reason is not null
            then problem('data.request_id', 'is of a request whose other part is refused: ' || part_reason)
        when contents > ids then problem('id', 'is of two events of one request whose content differs')
        when models > 1 then problem('data.model', 'is not the same in all parts of the request')
        when providers > 1 then problem('data.provider', 'is not the same in all parts of the request')
        when subjects > 1 then problem('subject', 'is not the same in all parts of the request')
    end as problem,
    coalesce(request, event_source || '|' || id) as event_id,
    case when request is not null and is_whole then 1 else 0 end as revision,
    occurred_at,
    coalesce(organization_id, subject) as organization_id,
    coalesce(product_id, event_source) as product_id,
    api_key_id,
    end_user_id,
    -- LiteLLM prefixes the provider to some models (azure/gpt-4o); the model itself follows the prefix.
    case
        when provider is not null then provider
        when is_litellm and contains(model, '/') then split_part(model, '/', 1)
    end as provider,
    case
        when provider is null and is_litellm and contains(model, '/') then substr(model, strpos(model, '/') + 1)
        else model
    end as model,
    service_tier_name(tier) as service_tier,
    null::varchar as operation,
    raw_input as input_tokens,
    null::bigint as cached_input_tokens,
    null::bigint as cache_write_5m_tokens,
    null::bigint as cache_write_1h_tokens,
    null::bigint as audio_input_tokens,
    null::bigint as image_input_tokens,
    raw_output as output_tokens,
    null::bigint as audio_output_tokens,
    null::bigint as image_output_tokens,
    null::bigint as training_tokens,
    null::decimal(18, 6) as training_hours,
    null::decimal(18, 6) as hosting_hours,
    null::bigint as web_search_calls,
    null::bigint as file_search_calls,
    null::bigint as code_execution_calls,
    null::bigint as reasoning_tokens,
    raw_input as raw_input_tokens,
    raw_output as raw_output_tokens,
    -- LiteLLM's callback sends an event only where a call succeeded.
    case when is_litellm then 200 end as status,
    null::varchar as error_type,
    null::varchar as finish_reason,
    null::bigint as latency_ms,
    null::boolean as gateway_cache_hit,
    null::varchar as region,
    null::varchar as client_network,
    null::varchar as client_agent,
    null::varchar as prompt_digest,
    null::varchar as template_digest,
    null::bigint as max_output_tokens,
    null::double as temperature,
    null::integer as n,
    null::boolean as logprobs,
    -- LiteLLM reckons in USD; others only where they say so.
    case
        when request is null and (is_litellm or upper(doc.data.currency) = 'USD') then doc.data.cost
    end as reported_cost
from grouped
