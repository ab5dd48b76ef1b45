-- noqa: disable=LT02
{#-
  Whether a row of exchange_rates_in_force converts `currency` to that of reports and held when the billing day
  `day` began. `reporting` is a row of run.settings.
-#}
{% macro converts_on(exchange, currency, day, reporting="reporting") -%}
(
    {{ currency }} = {{ exchange }}.from_currency
    and {{ reporting }}.reporting_currency = {{ exchange }}.to_currency
    and (({{ day }}::timestamp at time zone {{ reporting }}.billing_time_zone) at time zone 'UTC')
    >= {{ exchange }}.valid_from
    and (({{ day }}::timestamp at time zone {{ reporting }}.billing_time_zone) at time zone 'UTC')
    < {{ exchange }}.valid_to
)
{%- endmacro %}

{#- What one unit of `currency` is worth in the currency of reports; null when unknown. -#}
{% macro exchange_rate(exchange, currency, reporting="reporting") -%}
case
    when {{ currency }} = {{ reporting }}.reporting_currency then 1.000000
    else {{ exchange }}.rate
end::decimal(18, 6)
{%- endmacro %}

{#- Why an amount has no rate of exchange. -#}
{% macro unconverted_reason(currency, reporting="reporting_currency") -%}
'no exchange rate from ' || {{ currency }} || ' to ' || {{ reporting }} || ' on this day'
{%- endmacro %}
