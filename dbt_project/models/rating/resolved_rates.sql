-- noqa: disable=LT02
{{ config(materialized='table', schema='rating') }}

-- What each combination of the touched days pays, on both sides: one row a combination, stretch of time and stretch
-- of request length, so that every request finds exactly one. Prices are those of the card that counts, times the
-- factor of the percentages that count; where there is no rate, the reason why.
{%- set sides = ["revenue", "cost"] %}
{%- set is_spread = "(c.price_gpu_hours is not null and c.card = settings.cost_card)" %}
{%- set open_from = "timestamp '0001-01-01 00:00:00'" %}
{%- set open_to = "timestamp '9999-12-31 00:00:00'" %}

with terms as (

    select * from {{ ref('terms_in_force') }}

),

key_organizations as (

    select
        usage_key,
        term_organization as organization_id
    from {{ ref('usage_keys') }}
    union distinct
    select
        usage_key,
        '*' as organization_id
    from {{ ref('usage_keys') }}

),

-- The models whose terms may count: the one that was asked for, and what it stood for while it was an alias.
key_models as (

    select
        usage_key,
        price_model as model,
        false as by_alias,
        {{ open_from }} as valid_from,
        {{ open_to }} as valid_to
    from {{ ref('usage_keys') }}
    union all
    select
        keys.usage_key,
        aliases.model,
        true as by_alias,
        aliases.valid_from,
        aliases.valid_to
    from {{ ref('usage_keys') }} as keys
    inner join {{ ref('aliases') }} as aliases
        on keys.provider = aliases.provider and keys.price_model = aliases.alias

),

matching_terms as (

    select
        keys.usage_key,
        terms.kind,
        terms.side,
        terms.term_id,
        terms.card,
        terms.percent,
        key_models.by_alias,
        {{ term_specificity("terms.specificity", "key_models.by_alias") }} as specificity,
        greatest(terms.valid_from, key_models.valid_from) as valid_from,
        least(terms.valid_to, key_models.valid_to) as valid_to
    from {{ ref('usage_keys') }} as keys
    inner join key_organizations on keys.usage_key = key_organizations.usage_key
    inner join key_models on keys.usage_key = key_models.usage_key
    inner join terms
        on
            key_organizations.organization_id = terms.organization_id
            and terms.provider in ('', keys.provider)
            and (terms.model = key_models.model or (terms.model = '' and not key_models.by_alias))
            and terms.region in ('', keys.region)
            and terms.valid_from < key_models.valid_to
            and terms.valid_to > key_models.valid_from
    where
        greatest(terms.valid_from, key_models.valid_from) <= keys.last_at
        and least(terms.valid_to, key_models.valid_to) > keys.first_at

),

key_terms as (

    select *
    from matching_terms
    where kind in ('card', 'uplift', 'discount', 'markup')

),

key_bands as (

    select distinct usage_key
    from matching_terms
    where kind in ('allowance', 'graduated', 'volume')

),

-- The cards of a side in the order in which they are asked: those of the terms, then the general one.
cards as (

    select
        usage_key,
        side,
        card,
        term_id,
        by_alias,
        specificity,
        valid_from,
        valid_to
    from key_terms
    where kind = 'card'

    {% for side in sides %}
        union all

        select
            keys.usage_key,
            '{{ side }}' as side,
            settings.{{ side }}_card as card,
            null as term_id,
            false as by_alias,
            -1 as specificity,
            {{ open_from }} as valid_from,
            {{ open_to }} as valid_to
        from {{ ref('usage_keys') }} as keys
        cross join {{ source('run', 'settings') }} as settings
    {% endfor %}

),

-- All that the cards know of the model, at any time and tier.
known_rates as (

    select
        keys.usage_key,
        cards.side,
        cards.term_id,
        cards.specificity,
        rates.rate_id,
        rates.model_tier = keys.model_tier as is_model_tier,
        rates.model_tier = keys.model_tier and rates.service_tier = keys.service_tier as is_tier,
        rates.region != '' as is_regional,
        rates.region in ('', keys.region) as is_region,
        rates.priced_as = rates.model as by_own_rows,
        rates.context_from,
        rates.context_to,
        greatest(rates.valid_from, cards.valid_from) as valid_from,
        least(rates.valid_to, cards.valid_to) as valid_to
    from {{ ref('usage_keys') }} as keys
    inner join cards on keys.usage_key = cards.usage_key
    inner join {{ ref('price_rates') }} as rates
        on
            cards.card = rates.card
            and keys.provider = rates.provider
            and keys.price_model = rates.model
            and cards.valid_from < rates.valid_to
            and cards.valid_to > rates.valid_from
    -- Where an alias has rows of its own it is another model, to which terms of the one it stood for do not apply.
    where not (cards.by_alias and rates.priced_as = rates.model)

),

what_is_known as (

    select
        usage_key,
        side,
        bool_or(is_model_tier) as has_model_tier,
        bool_or(is_tier) as has_tier,
        bool_or(is_tier and is_region) as has_region
    from known_rates
    group by usage_key, side

),

