/*---
title = "Azure resource logs of API Management and Azure OpenAI, from a storage account or event hub"
file_types = ["jsonl"]
recognise = [["time", "resourceId", "category"], ["records"]]
hidden = ["callerIpAddress", "userId", "objectId"]
# An event hub delivers many records in a line, a storage account one.
inside = "$.records[*]"

[shape]
time = "VARCHAR"
category = "VARCHAR"
operationName = "VARCHAR"
correlationId = "VARCHAR"
callerIpAddress = "VARCHAR"
durationMs = "VARCHAR"
resultSignature = "VARCHAR"
location = "VARCHAR"

[shape.properties]
correlationId = "VARCHAR"
requestId = "VARCHAR"
modelName = "VARCHAR"
modelVersion = "VARCHAR"
modelDeploymentName = "VARCHAR"
deploymentName = "VARCHAR"
promptTokens = "VARCHAR"
promptCachedTokens = "VARCHAR"
completionTokens = "VARCHAR"
generatedTokens = "VARCHAR"
totalTokens = "VARCHAR"
responseTime = "VARCHAR"
objectId = "VARCHAR"
apimSubscriptionId = "VARCHAR"
productId = "VARCHAR"
userId = "VARCHAR"
operationId = "VARCHAR"
responseCode = "VARCHAR"
cache = "VARCHAR"
lastErrorReason = "VARCHAR"
---*/
-- Microsoft Learn, "Log token usage, prompts, and completions for language model APIs" and the reference of table
-- ApiManagementGatewayLlmLog: GatewayLlmLogs has one record with the counts of a request, and where messages are
-- logged further ones that hold parts of these, without counts. GatewayLogs says who called, how long it took and how
-- it ended. All that share a correlationId in a file become the same event, so that all but one are duplicates.
-- promptTokens and completionTokens are totals: what was cached or reasoned is in them. promptCachedTokens comes with
-- newer gateways and is in no reference: OpenAI's models count it into the prompt; Claude does not, nor what was
-- written to a cache, which this log leaves out altogether, so a Claude call that says it is refused.
-- Azure OpenAI's own RequestResponse has no counts. AzureOpenAIRequestUsage is documented by its name alone, and is
-- read where it has promptTokens and completionTokens (or generatedTokens). A call that failed and has no counts is a
-- request of no tokens, except one that ended with 400 or 408: such may be charged all the same (Microsoft Learn,
-- "Plan to manage costs for Azure OpenAI"), for tokens that no log tells.
-- A deployment's name is no model. time is when a request began; location is the gateway's or the resource's.
with lines_inside as (
    select
        line,
        raw,
        case when json_valid(raw) then json_extract(raw, '$.records[*]')::varchar[] end as inside
    from records
),

taken_apart as (
    select
        line,
        unnest(case when len(inside) > 0 then range(1, len(inside) + 1) else [0::bigint] end) as place,
        unnest(case when len(inside) > 0 then inside else [raw] end) as raw
    from lines_inside
),

-- Where every line is one record, it keeps the number that it has in the file.
numbered as (
    select
        case
            when max(place) over () > 0 then row_number() over (order by line, place)
            else line
        end as line,
        raw,
        case
            when starts_with(ltrim(raw), '{')
                then try(from_json(
                    raw,
                    '{"time":"VARCHAR","category":"VARCHAR","operationName":"VARCHAR","correlationId":"VARCHAR",'
                    || '"callerIpAddress":"VARCHAR","durationMs":"VARCHAR","resultSignature":"VARCHAR",'
                    || '"location":"VARCHAR","properties":"VARCHAR"}'
                ))
        end as doc
    from taken_apart
),

-- Some resources write properties as text.
opened as (
    select
        *,
        try(from_json(
            doc.properties,
            '{"correlationId":"VARCHAR","requestId":"VARCHAR","modelName":"VARCHAR","modelVersion":"VARCHAR",'
            || '"modelDeploymentName":"VARCHAR","deploymentName":"VARCHAR","promptTokens":"VARCHAR",'
            || '"promptCachedTokens":"VARCHAR","completionTokens":"VARCHAR","generatedTokens":"VARCHAR",'
            || '"totalTokens":"VARCHAR","responseTime":"VARCHAR","objectId":"VARCHAR",'
            || '"apimSubscriptionId":"VARCHAR","productId":"VARCHAR","userId":"VARCHAR","operationId":"VARCHAR",'
            || '"responseCode":"VARCHAR","cache":"VARCHAR","lastErrorReason":"VARCHAR"}'
        )) as p
    from numbered
),

