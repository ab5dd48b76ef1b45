{#-
  Where the events of the touched days lie. On DuckDB the run sets the variable event_files from the
  manifest, in the pre-hook of the model that reads them, so only committed files are ever seen.
-#}
{% macro event_source() -%}
    {{ return(adapter.dispatch("event_source", "meterhouse")()) }}
{%- endmacro %}

{% macro default__event_source() -%}
    read_parquet(getvariable('event_files'), union_by_name = true, hive_partitioning = false)
{%- endmacro %}

{% macro set_event_files() -%}
    set variable event_files = (select list(path order by path) from run.visible_files)
{%- endmacro %}
