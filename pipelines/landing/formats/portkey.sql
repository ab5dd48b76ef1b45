/*---
title = "Portkey log export"
file_types = ["jsonl"]
by_record = true
recognise = ["ai_org", "ai_model", "req_units", "res_units"]
hidden = ["virtual_key", "api_key", "_user", "value", "metadata.value"]

[shape]
id = "VARCHAR"
created_at = "VARCHAR"
is_success = "VARCHAR"
ai_org = "VARCHAR"
ai_model = "VARCHAR"
req_units = "VARCHAR"
res_units = "VARCHAR"
total_units = "VARCHAR"
cost = "VARCHAR"
cost_currency = "VARCHAR"
request_url = "VARCHAR"
response_status_code = "VARCHAR"
response_time = "VARCHAR"
cache_status = "VARCHAR"
virtual_key = "VARCHAR"
"metadata.key" = "VARCHAR"
"metadata.value" = "VARCHAR"

# What callers attach to their requests; these names are read where they are there.
[shape.metadata]
_user = "VARCHAR"
organization_id = "VARCHAR"
organization = "VARCHAR"
product_id = "VARCHAR"
product = "VARCHAR"
key = "VARCHAR"
value = "VARCHAR"
---*/
-- Portkey documentation, "Logs Export": req_units and res_units are the tokens of the request and of the response as
-- a whole. What was cached, reasoned or heard is not split off, so all input is fresh and all output text, as the log
-- says. cost is in US cents. created_at is the time of the request, response_time its milliseconds. trace_id is
-- shared by the calls of a trace, fallbacks and retries among them: only the field id (of those that can be
-- selected) names a call. cache_status HIT and SEMANTIC HIT are the gateway's own cache. Metadata comes as an object
-- of names or as the two lists metadata.key and metadata.value.
with fields as (
    select
        line,
        raw,
        doc,
        replace(lower(given(doc.ai_org)), '-', '_') as maker,
        lower(coalesce(doc.request_url, '')) as url,
        -- Callers may have a name "key" too, and then it holds no list.
        try(from_json(coalesce(doc.metadata.key, doc."metadata.key"), '["VARCHAR"]')) as names,
        try(from_json(coalesce(doc.metadata.value, doc."metadata.value"), '["VARCHAR"]')) as texts,
        upper(coalesce(trim(doc.cache_status), '')) in ('HIT', 'SEMANTIC HIT') as gateway_cache_hit,
        whole(doc.response_status_code) as status_code,
        whole(doc.response_time) as milliseconds,
        try_cast(given(doc.cost) as decimal(30, 14)) as cents
    from records
),

counts as (
    select
        *,
        tokens(doc.req_units) as prompt,
        tokens(doc.res_units) as completion,
        coalesce(status_code >= 400, lower(doc.is_success) in ('0', '0.0', 'false'), false) as failed
    from fields
)

select
    line,
    raw,
    doc is null as unreadable,
    case
        when given(doc.id) is null
            then problem('id', 'is missing: select it for the export (trace_id is shared by the calls of a trace)')
        when given(doc.req_units) is null and not failed and not gateway_cache_hit
            then problem('req_units', 'is missing: select it for the export')
        when given(doc.res_units) is null and not failed and not gateway_cache_hit
            then problem('res_units', 'is missing: select it for the export')
        when not_count(given(doc.req_units)) then bad_count('req_units', doc.req_units)
        when not_count(given(doc.res_units)) then bad_count('res_units', doc.res_units)
        when not_count(given(doc.total_units)) then bad_count('total_units', doc.total_units)
        when given(doc.cost) is not null and cents is null
            then problem('cost', 'is not a number of US cents: ' || shown(doc.cost))
        -- What a hit of the gateway's cache says was bought before, by another call.
        when gateway_cache_hit then null
        when nullif(tokens(doc.total_units), 0) != prompt + completion
            then problem(
                'total_units',
                'is ' || doc.total_units || ', not the sum of req_units and res_units: ' || (prompt + completion)
                || '; what the rest is does not follow'
            )
    end as problem,
    doc.id as event_id,
    null::integer as revision,
    coalesce(
        case
            when milliseconds between 0 and 86400000
                then utc_text(try(instant(doc.created_at) + to_milliseconds(milliseconds)))
        end,
        doc.created_at
    ) as occurred_at,
    coalesce(
        given(doc.metadata.organization_id),
        given(doc.metadata.organization),
        given(texts[list_position(names, 'organization_id')]),
        texts[list_position(names, 'organization')]
    ) as organization_id,
    coalesce(
        given(doc.metadata.product_id),
        given(doc.metadata.product),
        given(texts[list_position(names, 'product_id')]),
        texts[list_position(names, 'product')]
    ) as product_id,
    doc.virtual_key as api_key_id,
    coalesce(given(doc.metadata._user), texts[list_position(names, '_user')]) as end_user_id,
    case
        when maker = 'azure_openai' then 'azure'
        when maker = 'perplexity_ai' then 'perplexity'
        when maker in ('vertex_ai', 'azure_ai', 'mistral_ai', 'x_ai', 'together_ai', 'fireworks_ai') then maker
        when maker is null and failed then 'unknown'
        else given(doc.ai_org)
    end as provider,
    coalesce(given(doc.ai_model), case when failed then 'unknown' end) as model,
    null::varchar as service_tier,
    case
        when contains(url, '/embeddings') then 'embedding'
        when contains(url, '/responses') then 'response'
        when regexp_matches(url, '/chat/completions|/messages|/converse|generatecontent') then 'chat'
        when contains(url, '/completions') then 'completion'
        when contains(url, '/images') then 'image'
        when contains(url, '/audio') then 'audio'
    end as operation,
    case when gateway_cache_hit then 0 else prompt end as input_tokens,
    0::bigint as cached_input_tokens,
    0::bigint as cache_write_5m_tokens,
    0::bigint as cache_write_1h_tokens,
    0::bigint as audio_input_tokens,
    0::bigint as image_input_tokens,
    case when gateway_cache_hit then 0 else completion end as output_tokens,
    0::bigint as audio_output_tokens,
    0::bigint as image_output_tokens,
    null::bigint as training_tokens,
    null::decimal(18, 6) as training_hours,
    null::decimal(18, 6) as hosting_hours,
    null::bigint as web_search_calls,
    null::bigint as file_search_calls,
    null::bigint as code_execution_calls,
    0::bigint as reasoning_tokens,
    prompt as raw_input_tokens,
    completion as raw_output_tokens,
    case when status_code between 100 and 599 then status_code when failed then 500 end as status,
    null::varchar as error_type,
    null::varchar as finish_reason,
    case when milliseconds >= 0 then milliseconds end as latency_ms,
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
    -- A hundredth of it, kept decimal: a division would make it a double.
    case
        when coalesce(upper(given(doc.cost_currency)), 'USD') = 'USD'
            then (cents * 0.01::decimal(3, 2))::decimal(28, 12)
    end as reported_cost
from counts
