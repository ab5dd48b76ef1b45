-- noqa: disable=LT02
{{ config(materialized='table', schema='marts') }}

-- One row is one rate set: all unit prices of one key (card, provider, model, model tier, service tier, region,
-- currency) over one stretch of time and of request length in which none of them changes. Stretches of a key never
-- overlap, so an event finds at most one of a card and region.
select
    rate_id,
    card,
    provider,
    model,
    priced_as,
    model_tier,
    service_tier,
    region,
    currency,
    valid_from,
    valid_to,
    context_from,
    context_to,
    {%- for unit in units() %}
        max(case when unit = '{{ unit.unit }}' then unit_price end)::{{ price_type(unit) }}
            as price_{{ unit.quantity }}{{ "," if not loop.last }}
    {%- endfor %}
from {{ ref('price_rate_units') }}
group by
    rate_id, card, provider, model, priced_as, model_tier, service_tier, region, currency,
    valid_from, valid_to, context_from, context_to