candidates as (

    select known_rates.*
    from known_rates
    inner join {{ ref('usage_keys') }} as keys on known_rates.usage_key = keys.usage_key
    where
        known_rates.is_tier
        and known_rates.is_region
        and known_rates.valid_from <= keys.last_at
        and known_rates.valid_to > keys.first_at

),

instants as (

    select
        usage_key,
        {{ open_from }} as instant
    from {{ ref('usage_keys') }}
    union distinct
    select
        usage_key,
        valid_from as instant
    from candidates
    union distinct
    select
        usage_key,
        valid_to as instant
    from candidates
    union distinct
    select
        usage_key,
        valid_from as instant
    from key_terms
    union distinct
    select
        usage_key,
        valid_to as instant
    from key_terms

),

periods as (

    select
        usage_key,
        instant as valid_from,
        coalesce(lead(instant) over (partition by usage_key order by instant), timestamp 'infinity') as valid_to
    from instants

),

lengths as (

    select
        usage_key,
        context_from,
        coalesce(
            lead(context_from) over (partition by usage_key order by context_from), 9223372036854775807
        ) as context_to
    from (
        select
            usage_key,
            0 as context_from
        from {{ ref('usage_keys') }}
        union distinct
        select
            usage_key,
            context_from
        from candidates
        union distinct
        select
            usage_key,
            context_to as context_from
        from candidates
        where context_to < 9223372036854775807
    ) as starts

),

cells as (

    select
        row_number() over () as cell,
        periods.usage_key,
        periods.valid_from,
        periods.valid_to,
        lengths.context_from,
        lengths.context_to
    from periods
    inner join lengths on periods.usage_key = lengths.usage_key
    inner join {{ ref('usage_keys') }} as keys on periods.usage_key = keys.usage_key
    where periods.valid_from <= keys.last_at and periods.valid_to > keys.first_at

),

in_force as (

    select
        cells.cell,
        candidates.*,
        cells.context_from >= candidates.context_from and cells.context_to <= candidates.context_to as is_length
    from cells
    inner join candidates
        on
            cells.usage_key = candidates.usage_key
            and cells.valid_from >= candidates.valid_from
            and cells.valid_to <= candidates.valid_to

),

-- The rate set of each side: of the card asked first, of a region's own rows before those of any region. Without an
-- id where all that are in force are for other lengths.
cell_rates as (

    select
        cell,
        side,
        case when is_length then rate_id end as rate_id,
        case when is_length then term_id end as term_id,
        is_length and by_own_rows as by_own_rows
    from in_force
    qualify
        row_number() over (
            partition by cell, side
            order by is_length desc, specificity desc, is_regional desc, rate_id
        ) = 1

),

cell_percents as (

    select
        cells.cell,
        key_terms.side,
        key_terms.kind,
        key_terms.term_id,
        key_terms.percent
    from cells
    inner join key_terms
        on
            cells.usage_key = key_terms.usage_key
            and cells.valid_from >= key_terms.valid_from
            and cells.valid_to <= key_terms.valid_to
    left join cell_rates as found
        on
            cells.cell = found.cell
            -- A mark-up is over the cost side's prices.
            and found.side = case when key_terms.kind = 'markup' then 'cost' else key_terms.side end
    where key_terms.kind != 'card' and not (key_terms.by_alias and coalesce(found.by_own_rows, false))
    qualify
        row_number() over (
            partition by cells.cell, key_terms.side, key_terms.kind
            order by key_terms.specificity desc, key_terms.term_id
        ) = 1

),

-- 1 + percent / 100, without a division: percentages have four places, their factors six.
factors as (

    select
        cell,
        side,
        max(case when kind = 'uplift' then 1 + percent * 0.01 end)::decimal(12, 6) as uplift,
        max(case when kind = 'discount' then 1 - percent * 0.01 end)::decimal(12, 6) as discount,
        max(case when kind = 'markup' then 1 + percent * 0.01 end)::decimal(12, 6) as markup,
        max(case when kind = 'uplift' then term_id end) as uplift_term,
        max(case when kind = 'discount' then term_id end) as discount_term,
        -- One without a percentage says that there is none.
        max(case when kind = 'markup' and percent is not null then term_id end) as markup_term
    from cell_percents
    group by cell, side

),

two_sides as (

    select
        cells.*,
        rf.markup_term,
        case when rf.markup_term is null then rr.rate_id else cr.rate_id end as revenue_rate_id,
        cr.rate_id as cost_rate_id,
        -- A side has a row where there are rates in force, be it for other lengths.
        case when rf.markup_term is null then rr.cell else cr.cell end is not null as revenue_in_force,
        cr.cell is not null as cost_in_force,
        coalesce(cf.uplift, 1)::decimal(12, 6) * coalesce(cf.discount, 1)::decimal(12, 6) as cost_factor,
        case
            when rf.markup_term is null
                then coalesce(rf.uplift, 1)::decimal(12, 6) * coalesce(rf.discount, 1)::decimal(12, 6)
        end as own_factor,
        rf.markup,
        case
            when rf.markup_term is null
                then nullif(concat_ws(',', rr.term_id, rf.uplift_term, rf.discount_term), '')
            else nullif(concat_ws(',', cr.term_id, cf.uplift_term, cf.discount_term, rf.markup_term), '')
        end as revenue_terms,
        nullif(concat_ws(',', cr.term_id, cf.uplift_term, cf.discount_term), '') as cost_terms
    from cells
    left join cell_rates as rr on cells.cell = rr.cell and rr.side = 'revenue'
    left join cell_rates as cr on cells.cell = cr.cell and cr.side = 'cost'
    left join factors as rf on cells.cell = rf.cell and rf.side = 'revenue'
    left join factors as cf on cells.cell = cf.cell and cf.side = 'cost'

),

