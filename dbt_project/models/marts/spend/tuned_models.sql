{{ config(materialized='view', schema='published') }}

-- The days of each tuned model added up. Days of which nothing had a rate count with the model's own currency.
-- Amounts in the currency of reports are at the rate of exchange of each billing day, as in spend_reported: training in
-- one currency and use in another can only be held against each other there.
{%- set counts = ["usage_requests", "usage_tokens", "training_jobs", "training_tokens"] %}
{%- set amounts = ["usage", "training", "hosting", "compared", "base"] %}

with reporting as (

    select
        reporting_currency,
        billing_time_zone
    from {{ source('run', 'settings') }}

),

days as (

    select
        tuned.* replace (
            coalesce(
                tuned.billing_currency,
                max(tuned.billing_currency) over (
                    partition by tuned.provider, tuned.model, tuned.base_model, tuned.organization_id
                )
            ) as billing_currency
        ),
        reporting.reporting_currency,
        {{ exchange_rate("exchange", "tuned.billing_currency") }} as exchange_rate
    from {{ ref('tuned_days') }} as tuned
    cross join reporting
    left join {{ ref('exchange_rates_in_force') }} as exchange
        on {{ converts_on("exchange", "tuned.billing_currency", "tuned.charge_date") }}

),

added as (

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
        min(base_reason) as base_reason,
        any_value(reporting_currency) as reporting_currency,
        {%- for name in amounts %}
            sum({{ name }}_amount * exchange_rate)::decimal(38, 24) as reported_{{ name }}_amount,
        {%- endfor %}
        min(case
            when exchange_rate is null and coalesce(usage_amount, training_amount, hosting_amount) is not null
                then {{ unconverted_reason("billing_currency") }} || ': ' || charge_date
        end) as unconverted_reason
    from days
    group by provider, model, base_model, organization_id, billing_currency

)

-- An amount of which a part has no rate of exchange is null: a part would pass for the whole.
select
    * replace (
        {%- for name in amounts %}
            case
                when unconverted_reason is null then reported_{{ name }}_amount
            end as reported_{{ name }}_amount{{ "," if not loop.last }}
        {%- endfor %}
    )
from added
