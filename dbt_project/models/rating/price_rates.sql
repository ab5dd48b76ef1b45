{{ config(materialized='table', schema='marts') }}

{%- set units = [
    'input', 'cached_input', 'cache_write_5m', 'cache_write_1h',
    'audio_input', 'output', 'audio_output', 'training'
] %}

-- One row is one rate set: all unit prices of one key (card, provider, model, model tier, service tier,
-- currency) over one stretch of time and of request length in which none of them changes. Stretches of a
-- key never overlap, so an event joins to at most one row.

with book as (

    select
        card,
        provider,
        model,
        model_tier,
        service_tier,
        currency,
        unit,
        price,
        context_from,
        valid_from,
        valid_to,
        known_from
    from {{ ref('price_book') }}

    union all

    select
        card,
        provider,
        model,
        model_tier,
        service_tier,
        currency,
        unit,
        price,
        context_from,
        valid_from,
        valid_to,
        known_from
    from {{ source('run', 'home_prices') }}

),

numbered as (

    select
        *,
        dense_rank() over (
            order by card, provider, model, model_tier, service_tier, currency
        ) as rate_key
    from book

),

rate_keys as (

    select distinct
        rate_key,
        card,
        provider,
        model,
        model_tier,
        service_tier,
        currency
    from numbered

),

-- A row that says the same start again with later knowledge is a correction and stands alone.
by_knowledge as (

    select
        *,
        row_number() over (
            partition by rate_key, unit, context_from, valid_from
            order by coalesce(known_from, valid_from) desc
        ) as knowledge_rank
    from numbered

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
        cast(cast(price as decimal(18, 6)) * cast(0.000001 as decimal(7, 6)) as decimal(18, 12))
            as price_per_token
    from by_knowledge
    where knowledge_rank = 1

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
        bounded.price_per_token
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
        max_by(in_force.price_per_token, in_force.context_from) as price_per_token
    from cells
    inner join in_force
        on
            cells.rate_key = in_force.rate_key
            and cells.valid_from = in_force.valid_from
            and cells.context_from >= in_force.context_from
    group by
        cells.rate_key,
        cells.valid_from,
        cells.valid_to,
        cells.context_from,
        cells.context_to,
        in_force.unit

),

rate_sets as (

    select
        rate_key,
        valid_from,
        valid_to,
        context_from,
        context_to,
        {%- for unit in units %}
            max(
                case when unit = '{{ unit }}' then price_per_token end
            ) as price_{{ unit }}_tokens{% if not loop.last %},{% endif %}
        {%- endfor %}
    from unit_prices
    group by
        rate_key,
        valid_from,
        valid_to,
        context_from,
        context_to

)

select
    md5(
        concat_ws(
            '|',
            rate_keys.card,
            rate_keys.provider,
            rate_keys.model,
            rate_keys.model_tier,
            rate_keys.service_tier,
            rate_keys.currency,
            cast(rate_sets.valid_from as varchar),
            cast(rate_sets.context_from as varchar)
        )
    ) as rate_id,
    rate_keys.card,
    rate_keys.provider,
    rate_keys.model,
    rate_keys.model_tier,
    rate_keys.service_tier,
    rate_keys.currency,
    rate_sets.valid_from,
    rate_sets.valid_to,
    rate_sets.context_from,
    rate_sets.context_to,
    {%- for unit in units %}
        rate_sets.price_{{ unit }}_tokens{% if not loop.last %},{% endif %}
    {%- endfor %}
from rate_sets
inner join rate_keys
    on rate_sets.rate_key = rate_keys.rate_key
