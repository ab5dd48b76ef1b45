{#-
  Replace whole days: the one incremental meaning that DuckDB, Spark and ClickHouse share. The days come
  from run.touched_days (or its two companions), never from the new rows, so a day that has become
  empty is emptied too. The model's unique_key names its day column: usage_date, charge_date or charge_month.
-#}
{% macro get_incremental_replace_days_sql(arg_dict) -%}
    {%- set columns = arg_dict["dest_columns"] | map(attribute="quoted") | join(", ") -%}
    delete from {{ arg_dict["target_relation"] }}
    where {{ arg_dict["unique_key"] }} in (select {{ arg_dict["unique_key"] }} from {{ days_table(arg_dict["unique_key"]) }});
    insert into {{ arg_dict["target_relation"] }} ({{ columns }})
    select {{ columns }} from {{ arg_dict["temp_relation"] }}
{%- endmacro %}

{% macro days_table(day_column) -%}
    {%- set tables = {
        "usage_date": "touched_days", "charge_date": "touched_charge_days", "charge_month": "touched_months",
    } -%}
    {{ source("run", tables[day_column]) }}
{%- endmacro %}

{#- Condition that restricts a model to the days of this run; on a full build the table lists every day. -#}
{% macro in_touched_days(day_column="usage_date") -%}
    {{ day_column }} in (select {{ day_column }} from {{ days_table(day_column) }})
{%- endmacro %}