fields as (
    select
        line,
        raw,
        doc is null as unreadable,
        given(doc.category) as category,
        lower(given(doc.category)) in ('gatewayllmlogs', 'azureopenairequestusage') as may_count,
        lower(given(doc.category)) = 'gatewaylogs' as is_gateway,
        lower(given(doc.category)) in ('requestresponse', 'azureopenairequestusage') as is_resource,
        coalesce(given(doc.correlationid), given(p.correlationid), given(p.requestid)) as call_id,
        doc.time as started,
        given(p.prompttokens) as prompt_text,
        coalesce(given(p.completiontokens), given(p.generatedtokens)) as completion_text,
        given(p.promptcachedtokens) as cached_text,
        given(p.totaltokens) as total_text,
        given(p.modelname) as model_name,
        -- Versions of other models are revisions that are no part of a name: 1, 2, 3.0.
        case when regexp_matches(p.modelversion, '[0-9]{4}') then trim(p.modelversion) end as model_version,
        coalesce(given(p.deploymentname), given(p.modeldeploymentname)) as deployment,
        coalesce(given(p.operationid), given(doc.operationname)) as operation_text,
        whole(doc.durationms) as milliseconds,
        coalesce(whole(p.responsecode), whole(doc.resultsignature)) as status_code,
        lower(given(p.cache)) = 'hit' as cache_hit,
        given(p.lasterrorreason) as error_reason,
        given(p.apimsubscriptionid) as subscription,
        given(p.productid) as product,
        coalesce(given(p.userid), given(p.objectid)) as person,
        given(doc.calleripaddress) as address,
        given(doc.location) as place_of_serving,
        -- Ticks of 100 nanoseconds since the year 1.
        case
            when whole(p.responsetime) between 630000000000000000 and 700000000000000000
                then make_timestamp((whole(p.responsetime) - 621355968000000000) // 10)
        end as answered
    from opened
),

counts as (

    {{ azure_calls }}

),

told as (
    select
        *,
        case
            when category is null then problem('category', 'is missing: this is no record of a diagnostic setting')
            when not (may_count or is_gateway or is_resource)
                then problem(
                    'category',
                    'is ' || shown(category) || ': only GatewayLlmLogs and GatewayLogs of API Management, and '
                    || 'AzureOpenAIRequestUsage and RequestResponse of Azure OpenAI, tell of calls of a model'
                )
            when is_counted or failed_uncounted then null
            when is_gateway
                then problem(
                    'category',
                    'is GatewayLogs, and no GatewayLlmLogs record of its correlationId in this file has counts: it is '
                    || 'no call of a model, or its counts were delivered apart'
                )
            when is_resource
                then problem(
                    'category',
                    'is ' || shown(category) || ' without token counts: GatewayLlmLogs of API Management have them, or '
                    || 'land the answers themselves as format openai'
                )
            else problem('category', 'is GatewayLlmLogs, a part of a request whose token counts are not in this file')
        end as no_call
    from counts
)

select
    line,
    raw,
    unreadable,
    case
        when no_call is not null then no_call
        when tokens(least_prompt) != prompt or tokens(least_completion) != completion or least_model != most_model
            then problem('correlationId', 'has records that differ in their counts or model: ' || shown(call_id))
        when not_count(prompt_text) then bad_count('properties.promptTokens', prompt_text)
        when not_count(completion_text) then bad_count('properties.completionTokens', completion_text)
        when not_count(cached_text) then bad_count('properties.promptCachedTokens', cached_text)
        when not_count(total_text) then bad_count('properties.totalTokens', total_text)
        when failed_uncounted or gateway_cache_hit then null
        when cached > 0 and contains(lower(model), 'claude')
            then problem(
                'properties.promptCachedTokens',
                'is ' || cached || ' for a Claude model, whose cache writes this log leaves out: land the answers '
                || 'themselves'
            )
        when cached > prompt then problem('properties.promptTokens', 'is less than its cached part')
        when nullif(tokens(total_text), 0) != prompt + completion
            then problem(
                'properties.totalTokens',
                'is ' || total_text || ', not the sum of prompt and completion: ' || (prompt + completion)
            )
        when prompt + completion = 0 and not failed
            then problem(
                'properties.promptTokens',
                'is 0, as is the completion, and nothing in this file says that the call failed '
                || '(GatewayLogs of the same correlationId would)'
            )
    end as problem,
    call_id as event_id,
    null::integer as revision,
    coalesce(utc_text(ended), started) as occurred_at,
    subscription as organization_id,
    product as product_id,
    null::varchar as api_key_id,
    person as end_user_id,
    'azure' as provider,
    coalesce(model, case when failed then 'unknown' end) as model,
    null::varchar as service_tier,
    case
        when contains(lower(operation_text), 'embedding') then 'embedding'
        when contains(lower(operation_text), 'response') then 'response'
        when regexp_matches(lower(operation_text), 'chat|message') then 'chat'
        when contains(lower(operation_text), 'completion') then 'completion'
        when contains(lower(operation_text), 'image') then 'image'
    end as operation,
    case when gateway_cache_hit then 0 else prompt - cached end as input_tokens,
    case when gateway_cache_hit then 0 else cached end as cached_input_tokens,
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
    case when status_code between 100 and 599 then status_code end as status,
    case when failed then error_reason end as error_type,
    null::varchar as finish_reason,
    latency as latency_ms,
    coalesce(gateway_cache_hit, false) as gateway_cache_hit,
    case when is_azure_openai then place_of_serving end as region,
    pseudonym(address) as client_network,
    null::varchar as client_agent,
    null::varchar as prompt_digest,
    null::varchar as template_digest,
    null::bigint as max_output_tokens,
    null::double as temperature,
    null::integer as n,
    null::boolean as logprobs,
    null::decimal(28, 12) as reported_cost
from told
