-- noqa: disable=LT02
{#- The disjoint billable token buckets of the canonical event; a test holds this list to the contract. -#}
{% macro buckets() -%}
    {{ return([
        "input_tokens", "cached_input_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens",
        "audio_input_tokens", "output_tokens", "audio_output_tokens", "training_tokens",
    ]) }}
{%- endmacro %}

{#-
  A failed call, or one that the gateway answered itself, that has no tokens: there was nothing to charge. A
  call that succeeded without tokens is another matter (images, speech): what it used was not counted.
-#}
{% macro used_nothing(event) -%}
({{ failed_or_cached(event) }} and {{ event }}.{{ buckets() | join(" + " ~ event ~ ".") }} = 0)
{%- endmacro %}

{% macro failed_or_cached(event) -%}
(coalesce({{ event }}.status, 0) >= 400 or {{ event }}.gateway_cache_hit)
{%- endmacro %}

{#- Amount of one event at one rate: the sum of its charges, null if any used bucket has no price. -#}
{% macro amount(event, rate) -%}
    case
        when {{ rate }}.rate_id is null and not {{ used_nothing(event) }} then null
        else (
    {%- for bucket in buckets() %}
            {{ "+ " if not loop.first }}{{ charge(event ~ "." ~ bucket, rate ~ ".price_" ~ bucket) }}
    {%- endfor %}
        )
    end::decimal(38, 12)
{%- endmacro %}

{#- Why an event has no amount: the first of unknown model, wrong instant, tier, context or bucket. -#}
{% macro no_amount_reason(event, rate, known) -%}
    case
        when {{ known }}.model is null then 'model is not in the price book'
        when {{ rate }}.rate_id is null
            and not list_contains({{ known }}.model_tiers, {{ event }}.model_tier)
            then 'no rate for the ' || {{ event }}.model_tier || ' tier of this model'
        when {{ rate }}.rate_id is null
            and not list_contains({{ known }}.tier_keys, {{ event }}.model_tier || '/' || {{ event }}.service_tier)
            then 'no rate for service tier ' || {{ event }}.service_tier
        when {{ rate }}.rate_id is null then 'no rate in force at this instant'
    {%- for bucket in buckets() %}
        when {{ event }}.{{ bucket }} > 0 and {{ rate }}.price_{{ bucket }} is null then 'no rate for {{ bucket }}'
    {%- endfor %}
    end
{%- endmacro %}

{#- Billing day of a UTC instant. -#}
{% macro charge_date(instant, zone) -%}
    case
        when {{ zone }} = 'UTC' then {{ instant }}::date
        else (({{ instant }} at time zone 'UTC') at time zone {{ zone }})::date
    end
{%- endmacro %}
