{{ config(
    materialized='incremental',
    incremental_strategy='replace_days',
    unique_key='usage_date',
    on_schema_change='fail',
    schema='marts',
    pre_hook="{{ set_event_files() }}"
) }}

-- The event with its two amounts, or the reason why it has none. The rate is the one of the exact model and
-- tiers in force at the event's own instant; a tuned model never falls back to its base.
with settings as (
    select
        revenue_card,
        cost_card,
        billing_time_zone,
        reporting_currency
    from {{ source('run', 'settings') }}
),

-- What the card knows of a model at all: only for saying why an event has no rate.
revenue_known as (
    select
        provider,
        model,
        list(distinct model_tier) as model_tiers,
        list(distinct model_tier || '/' || service_tier) as tier_keys
    from {{ ref('price_rates') }}
    where card in (select revenue_card from settings)
    group by provider, model
),

cost_known as (
    select
        provider,
        model,
        list(distinct model_tier) as model_tiers,
        list(distinct model_tier || '/' || service_tier) as tier_keys
    from {{ ref('price_rates') }}
    where card in (select cost_card from settings)
    group by provider, model
),

rated as (
    select
        e.source,
        e.event_id,
        e.body_digest,
        e.revision,
        e.occurred_at,
        e.received_at,
        e.organization_id,
        e.product_id,
        e.api_key_id,
        e.end_user_id,
        e.provider,
        e.model,
        e.base_model,
        e.model_tier,
        e.service_tier,
        e.operation,
        e.input_tokens,
        e.cached_input_tokens,
        e.cache_write_5m_tokens,
        e.cache_write_1h_tokens,
        e.audio_input_tokens,
        e.output_tokens,
        e.audio_output_tokens,
        e.training_tokens,
        e.reasoning_tokens,
        e.raw_input_tokens,
        e.raw_output_tokens,
        e.status,
        e.error_type,
        e.finish_reason,
        e.latency_ms,
        e.gateway_cache_hit,
        e.region,
        e.client_network,
        e.client_agent,
        e.prompt_digest,
        e.template_digest,
        e.max_output_tokens,
        e.temperature,
        e.n,
        e.logprobs,
        e.reported_cost,
        e.usage_date,
        {{ charge_date("e.occurred_at", "settings.billing_time_zone") }} as charge_date,
        -- What used nothing and has no rate is charged nothing, in the currency of reports.
        coalesce(r.currency, c.currency, case when {{ used_nothing("e") }} then settings.reporting_currency end)
            as billing_currency,
        {{ amount("e", "r") }} as revenue_at_rate,
        {{ amount("e", "c") }} as cost_at_rate,
        {{ no_amount_reason("e", "r", "rk") }} as revenue_reason,
        {{ no_amount_reason("e", "c", "ck") }} as cost_reason,
        r.rate_id as revenue_rate_id,
        c.rate_id as cost_rate_id,
        -- Amounts of two currencies never meet in one row: the cost side is then unknown.
        coalesce(r.currency != c.currency, false) as currencies_differ
    from {{ ref('stg_usage_events') }} as e
    cross join settings
    left join {{ ref('price_rates') }} as r
        on
            settings.revenue_card = r.card
            and e.provider = r.provider
            and coalesce(e.base_model, e.model) = r.model
            and e.model_tier = r.model_tier
            and e.service_tier = r.service_tier
            and e.occurred_at >= r.valid_from
            and e.occurred_at < r.valid_to
            and e.raw_input_tokens >= r.context_from
            and e.raw_input_tokens < r.context_to
    left join {{ ref('price_rates') }} as c
        on
            settings.cost_card = c.card
            and e.provider = c.provider
            and coalesce(e.base_model, e.model) = c.model
            and e.model_tier = c.model_tier
            and e.service_tier = c.service_tier
            and e.occurred_at >= c.valid_from
            and e.occurred_at < c.valid_to
            and e.raw_input_tokens >= c.context_from
            and e.raw_input_tokens < c.context_to
    left join revenue_known as rk on e.provider = rk.provider and coalesce(e.base_model, e.model) = rk.model
    left join cost_known as ck on e.provider = ck.provider and coalesce(e.base_model, e.model) = ck.model
)

select
    source,
    event_id,
    body_digest,
    revision,
    occurred_at,
    received_at,
    organization_id,
    product_id,
    api_key_id,
    end_user_id,
    provider,
    model,
    base_model,
    model_tier,
    service_tier,
    operation,
    input_tokens,
    cached_input_tokens,
    cache_write_5m_tokens,
    cache_write_1h_tokens,
    audio_input_tokens,
    output_tokens,
    audio_output_tokens,
    training_tokens,
    reasoning_tokens,
    raw_input_tokens,
    raw_output_tokens,
    status,
    error_type,
    finish_reason,
    latency_ms,
    gateway_cache_hit,
    region,
    client_network,
    client_agent,
    prompt_digest,
    template_digest,
    max_output_tokens,
    temperature,
    n,
    logprobs,
    reported_cost,
    usage_date,
    charge_date,
    billing_currency,
    revenue_at_rate as revenue_amount,
    case when not currencies_differ then cost_at_rate end as cost_amount,
    case when revenue_at_rate is null then revenue_reason end as unpriced_reason,
    case
        when currencies_differ then 'cost rate is in another currency than the revenue rate'
        when cost_at_rate is null then cost_reason
    end as uncosted_reason,
    revenue_rate_id,
    cost_rate_id
from rated
