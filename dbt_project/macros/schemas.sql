{#- Schema names are used as they are written: published.spend_daily, not main_published.spend_daily. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name | trim if custom_schema_name else target.schema }}
{%- endmacro %}
