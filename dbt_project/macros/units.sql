-- noqa: disable=LT02
{#-
  What can be priced, in the order in which it is explained; a test holds this list to pipelines/pricing/units.py.
  `quantity` names the event's quantity and, behind price_, the column of a rate set. `common` units are in almost
  every request; the others are multiplied only where an event has any.
-#}
{% macro units() -%}
    {{ return([
        {"unit": "input", "quantity": "input_tokens", "common": true},
        {"unit": "cached_input", "quantity": "cached_input_tokens", "common": true},
        {"unit": "cache_write_5m", "quantity": "cache_write_5m_tokens"},
        {"unit": "cache_write_1h", "quantity": "cache_write_1h_tokens"},
        {"unit": "audio_input", "quantity": "audio_input_tokens"},
        {"unit": "image_input", "quantity": "image_input_tokens"},
        {"unit": "output", "quantity": "output_tokens", "common": true},
        {"unit": "audio_output", "quantity": "audio_output_tokens"},
        {"unit": "image_output", "quantity": "image_output_tokens"},
        {"unit": "embedding", "quantity": "embedding_tokens"},
        {"unit": "training", "quantity": "training_tokens"},
        {"unit": "training_hour", "quantity": "training_hours", "hours": true},
        {"unit": "hosting_hour", "quantity": "hosting_hours", "hours": true},
        {"unit": "request", "quantity": "requests"},
        {"unit": "web_search", "quantity": "web_search_calls"},
        {"unit": "file_search", "quantity": "file_search_calls"},
        {"unit": "code_execution", "quantity": "code_execution_calls"},
        {"unit": "gpu_hour", "quantity": "gpu_hours", "hours": true},
    ]) }}
{%- endmacro %}

{#- Type of a unit's price: of one token or call twelve places, of one hour six (hours have six of their own). -#}
{% macro price_type(unit) -%}
    {{ return("decimal(18, 6)" if unit.get("hours") else "decimal(18, 12)") }}
{%- endmacro %}

{#- Type of a price after percentages, whose factor has six places. -#}
{% macro adjusted_type(unit) -%}
    {{ return("decimal(30, 12)" if unit.get("hours") else "decimal(30, 18)") }}
{%- endmacro %}

{#- Price of one in a rate set. Where images have no price of their own, providers charge them as text input. -#}
{% macro rate_price(unit, rate) -%}
    {%- if unit.unit == "image_input" -%}
    coalesce({{ rate }}.price_{{ unit.quantity }}, {{ rate }}.price_input_tokens)
    {%- else -%}
    {{ rate }}.price_{{ unit.quantity }}
    {%- endif -%}
{%- endmacro %}

{#- Quantity of one unit in one event, as a column. Embedding tokens are the input of an embedding call. -#}
{% macro quantity(unit, event) -%}
    {%- if unit.unit == "embedding" -%}
    (case when {{ event }}.operation = 'embedding' then {{ event }}.input_tokens else 0 end)
    {%- elif unit.unit == "request" -%}
    (case when {{ failed_or_cached(event) }} then 0 else 1 end)
    {%- else -%}
    {{ event }}.{{ unit.quantity }}
    {%- endif -%}
{%- endmacro %}

{#-
  Price of a unit on one side: those of common units stand in the row that every request finds (`rate`), the others
  in one that only requests with such a quantity look for (`rare`). A known embedding price prices such input.
-#}
{% macro side_price(unit, event, side, rate, rare) -%}
    {%- if unit.unit == "input" -%}
    (case
        when {{ event }}.operation = 'embedding'
            then coalesce({{ rate }}.{{ side }}_embedding_tokens, {{ rate }}.{{ side }}_input_tokens)
        else {{ rate }}.{{ side }}_input_tokens
    end)
    {%- else -%}
    {{ rate if unit.get("common") else rare }}.{{ side }}_{{ unit.quantity }}
    {%- endif -%}
{%- endmacro %}

{#-
  What is asked of a request again and again while it is rated, worked out once: whether it has no tokens, nothing at
  all, nothing that it could be charged for, and quantities that are not in almost every request.
-#}
{% macro rating_flags(event) -%}
    {%- set rare = charged_units() | rejectattr("common", "defined") | map(attribute="quantity") | list %}
    {%- set rare_tokens = rare | select("in", buckets()) | list %}
    {{ counts_no_tokens(event) }} as has_no_tokens,
    {{ counts_no_tokens(event) }} and {{ counts_no_meters(event) }} as has_nothing,
    {{ failed_or_cached(event) }} as is_free,
    {{ event }}.{{ rare_tokens | join(" + " ~ event ~ ".") }} > 0 or not {{ counts_no_meters(event) }} as has_rare
{%- endmacro %}

{#-
  Units that an event's amount is a sum of. Embedding tokens are charged with input; hours of GPUs are spread over
  the tokens of a day elsewhere.
-#}
{% macro charged_units() -%}
    {{ return(units() | rejectattr("unit", "in", ["embedding", "request", "gpu_hour"]) | list) }}
{%- endmacro %}

{#- A call that succeeded, of which nothing was counted, at a rate without a fee a call: what it used is unknown. -#}
{% macro not_counted(event, side, rate) -%}
({{ event }}.has_nothing and not {{ event }}.is_free and {{ rate }}.{{ side }}_requests is null)
{%- endmacro %}

{#-
  Amount of one event on one side (revenue, cost): the sum of its charges; null where there is no rate or a used
  quantity has no price. A fee a call is added where the rate has one. The event has its rating_flags.
-#}
{% macro amount(event, side, rate, rare) -%}
    case
        when {{ rate }}.{{ side }}_rate_id is null
            then case when {{ event }}.has_nothing and {{ event }}.is_free then 0::decimal(38, 18) end
        when {{ not_counted(event, side, rate) }} then null
        else (
    {%- for unit in charged_units() if unit.get("common") %}
        {%- set price = side_price(unit, event, side, rate, rare) %}
            {{ "+ " if not loop.first }}{{ charge(event ~ "." ~ unit.quantity, price) }}
    {%- endfor %}
            + case
                when not {{ event }}.has_rare then 0::decimal(38, 18)
                else (
    {%- for unit in charged_units() if not unit.get("common") %}
        {%- set price = side_price(unit, event, side, rate, rare) %}
                    {{ "+ " if not loop.first }}{{ charge(event ~ "." ~ unit.quantity, price) }}
    {%- endfor %}
                )
            end
            + case
                when {{ rate }}.{{ side }}_requests is null or {{ event }}.is_free then 0::decimal(38, 18)
                else {{ rate }}.{{ side }}_requests
            end
        )
    end::decimal(38, 18)
{%- endmacro %}

{#- Why an event has no amount: what was found for its key, or the first quantity without a price. -#}
{% macro no_amount_reason(event, side, rate, rare) -%}
    case
        when {{ rate }}.{{ side }}_reason is not null then {{ rate }}.{{ side }}_reason
        when {{ not_counted(event, side, rate) }} then 'the call succeeded but nothing was counted'
    {%- for unit in charged_units() %}
        when {{ event }}.{{ unit.quantity }} > 0 and {{ side_price(unit, event, side, rate, rare) }} is null
            then 'no rate for {{ unit.quantity }}'
    {%- endfor %}
    end
{%- endmacro %}
