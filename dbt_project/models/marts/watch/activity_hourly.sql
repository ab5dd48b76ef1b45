{{ config(
    materialized='incremental',
    incremental_strategy='replace_days',
    unique_key='usage_date',
    on_schema_change='fail',
    pre_hook="{{ set_event_files() }}"
) }}

-- What each organisation did in each UTC hour. Counts of distinct things (keys, users, prompts, templates)
-- must not be added up over hours.
with requests as (
    select *
    from {{ ref('stg_usage_events') }}
    where {{ in_touched_days('usage_date') }}
),

charged as (
    select
        usage_date,
        date_trunc('hour', occurred_at)::timestamp as usage_hour,
        organization_id,
        case when count(distinct billing_currency) = 1 then max(billing_currency) end as billing_currency,
        case when count(distinct billing_currency) = 1 then sum(revenue_amount) end::decimal(38, 18)
            as revenue_amount
    from {{ ref('rated_usage') }}
    where {{ in_touched_days('usage_date') }}
    group by all
),

hours as (
    select
        usage_date,
        date_trunc('hour', occurred_at)::timestamp as usage_hour,
        organization_id,
        count(*) as requests,
        count(*) filter (where status >= 400) as failed,
        count(*) filter (where status = 429) as rate_limited,
        count(*) filter (where {{ output_buckets() | join(' + ') }} > 0) as answers,
        sum(
            {{ input_buckets() | join(' + ') }}
        )::bigint as input_tokens,
        sum(cached_input_tokens)::bigint as cached_input_tokens,
        coalesce(sum(
            {{ input_buckets() | join(' + ') }}
        ) filter (where {{ output_buckets() | join(' + ') }} > 0), 0)::bigint as answer_input_tokens,
        sum({{ output_buckets() | join(' + ') }})::bigint as output_tokens,
        coalesce(
            sum({{ output_buckets() | join(' + ') }}) filter (where model_tier = 'fine_tuned'), 0
        )::bigint as fine_tuned_output_tokens,
        count(*) filter (where finish_reason = 'length') as length_finishes,
        count(*) filter (where n > 1) as multi_answer,
        count(*) filter (where logprobs) as logprobs_requests,
        count(distinct api_key_id) as keys,
        count(distinct end_user_id) as end_users,
        count(distinct prompt_digest) as prompts,
        count(distinct template_digest) as templates,
        count(distinct floor(extract(minute from occurred_at) / 10)) as active_10min
    from requests
    group by all
)

select
    hours.*,
    charged.billing_currency,
    charged.revenue_amount
from hours
left join charged
    on
        hours.usage_date = charged.usage_date
        and hours.usage_hour = charged.usage_hour
        and hours.organization_id = charged.organization_id
