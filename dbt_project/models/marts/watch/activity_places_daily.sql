{{ config(
    materialized='incremental',
    incremental_strategy='replace_days',
    unique_key='usage_date',
    on_schema_change='fail'
) }}

-- Where each organisation was served on a UTC day, and by which model: what licences speak of.
-- By way of rating first: of such requests region and model are the same.
with by_rating as (

    select
        usage_date,
        organization_id,
        rating_id,
        count(*) as requests,
        count(*) filter (where status >= 400) as failed,
        sum({{ output_buckets() | join(' + ') }}) as output_tokens,
        sum(revenue_amount) as revenue
    from {{ ref('rated_amounts') }}
    where {{ in_touched_days('usage_date') }}
    group by usage_date, organization_id, rating_id

),

placed as (

    select
        by_rating.*,
        nullif(ratings.region, '') as region,
        ratings.model,
        nullif(ratings.base_model, '') as base_model,
        case
            when by_rating.revenue is not null
                then {{ billing_currency("ratings", "by_rating.revenue is not null", "settings") }}
        end as currency
    from by_rating
    inner join {{ ref('ratings') }} as ratings on by_rating.rating_id = ratings.rating_id
    cross join {{ source('run', 'settings') }} as settings

)

select
    usage_date,
    organization_id,
    region,
    model,
    base_model,
    sum(requests)::bigint as requests,
    sum(failed)::bigint as failed,
    sum(output_tokens)::bigint as output_tokens,
    case when count(distinct currency) = 1 then max(currency) end as billing_currency,
    case when count(distinct currency) = 1 then sum(revenue) end::decimal(38, 18) as revenue_amount
from placed
group by usage_date, organization_id, region, model, base_model
