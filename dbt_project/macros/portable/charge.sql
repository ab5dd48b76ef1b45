{#-
  The one multiplication of money: a count of tokens at a price per token, exact.
  DuckDB: decimal(18,12) x bigint = decimal(37,12). No division: decimal / integer is a double there.
  Nothing used costs nothing, whatever the price; something used at no known price is null.
-#}
{% macro charge(tokens, price) -%}
    {{ return(adapter.dispatch("charge", "meterhouse")(tokens, price)) }}
{%- endmacro %}

{% macro default__charge(tokens, price) -%}
    case when {{ tokens }} = 0 then 0::decimal(37, 12) else {{ tokens }}::bigint * {{ price }} end
{%- endmacro %}

{% macro spark__charge(tokens, price) -%}
    case when {{ tokens }} = 0 then cast(0 as decimal(37, 12)) else cast({{ tokens }} as decimal(18, 0)) * {{ price }} end
{%- endmacro %}
