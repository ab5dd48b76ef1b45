{{ config(materialized='table', schema='marts') }}

-- Every price row as it was known at the book's date: the committed book and the operator's own cards. `unit_price`
-- is the price of one token, call or hour, exact: blocks are powers of ten and prices have six places at most.
with book as (
    {%- set columns = [
        "card", "provider", "model", "model_tier", "service_tier", "region", "unit", "price", "per", "currency",
        "context_from", "valid_from", "valid_to", "known_from", "source", "checked_on",
    ] %}
    select {{ listed(columns, "seed") }}
    from {{ ref('price_book') }} as seed
    union all
    select {{ listed(columns, "home") }}
    from {{ source('run', 'home_prices') }} as home
)

select
    md5(
        concat_ws(
            '|', book.card, book.provider, book.model, book.model_tier, book.service_tier, coalesce(book.region, ''),
            book.unit, book.currency, book.context_from::varchar, book.valid_from::varchar,
            coalesce(book.known_from, book.valid_from)::varchar
        )
    ) as price_row_id,
    book.card,
    book.provider,
    book.model,
    book.model_tier,
    book.service_tier,
    coalesce(book.region, '') as region,
    book.unit,
    book.price::decimal(18, 6) as price,
    book.per,
    (
        book.price::decimal(18, 6)
        * case book.per when 1000000 then 0.000001 when 1000 then 0.001000 when 1 then 1.000000 end::decimal(7, 6)
    )::decimal(18, 12) as unit_price,
    book.currency,
    book.context_from,
    book.valid_from,
    book.valid_to,
    coalesce(book.known_from, book.valid_from) as known_from,
    book.source,
    book.checked_on
from book
cross join {{ source('run', 'settings') }} as settings
where coalesce(book.known_from, book.valid_from) <= settings.known_at
