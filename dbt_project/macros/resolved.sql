{#- How an event finds its row of resolved_rates; `terms` is term_organizations joined to the event's organisation. -#}
{% macro finds_rate(event, terms, rate) -%}
    coalesce({{ terms }}.organization_id, '*') = {{ rate }}.term_organization
    and {{ event }}.provider = {{ rate }}.provider
    and {{ event }}.model = {{ rate }}.model
    and {{ event }}.service_tier = {{ rate }}.service_tier
    and coalesce({{ event }}.region, '') = {{ rate }}.region
    and {{ event }}.occurred_at >= {{ rate }}.valid_from
    and {{ event }}.occurred_at < {{ rate }}.valid_to
    and coalesce({{ event }}.raw_input_tokens, 0) >= {{ rate }}.context_from
    and coalesce({{ event }}.raw_input_tokens, 0) < {{ rate }}.context_to
{%- endmacro %}

{#- How specific a term is for a request: one of the model that an alias stands for comes behind one of the alias. -#}
{% macro term_specificity(specificity, by_alias) -%}
    {{ specificity }} - case when {{ by_alias }} then 4 else 0 end
{%- endmacro %}
