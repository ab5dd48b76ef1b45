{#-
  The one multiplication of money: a quantity at a price for one, exact.
  DuckDB: bigint x decimal(30,18) = decimal(38,18), checked for overflow. No division: decimal / integer is a
  double there. Nothing used costs nothing, whatever the price; something used at no known price is null.
-#}
{% macro charge(quantity, price) -%}
    {{ return(adapter.dispatch("charge", "meterhouse")(quantity, price)) }}
{%- endmacro %}

{% macro default__charge(quantity, price) -%}
    case when {{ quantity }} = 0 then 0::decimal(38, 18) else {{ quantity }} * {{ price }} end
{%- endmacro %}

{% macro spark__charge(quantity, price) -%}
    case
        when {{ quantity }} = 0 then cast(0 as decimal(38, 18))
        else cast(cast({{ quantity }} as decimal(18, 6)) * {{ price }} as decimal(38, 18))
    end
{%- endmacro %}
