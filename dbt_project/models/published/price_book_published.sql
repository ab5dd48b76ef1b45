{{ config(alias='price_book') }}

-- Every price row: the committed book and the operator's own cards.
select
    card,
    provider,
    model,
    model_tier,
    service_tier,
    region,
    unit,
    price,
    per,
    currency,
    context_from,
    valid_from,
    valid_to,
    known_from,
    source,
    checked_on
from {{ ref('price_book') }}
union all
select
    card,
    provider,
    model,
    model_tier,
    service_tier,
    region,
    unit,
    price,
    per,
    currency,
    context_from,
    valid_from,
    valid_to,
    known_from,
    source,
    checked_on
from {{ source('run', 'home_prices') }}
