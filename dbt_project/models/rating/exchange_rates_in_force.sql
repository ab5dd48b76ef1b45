{{ config(materialized='ephemeral') }}

-- Rates of exchange as known at the book's date, each with its end: an open row holds until the next one of its pair.
with rates as (

    select
        from_currency,
        to_currency,
        rate,
        valid_from,
        valid_to,
        coalesce(known_from, valid_from) as known_from
    from {{ ref('exchange_rates') }}

    union all

    select
        from_currency,
        to_currency,
        rate,
        valid_from,
        valid_to,
        coalesce(known_from, valid_from) as known_from
    from {{ source('run', 'home_exchange_rates') }}

),

standing as (

    select rates.*
    from rates
    cross join {{ source('run', 'settings') }} as settings
    where rates.known_from <= settings.known_at
    qualify
        row_number() over (
            partition by rates.from_currency, rates.to_currency, rates.valid_from
            order by rates.known_from desc, rates.rate
        ) = 1

)

select
    from_currency,
    to_currency,
    rate,
    valid_from,
    least(
        coalesce(valid_to, timestamp '9999-12-31 00:00:00'),
        coalesce(
            lead(valid_from) over (partition by from_currency, to_currency order by valid_from),
            timestamp '9999-12-31 00:00:00'
        )
    ) as valid_to
from standing
