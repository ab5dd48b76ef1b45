-- noqa: disable=LT02
{#- The columns of spend_daily in order. -#}
{% macro spend_columns() -%}
    {{ return(
        spend_key() + ["requests", "failed_requests"] + buckets() + ["reasoning_tokens", "total_tokens"] + meters() + [
            "revenue_amount", "cost_amount", "margin_amount", "margin_revenue_amount", "revenue_only_amount",
            "cost_only_amount", "foreign_cost_amount",
            "unpriced_requests", "unpriced_tokens", "uncosted_requests", "uncosted_tokens",
        ]
    ) }}
{%- endmacro %}

{#- What one row of spend_daily is about. -#}
{% macro spend_key() -%}
    {{ return([
        "charge_date", "organization_id", "product_id", "provider", "model", "base_model", "model_tier",
        "service_tier", "billing_currency", "cost_currency",
    ]) }}
{%- endmacro %}

{#- Currency of a request's amounts. What was for nothing at no rate at all counts in the currency of reports. -#}
{% macro billing_currency(ratings, is_priced, settings) -%}
    coalesce(
        {{ ratings }}.revenue_currency,
        {{ ratings }}.cost_currency,
        case when {{ is_priced }} then {{ settings }}.reporting_currency end
    )
{%- endmacro %}
