{{ config(materialized='view', schema='published') }}

-- The days of each tuned model added up. Days of which nothing had a rate count with the model's own currency.
{%- set counts = ["usage_requests", "usage_tokens", "training_jobs", "training_tokens"] %}

with days as (

    select
        * replace (
            coalesce(
                billing_currency, max(billing_currency) over (partition by provider, model, base_model, organization_id)
            ) as billing_currency
        )
    from {{ ref('tuned_days') }}

)

select
    provider,
    model,
    base_model,
    organization_id,
    billing_currency,
    min(first_at) as first_at,
    max(last_at) as last_at,
    {%- for name in counts %}
        sum({{ name }})::bigint as {{ name }},
    {%- endfor %}
    sum(usage_amount)::decimal(38, 18) as usage_amount,
    sum(training_hours)::decimal(38, 6) as training_hours,
    sum(training_amount)::decimal(38, 18) as training_amount,
    sum(hosting_hours)::decimal(38, 6) as hosting_hours,
    sum(hosting_amount)::decimal(38, 18) as hosting_amount,
    sum(unpriced_requests)::bigint as unpriced_requests,
    sum(compared_requests)::bigint as compared_requests,
    sum(compared_tokens)::bigint as compared_tokens,
    sum(compared_amount)::decimal(38, 18) as compared_amount,
    sum(base_amount)::decimal(38, 18) as base_amount,
    sum(compared_amount - base_amount)::decimal(38, 18) as extra_amount,
    min(base_reason) as base_reason
from days
group by provider, model, base_model, organization_id, billing_currency
