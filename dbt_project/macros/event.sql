-- noqa: disable=LT02
{#- The columns of a canonical event, in order; a test holds this list to the contract. -#}
{% macro event_columns() -%}
    {{ return([
        "source", "event_id", "body_digest", "revision", "occurred_at", "received_at",
        "organization_id", "product_id", "api_key_id", "end_user_id",
        "provider", "model", "base_model", "model_tier", "service_tier", "operation",
        "input_tokens", "cached_input_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens",
        "audio_input_tokens", "image_input_tokens", "output_tokens", "audio_output_tokens", "image_output_tokens",
        "training_tokens",
        "training_hours", "hosting_hours", "web_search_calls", "file_search_calls", "code_execution_calls",
        "reasoning_tokens", "raw_input_tokens", "raw_output_tokens",
        "status", "error_type", "finish_reason", "latency_ms", "gateway_cache_hit",
        "region", "client_network", "client_agent", "prompt_digest", "template_digest",
        "max_output_tokens", "temperature", "n", "logprobs", "reported_cost",
    ]) }}
{%- endmacro %}

{#- What a rated request keeps of its event: who, what and how much. The rest stays in the event files. -#}
{% macro rated_event_columns() -%}
    {{ return(
        [
            "source", "event_id", "occurred_at", "organization_id", "product_id", "api_key_id",
            "provider", "model", "base_model", "model_tier", "service_tier", "operation", "region", "status",
        ] + buckets() + meters() + ["reasoning_tokens"]
    ) }}
{%- endmacro %}

{#- Of these, what all requests with one rating_id have in common, and stands in ratings. -#}
{% macro rating_columns() -%}
    {{ return(["provider", "model", "base_model", "model_tier", "service_tier", "region"]) }}
{%- endmacro %}

{#- And what each request has of its own. -#}
{% macro request_columns() -%}
    {{ return(rated_event_columns() | reject("in", rating_columns()) | list) }}
{%- endmacro %}

{#- A select list of columns, each with the table's alias before it. -#}
{% macro listed(columns, alias) -%}
    {%- for column in columns %}
    {{ alias }}.{{ column }}{{ "," if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{#- The disjoint billable token buckets of the canonical event; a test holds this list to the contract. -#}
{% macro buckets() -%}
    {{ return([
        "input_tokens", "cached_input_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens",
        "audio_input_tokens", "image_input_tokens", "output_tokens", "audio_output_tokens", "image_output_tokens",
        "training_tokens",
    ]) }}
{%- endmacro %}

{#- Buckets of what a request took in and of what it gave out. -#}
{% macro input_buckets() -%}
    {{ return(buckets() | reject("in", output_buckets() + ["training_tokens"]) | list) }}
{%- endmacro %}

{% macro output_buckets() -%}
    {{ return(["output_tokens", "audio_output_tokens", "image_output_tokens"]) }}
{%- endmacro %}

{#- The billable quantities of an event that are not tokens; a test holds this list to the contract. -#}
{% macro meters() -%}
    {{ return([
        "training_hours", "hosting_hours", "web_search_calls", "file_search_calls", "code_execution_calls",
    ]) }}
{%- endmacro %}

{#- Quantities that older event files do not have; a test holds this list to the contract. -#}
{% macro added_quantities() -%}
    {{ return(["image_input_tokens", "image_output_tokens"] + meters()) }}
{%- endmacro %}

{#- No token of any kind was counted. Sums of whole numbers only: hours would make every one a decimal. -#}
{% macro counts_no_tokens(event) -%}
({{ event }}.{{ buckets() | join(" + " ~ event ~ ".") }} = 0)
{%- endmacro %}

{#- No hour or tool call was counted. -#}
{% macro counts_no_meters(event) -%}
({{ event }}.{{ meters() | join(" = 0 and " ~ event ~ ".") }} = 0)
{%- endmacro %}

{#-
  A failed call, or one that the gateway answered itself: where it has no quantity there was nothing to charge. A
  call that succeeded without tokens is another matter (images, speech): what it used was not counted.
-#}
{% macro failed_or_cached(event) -%}
(coalesce({{ event }}.status, 0) >= 400 or coalesce({{ event }}.gateway_cache_hit, false))
{%- endmacro %}

{#- Billing day of a UTC instant. -#}
{% macro charge_date(instant, zone) -%}
    case
        when {{ zone }} = 'UTC' then {{ instant }}::date
        else (({{ instant }} at time zone 'UTC') at time zone {{ zone }})::date
    end
{%- endmacro %}
