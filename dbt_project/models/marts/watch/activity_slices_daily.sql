{{ config(
    materialized='incremental',
    incremental_strategy='replace_days',
    unique_key='usage_date',
    on_schema_change='fail',
    pre_hook="{{ set_event_files() }}"
) }}

-- What each organisation did on each UTC day with one key, with one prompt template, on one model: a campaign within a
-- working customer is a slice of it. Of each kind only the slices with most output, so that names without end do
-- not make as many rows.
with sliced as (
    select
        usage_date,
        organization_id,
        case
            when grouping(api_key_id) = 0 then 'key'
            when grouping(template_digest) = 0 then 'template'
            else 'model'
        end as slice,
        case
            when grouping(api_key_id) = 0 then api_key_id
            when grouping(template_digest) = 0 then template_digest
            else model
        end as named,
        count(*) as requests,
        count(*) filter (where status >= 400) as failed,
        count(*) filter (where status = 429) as rate_limited,
        count(*) filter (where output_tokens > 0) as answers,
        sum(input_tokens)::bigint as input_tokens,
        sum(cached_input_tokens)::bigint as cached_input_tokens,
        coalesce(sum(input_tokens) filter (where output_tokens > 0), 0)::bigint as answer_input_tokens,
        sum(output_tokens)::bigint as output_tokens,
        count(*) filter (where finish_reason = 'length') as length_finishes,
        count(*) filter (where n > 1) as multi_answer,
        count(*) filter (where logprobs) as logprobs_requests,
        count(*) filter (where temperature = 0) as cold_requests,
        count(distinct prompt_digest) as prompts,
        count(prompt_digest) as prompt_requests,
        count(distinct end_user_id) as end_users,
        count(distinct template_digest) as templates,
        count(distinct extract(hour from occurred_at)) as active_hours,
        count(distinct slot) as active_10min
    from (
        select
            usage_date,
            organization_id,
            occurred_at,
            api_key_id,
            template_digest,
            coalesce(base_model, model) as model,
            status,
            {{ input_buckets() | join(' + ') }} as input_tokens,
            cached_input_tokens,
            {{ output_buckets() | join(' + ') }} as output_tokens,
            finish_reason,
            n,
            logprobs,
            temperature,
            prompt_digest,
            end_user_id,
            (extract(hour from occurred_at) * 6 + floor(extract(minute from occurred_at) / 10))::smallint as slot
        from {{ ref('stg_usage_events') }}
        where {{ in_touched_days('usage_date') }}
    ) as requests
    group by grouping sets (
        (usage_date, organization_id, api_key_id),
        (usage_date, organization_id, template_digest),
        (usage_date, organization_id, model)
    )
),

placed as (
    select
        *,
        row_number() over (
            partition by usage_date, organization_id, slice
            order by output_tokens desc, requests desc, named asc
        ) as place
    from sliced
    where named is not null
)

select
    usage_date,
    organization_id,
    slice,
    named,
    requests,
    failed,
    rate_limited,
    answers,
    input_tokens,
    cached_input_tokens,
    answer_input_tokens,
    output_tokens,
    length_finishes,
    multi_answer,
    logprobs_requests,
    cold_requests,
    prompts,
    prompt_requests,
    end_users,
    templates,
    active_hours,
    active_10min
from placed
where place <= 10
