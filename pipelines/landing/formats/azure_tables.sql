/*---
title = "Azure API Management, from Log Analytics (tables ApiManagementGatewayLlmLog and …GatewayLogs)"
file_types = ["jsonl", "csv"]
recognise = [
    ["CorrelationId", "PromptTokens"], ["CorrelationId", "SequenceNumber"], ["CorrelationId", "ApimSubscriptionId"]
]
hidden = ["CallerIpAddress", "UserId"]

[shape]
TimeGenerated = "VARCHAR"
"TimeGenerated [UTC]" = "VARCHAR"
Type = "VARCHAR"
CorrelationId = "VARCHAR"
RequestId = "VARCHAR"
OperationName = "VARCHAR"
OperationId = "VARCHAR"
DeploymentName = "VARCHAR"
ModelName = "VARCHAR"
PromptTokens = "VARCHAR"
PromptCachedTokens = "VARCHAR"
CompletionTokens = "VARCHAR"
TotalTokens = "VARCHAR"
SequenceNumber = "VARCHAR"
ApimSubscriptionId = "VARCHAR"
ProductId = "VARCHAR"
UserId = "VARCHAR"
CallerIpAddress = "VARCHAR"
ResponseCode = "VARCHAR"
TotalTime = "VARCHAR"
Cache = "VARCHAR"
LastErrorReason = "VARCHAR"
---*/
-- Microsoft Learn, "Log token usage, prompts, and completions for language model APIs" and the references of both
-- tables: ApiManagementGatewayLlmLog has one row with the counts of a request, and where messages are logged further
-- ones that hold parts of these, without counts. ApiManagementGatewayLogs says who called, how long it took and how
-- it ended. All that share a CorrelationId in a file become the same event, so that all but one are duplicates; a
-- query that joins the two tables gives rows that are both.
-- PromptTokens and CompletionTokens are totals: what was cached or reasoned is in them. PromptCachedTokens comes with
-- newer gateways and is in no reference: OpenAI's models count it into the prompt; Claude does not, nor what was
-- written to a cache, which this log leaves out altogether, so a Claude call that says it is refused.
-- A call that failed and has no counts is a request of no tokens, except one that ended with 400 or 408: such may be
-- charged all the same (Microsoft Learn, "Plan to manage costs for Azure OpenAI"), for tokens that no log tells.
-- A deployment's name is no model. TimeGenerated is when a request began (the portal exports it as
-- 'TimeGenerated [UTC]', in American order); Region is the gateway's and not read.
with fields as (
    select
        line,
        raw,
        doc is null as unreadable,
        given(doc.type) as category,
        -- A row of one table, or of the union of both, has no values for the columns of the other.
        coalesce(
            given(doc.sequencenumber), given(doc.prompttokens), given(doc.modelname), given(doc.deploymentname)
        ) is not null as may_count,
        coalesce(
            given(doc.responsecode), given(doc.totaltime), given(doc.apimsubscriptionid)
        ) is not null as is_gateway,
        false as is_resource,
        coalesce(given(doc.correlationid), given(doc.requestid)) as call_id,
        coalesce(
            given(doc.timegenerated),
            try_strptime(given(doc."TimeGenerated [UTC]"), '%m/%d/%Y, %I:%M:%S.%g %p')::varchar,
            doc."TimeGenerated [UTC]"
        ) as started,
        given(doc.prompttokens) as prompt_text,
        given(doc.completiontokens) as completion_text,
        given(doc.promptcachedtokens) as cached_text,
        given(doc.totaltokens) as total_text,
        given(doc.modelname) as model_name,
        null::varchar as model_version,
        given(doc.deploymentname) as deployment,
        coalesce(given(doc.operationid), given(doc.operationname)) as operation_text,
        whole(doc.totaltime) as milliseconds,
        whole(doc.responsecode) as status_code,
        lower(given(doc.cache)) = 'hit' as cache_hit,
        given(doc.lasterrorreason) as error_reason,
        given(doc.apimsubscriptionid) as subscription,
        given(doc.productid) as product,
        given(doc.userid) as person,
        given(doc.calleripaddress) as address,
        null::varchar as place_of_serving,
        null::timestamp as answered
    from records
),

counts as (

    {{ azure_calls }}

),

told as (
    select
        *,
        case
            when not (may_count or is_gateway)
                then problem(
                    'Type',
                    'is ' || coalesce(shown(category), 'missing') || ', and no column of ApiManagementGatewayLlmLog or '
                    || 'ApiManagementGatewayLogs has a value'
                )
            when is_counted or failed_uncounted then null
            when may_count
                then problem(
                    'PromptTokens', 'is missing: this is a part of a request whose counts are not in this file'
                )
            else problem(
                'PromptTokens',
                'is missing: no ApiManagementGatewayLlmLog row of its CorrelationId in this file has counts, so it '
                || 'is no call of a model, or its counts were exported apart'
            )
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
            then problem('CorrelationId', 'has records that differ in their counts or model: ' || shown(call_id))
        when not_count(prompt_text) then bad_count('PromptTokens', prompt_text)
        when not_count(completion_text) then bad_count('CompletionTokens', completion_text)
        when not_count(cached_text) then bad_count('PromptCachedTokens', cached_text)
        when not_count(total_text) then bad_count('TotalTokens', total_text)
        when failed_uncounted or gateway_cache_hit then null
        when cached > 0 and contains(lower(model), 'claude')
            then problem(
                'PromptCachedTokens',
                'is ' || cached || ' for a Claude model, whose cache writes this log leaves out: land the answers '
                || 'themselves'
            )
        when cached > prompt then problem('PromptTokens', 'is less than its cached part')
        when nullif(tokens(total_text), 0) != prompt + completion
            then problem(
                'TotalTokens',
                'is ' || total_text || ', not the sum of prompt and completion: ' || (prompt + completion)
            )
        when prompt + completion = 0 and not failed
            then problem(
                'PromptTokens',
                'is 0, as is the completion, and nothing in this file says that the call failed '
                || '(ApiManagementGatewayLogs of the same CorrelationId would)'
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
    null::varchar as region,
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
