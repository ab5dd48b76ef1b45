{{ config(materialized='ephemeral') }}

-- The operator's terms (who pays what) as known at the book's date, each with its end. Rows of one organisation,
-- kind, side, filters and unit that begin at the same instant are one set (the bands of a tariff); a set ends at its
-- own end or where the next one begins. A set that says the same start again with later knowledge stands alone.
{%- set key = ["organization_id", "kind", "side", "provider", "model", "region", "unit"] %}

with known as (

    select
        terms.*,
        dense_rank() over (
            partition by {{ listed(key, "terms") }}, terms.valid_from
            order by terms.known_from desc
        ) as knowledge_rank
    from {{ source('run', 'terms') }} as terms
    cross join {{ source('run', 'settings') }} as settings
    where terms.known_from <= settings.known_at

),

sets as (

    select
        {{ key | join(",\n        ") }},
        valid_from,
        least(
            coalesce(min(valid_to), timestamp '9999-12-31 00:00:00'),
            coalesce(
                lead(valid_from) over (partition by {{ key | join(", ") }} order by valid_from),
                timestamp '9999-12-31 00:00:00'
            )
        ) as set_valid_to
    from known
    where knowledge_rank = 1
    group by {{ key | join(", ") }}, valid_from

)

select
    known.term_id,
    md5(concat_ws('|', {{ listed(key, "known") }}, known.valid_from::varchar)) as set_id,
    {{ listed(key, "known") }},
    known.quantity,
    known.percent,
    known.price,
    known.per,
    known.currency,
    known.card,
    known.valid_from,
    sets.set_valid_to as valid_to,
    -- Of several that match, the most specific counts: own organisation, then model, provider, region. A term of the
    -- model that an alias stands for comes behind one of the alias itself: see term_specificity.
    case when known.organization_id != '*' then 16 else 0 end
    + case when known.model != '' then 8 else 0 end
    + case when known.provider != '' then 2 else 0 end
    + case when known.region != '' then 1 else 0 end as specificity
from known
inner join sets
    on
        {%- for column in key %}
            known.{{ column }} = sets.{{ column }} and
        {%- endfor %}
        known.valid_from = sets.valid_from
where known.knowledge_rank = 1
