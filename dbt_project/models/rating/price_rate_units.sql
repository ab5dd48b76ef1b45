{{ config(materialized='table', schema='marts') }}

-- One row is the price of one unit in one rate set, with the row of the price book that it comes from. A rate set is
-- a stretch of time and of request length in which no price of its key changes; `price_rates` has it in columns.
{%- set key = ["card", "provider", "model", "model_tier", "service_tier", "region", "currency"] %}

with numbered as (

    select
        *,
        dense_rank() over (order by {{ key | join(", ") }}) as rate_key
    from {{ ref('price_rows') }}

),

rate_keys as (

    select distinct
        rate_key,
        {{ key | join(",\n        ") }}
    from numbered

),

-- A row that says the same start again with later knowledge is a correction and stands alone.
standing as (

    select *
    from numbered
    qualify
        row_number() over (
            partition by rate_key, unit, context_from, valid_from
            order by known_from desc, price_row_id
        ) = 1

),

-- A row ends at its own end or where the next row of its unit begins, whichever comes first.
bounded as (

    select
        rate_key,
        unit,
        context_from,
        valid_from,
        least(
            coalesce(valid_to, timestamp '9999-12-31 00:00:00'),
            coalesce(
                lead(valid_from) over (partition by rate_key, unit, context_from order by valid_from),
                timestamp '9999-12-31 00:00:00'
            )
        ) as valid_to,
        unit_price,
        price_row_id
    from standing

),

instants as (

    select
        rate_key,
        valid_from as instant
    from bounded

    union distinct

    select
        rate_key,
        valid_to as instant
    from bounded

),

periods as (

    select
        rate_key,
        instant as valid_from,
        lead(instant) over (partition by rate_key order by instant) as valid_to
    from instants

),

in_force as (

    select
        periods.rate_key,
        periods.valid_from,
        periods.valid_to,
        bounded.unit,
        bounded.context_from,
        bounded.unit_price,
        bounded.price_row_id
    from periods
    inner join bounded
        on
            periods.rate_key = bounded.rate_key
            and periods.valid_from >= bounded.valid_from
            and periods.valid_to <= bounded.valid_to

),

lengths as (

    select distinct
        rate_key,
        valid_from,
        valid_to,
        context_from
    from in_force

),

cells as (

    select
        rate_key,
        valid_from,
        valid_to,
        context_from,
        coalesce(
            lead(context_from) over (partition by rate_key, valid_from order by context_from),
            9223372036854775807
        ) as context_to
    from lengths

),

-- Within a cell, a unit has the price of the greatest context_from that the cell has reached.
unit_prices as (

    select
        cells.rate_key,
        cells.valid_from,
        cells.valid_to,
        cells.context_from,
        cells.context_to,
        in_force.unit,
        in_force.unit_price,
        in_force.price_row_id
    from cells
    inner join in_force
        on
            cells.rate_key = in_force.rate_key
            and cells.valid_from = in_force.valid_from
            and cells.context_from >= in_force.context_from
    qualify
        row_number() over (
            partition by cells.rate_key, cells.valid_from, cells.context_from, in_force.unit
            order by in_force.context_from desc
        ) = 1

),

own as (

    select
        {{ listed(key, "rate_keys") }},
        rate_keys.model as priced_as,
        unit_prices.valid_from,
        unit_prices.valid_to,
        unit_prices.context_from,
        unit_prices.context_to,
        unit_prices.unit,
        unit_prices.unit_price,
        unit_prices.price_row_id
    from unit_prices
    inner join rate_keys on unit_prices.rate_key = rate_keys.rate_key

),

first_own as (

    select
        card,
        provider,
        model,
        min(valid_from) as valid_from
    from own
    group by card, provider, model

),

-- From an id's first row on, a card prices it by its own rows alone; before that, and others, may be dated aliases of
-- one that it has. So a row that is added for the time to come never takes an alias from the past.
aliased as (

    select
        own.card,
        own.provider,
        aliases.alias as model,
        own.model_tier,
        own.service_tier,
        own.region,
        own.currency,
        own.priced_as,
        greatest(own.valid_from, aliases.valid_from) as valid_from,
        least(own.valid_to, aliases.valid_to, coalesce(first_own.valid_from, own.valid_to)) as valid_to,
        own.context_from,
        own.context_to,
        own.unit,
        own.unit_price,
        own.price_row_id
    from own
    inner join {{ ref('aliases') }} as aliases
        on
            own.provider = aliases.provider
            and own.model = aliases.model
            and own.valid_from < aliases.valid_to
            and own.valid_to > aliases.valid_from
    left join first_own
        on
            own.card = first_own.card
            and aliases.provider = first_own.provider
            and aliases.alias = first_own.model
    where
        first_own.valid_from is null
        or first_own.valid_from > greatest(own.valid_from, aliases.valid_from)

),

priced as (

    select * from own
    union all
    select * from aliased

)

select
    md5(
        concat_ws(
            '|', {{ key | join(", ") }}, valid_from::varchar, context_from::varchar
        )
    ) as rate_id,
    {{ key | join(",\n    ") }},
    priced_as,
    valid_from,
    valid_to,
    context_from,
    context_to,
    unit,
    unit_price,
    price_row_id
from priced
