{{ config(
    materialized='incremental',
    incremental_strategy='replace_days',
    unique_key='usage_date',
    on_schema_change='fail',
    pre_hook="{{ set_event_files() }}"
) }}

-- What each organisation did on each UTC day: sums of its hours, the shape of the day, and what can only be
-- counted from the requests themselves. The extraction watch reads this table and never a request.
with hours as (
    select
        *,
        requests / sum(requests) over (partition by usage_date, organization_id) as share
    from (
        select
            usage_date,
            organization_id,
            requests,
            failed,
            rate_limited,
            answers,
            input_tokens,
            cached_input_tokens,
            answer_input_tokens,
            output_tokens,
            fine_tuned_output_tokens,
            length_finishes,
            multi_answer,
            logprobs_requests,
            active_10min,
            billing_currency,
            revenue_amount
        from {{ ref('activity_hourly') }}
        where {{ in_touched_days('usage_date') }}
    ) as touched
),

days as (
    select
        usage_date,
        organization_id,
        sum(requests)::bigint as requests,
        sum(failed)::bigint as failed,
        sum(rate_limited)::bigint as rate_limited,
        sum(answers)::bigint as answers,
        sum(input_tokens)::bigint as input_tokens,
        sum(cached_input_tokens)::bigint as cached_input_tokens,
        sum(answer_input_tokens)::bigint as answer_input_tokens,
        sum(output_tokens)::bigint as output_tokens,
        sum(fine_tuned_output_tokens)::bigint as fine_tuned_output_tokens,
        sum(length_finishes)::bigint as length_finishes,
        sum(multi_answer)::bigint as multi_answer,
        sum(logprobs_requests)::bigint as logprobs_requests,
        count(*) as active_hours,
        sum(active_10min)::bigint as active_10min,
        -- Shares are added in an order of their own, so that the last digit never depends on threads.
        round(list_sum(list(-share * log2(share) order by share)), 6) as hour_entropy,
        case when count(distinct billing_currency) = 1 then max(billing_currency) end as billing_currency,
        case when count(distinct billing_currency) = 1 then sum(revenue_amount) end::decimal(38, 18)
            as revenue_amount
    from hours
    group by all
),

used as (
    select
        usage_date,
        organization_id,
        count(distinct api_key_id) as keys,
        count(distinct end_user_id) as end_users,
        count(distinct prompt_digest) as prompts,
        count(prompt_digest) as prompt_requests
    from {{ ref('stg_usage_events') }}
    where {{ in_touched_days('usage_date') }}
    group by all
),

by_template as (
    select
        usage_date,
        organization_id,
        template_digest,
        count(*) as requests
    from {{ ref('stg_usage_events') }}
    where {{ in_touched_days('usage_date') }}
    group by all
),

templates as (
    select
        usage_date,
        organization_id,
        count(*) as templates,
        sum(requests)::bigint as template_requests,
        max(requests) as top_template_requests,
        list(template_digest order by requests desc, template_digest)[1:5] as top_templates
    from by_template
    where template_digest is not null
    group by all
),

by_network as (
    select
        usage_date,
        organization_id,
        client_network,
        count(*) as requests
    from {{ ref('stg_usage_events') }}
    where {{ in_touched_days('usage_date') }}
    group by all
),

networks as (
    select
        usage_date,
        organization_id,
        count(*) as client_networks,
        list(client_network order by requests desc, client_network)[1:5] as top_client_networks
    from by_network
    where client_network is not null
    group by all
),

by_model as (
    select
        usage_date,
        organization_id,
        coalesce(base_model, model) as model,
        coalesce(product_id, '(none)') as product_id,
        model_tier,
        count(*) as requests
    from {{ ref('stg_usage_events') }}
    where {{ in_touched_days('usage_date') }}
    group by all
),

-- How many requests each model and each product of an organisation has on a day.
names as (
    select
        usage_date,
        organization_id,
        'model' as kind,
        model as named,
        sum(requests)::bigint as requests
    from by_model
    group by all
    union all
    select
        usage_date,
        organization_id,
        'product' as kind,
        product_id as named,
        sum(requests)::bigint as requests
    from by_model
    group by all
),

commonest as (
    select
        usage_date,
        organization_id,
        count(*) filter (where kind = 'model') as models,
        count(*) filter (where kind = 'product') as products,
        max(requests) filter (where kind = 'model') as dominant_model_requests,
        (list(named order by requests desc, named asc) filter (where kind = 'model'))[1] as dominant_model,
        (list(named order by requests desc, named asc) filter (where kind = 'product'))[1] as dominant_product
    from names
    group by all
)

select
    d.usage_date,
    d.organization_id,
    d.requests,
    d.failed,
    d.rate_limited,
    d.answers,
    d.input_tokens,
    d.cached_input_tokens,
    d.answer_input_tokens,
    d.output_tokens,
    d.fine_tuned_output_tokens,
    d.length_finishes,
    d.multi_answer,
    d.logprobs_requests,
    d.hour_entropy,
    d.active_hours,
    d.active_10min,
    u.keys,
    u.end_users,
    u.prompts,
    u.prompt_requests,
    coalesce(t.templates, 0) as templates,
    coalesce(t.template_requests, 0) as template_requests,
    coalesce(t.top_template_requests, 0) as top_template_requests,
    coalesce(n.client_networks, 0) as client_networks,
    c.models,
    c.products,
    c.dominant_model,
    c.dominant_model_requests,
    c.dominant_product,
    coalesce(t.top_templates, []::varchar[]) as top_templates,
    coalesce(n.top_client_networks, []::varchar[]) as top_client_networks,
    d.billing_currency,
    d.revenue_amount
from days as d
inner join used as u on d.usage_date = u.usage_date and d.organization_id = u.organization_id
inner join commonest as c on d.usage_date = c.usage_date and d.organization_id = c.organization_id
left join templates as t on d.usage_date = t.usage_date and d.organization_id = t.organization_id
left join networks as n on d.usage_date = n.usage_date and d.organization_id = n.organization_id