-- A factor that does not fit six places would make amounts inexact: there is none then, and the reason says so.
exact as (

    select
        * exclude (cost_factor),
        case when cost_factor = cost_factor::decimal(12, 6) then cost_factor::decimal(12, 6) end as cost_factor,
        case
            when markup is null
                then case when own_factor = own_factor::decimal(12, 6) then own_factor::decimal(12, 6) end
            when
                cost_factor = cost_factor::decimal(12, 6)
                and cost_factor::decimal(12, 6) * markup
                = (cost_factor::decimal(12, 6) * markup)::decimal(12, 6)
                then (cost_factor::decimal(12, 6) * markup)::decimal(12, 6)
        end as revenue_factor
    from two_sides

)

select
    -- What a request keeps of how it was rated is this digest; `ratings` has the rest.
    md5_number_lower(
        concat_ws(
            '|',
            keys.provider,
            keys.model,
            keys.service_tier,
            keys.region,
            {%- for side in sides %}
                coalesce(case when exact.{{ side }}_factor is not null then exact.{{ side }}_rate_id end, ''),
                coalesce(exact.{{ side }}_factor::varchar, ''),
                coalesce({{ 'r' if side == 'revenue' else 'c' }}.currency, ''),
                coalesce(exact.{{ side }}_terms, ''){{ "," if not loop.last }}
            {%- endfor %}
        )
    ) as rating_id,
    exact.cell,
    keys.usage_key,
    keys.term_organization,
    keys.provider,
    keys.model,
    keys.base_model,
    keys.model_tier,
    keys.service_tier,
    keys.region,
    exact.valid_from,
    exact.valid_to,
    exact.context_from,
    exact.context_to,
    {%- for side in sides %}
        {%- set known = "rk" if side == "revenue" else "ck" %}
        {%- set rate = "r" if side == "revenue" else "c" %}
        case when exact.{{ side }}_factor is not null then exact.{{ side }}_rate_id end as {{ side }}_rate_id,
        exact.{{ side }}_terms,
        exact.{{ side }}_factor,
        {{ rate }}.currency as {{ side }}_currency,
        case
            when exact.{{ side }}_rate_id is not null and exact.{{ side }}_factor is null
                then 'the percentages of the terms do not combine to six places'
            when exact.{{ side }}_rate_id is not null then null
            when {{ known }}.usage_key is null then 'model is not in the price book'
            when not {{ known }}.has_model_tier then 'no rate for the ' || keys.model_tier || ' tier of this model'
            when not {{ known }}.has_tier then 'no rate for service tier ' || keys.service_tier
            when not {{ known }}.has_region then 'no rate for region ' || keys.region
            when exact.{{ side }}_in_force then 'no rate for requests of this length'
            else 'no rate in force at this instant'
        end as {{ side }}_reason,
        {%- for unit in units() if unit.unit != "gpu_hour" %}
            {%- set price = rate_price(unit, rate) %}
            (
                {%- if side == "cost" and unit.quantity.endswith("_tokens") and unit.unit != "embedding" %}
                    -- Tokens of a model that is paid by the hour of GPUs cost their share of the day.
                    case when {{ is_spread }} then coalesce({{ price }}, 0) else {{ price }} end
                {%- else %}
                    {{ price }}
                {%- endif %}
                * exact.{{ side }}_factor
            )::{{ adjusted_type(unit) }} as {{ side }}_{{ unit.quantity }},
        {%- endfor %}
    {%- endfor %}
    -- Of an alias, the model that it stands for: whose terms count, and whose hours of GPUs they are.
    r.priced_as as revenue_model,
    c.priced_as as cost_model,
    -- Hours of GPUs belong to everybody: only the general cost card prices them.
    coalesce({{ is_spread }}, false) as is_spread,
    exact.markup_term is not null and coalesce({{ is_spread }}, false) as is_spread_marked_up,
    key_bands.usage_key is not null as has_bands
from exact
cross join {{ source('run', 'settings') }} as settings
inner join {{ ref('usage_keys') }} as keys on exact.usage_key = keys.usage_key
left join {{ ref('price_rates') }} as r on exact.revenue_rate_id = r.rate_id
left join {{ ref('price_rates') }} as c on exact.cost_rate_id = c.rate_id
left join what_is_known as rk
    on exact.usage_key = rk.usage_key and rk.side = case when exact.markup_term is null then 'revenue' else 'cost' end
left join what_is_known as ck on exact.usage_key = ck.usage_key and ck.side = 'cost'
left join key_bands on exact.usage_key = key_bands.usage_key
