{{ config(materialized='ephemeral') }}

-- Which id an alias stood for, and when. An open row ends where the next one of the same alias begins; later
-- knowledge of the same start stands alone.
with listed_aliases as (

    select
        provider,
        alias,
        model,
        valid_from,
        valid_to,
        coalesce(known_from, valid_from) as known_from
    from {{ ref('model_aliases') }}

    union all

    select
        provider,
        alias,
        model,
        valid_from,
        valid_to,
        coalesce(known_from, valid_from) as known_from
    from {{ source('run', 'home_aliases') }}

),

standing as (

    select listed_aliases.*
    from listed_aliases
    cross join {{ source('run', 'settings') }} as settings
    where listed_aliases.known_from <= settings.known_at
    qualify
        row_number() over (
            partition by listed_aliases.provider, listed_aliases.alias, listed_aliases.valid_from
            order by listed_aliases.known_from desc, listed_aliases.model
        ) = 1

)

select
    provider,
    alias,
    model,
    valid_from,
    least(
        coalesce(valid_to, timestamp '9999-12-31 00:00:00'),
        coalesce(
            lead(valid_from) over (partition by provider, alias order by valid_from), timestamp '9999-12-31 00:00:00'
        )
    ) as valid_to
from standing
