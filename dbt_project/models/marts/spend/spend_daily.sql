{{ config(
    materialized='incremental',
    incremental_strategy='replace_days',
    unique_key='charge_date',
    on_schema_change='fail'
) }}

-- Spend by billing day, organisation, product, model and tiers. Margin counts only requests of which both
-- sides are known; what has one side only stands in its own column.
{%- set quantities = buckets() + ["reasoning_tokens"] + meters() %}

-- By way of rating first: of such requests everything that the key is made of is the same.
with by_rating as (

    select
        charge_date,
        organization_id,
        product_id,
        rating_id,
        revenue_amount is not null as is_priced,
        cost_amount is not null as is_costed,
        count(*) as requests,
        count(*) filter (where status >= 400) as failed_requests,
        {%- for quantity in quantities %}
            sum({{ quantity }}) as {{ quantity }},
        {%- endfor %}
        sum(revenue_amount) as revenue,
        sum(cost_amount) as cost
    from {{ ref('rated_amounts') }}
    where
        {{ in_touched_days('charge_date') }}
        -- A billing day lies within a UTC day of itself and its neighbours; this lets whole days be skipped.
        and usage_date in (
            select d.charge_date + o.shift
            from {{ source('run', 'touched_charge_days') }} as d
            cross join (values (-1), (0), (1)) as o (shift)
        )
    group by charge_date, organization_id, product_id, rating_id, is_priced, is_costed

),

usage as (

    select
        by_rating.* replace (coalesce(by_rating.product_id, '(none)') as product_id),
        {{ listed(rating_columns(), "ratings") }},
        {{ billing_currency("ratings", "by_rating.is_priced", "settings") }} as billing_currency,
        case when by_rating.is_costed then ratings.cost_currency end as used_cost_currency,
        coalesce(by_rating.is_costed and ratings.revenue_currency != ratings.cost_currency, false) as is_foreign
    from by_rating
    inner join {{ ref('ratings') }} as ratings on by_rating.rating_id = ratings.rating_id
    cross join {{ source('run', 'settings') }} as settings

),

keyed as (

    select
        *,
        coalesce(used_cost_currency, billing_currency) as cost_currency,
        is_costed and not is_foreign as has_cost,
        {{ buckets() | join(" + ") }} as tokens
    from usage

)

select
    {{ spend_key() | join(",\n    ") }},
    sum(requests)::bigint as requests,
    sum(failed_requests)::bigint as failed_requests,
    {%- for bucket in buckets() %}
        sum({{ bucket }})::bigint as {{ bucket }},
    {%- endfor %}
    sum(reasoning_tokens)::bigint as reasoning_tokens,
    sum(tokens)::bigint as total_tokens,
    {%- for meter in meters() %}
        sum({{ meter }})::{{ "decimal(38, 6)" if meter.endswith("_hours") else "bigint" }} as {{ meter }},
    {%- endfor %}
    sum(revenue)::decimal(38, 18) as revenue_amount,
    sum(case when has_cost then cost end)::decimal(38, 18) as cost_amount,
    sum(case when has_cost then revenue - cost end)::decimal(38, 18) as margin_amount,
    sum(case when has_cost then revenue end)::decimal(38, 18) as margin_revenue_amount,
    sum(case when not has_cost then revenue end)::decimal(38, 18) as revenue_only_amount,
    sum(case when has_cost and not is_priced then cost end)::decimal(38, 18) as cost_only_amount,
    sum(case when is_foreign then cost end)::decimal(38, 18) as foreign_cost_amount,
    coalesce(sum(requests) filter (where not is_priced), 0)::bigint as unpriced_requests,
    coalesce(sum(tokens) filter (where not is_priced), 0)::bigint as unpriced_tokens,
    coalesce(sum(requests) filter (where not is_costed), 0)::bigint as uncosted_requests,
    coalesce(sum(tokens) filter (where not is_costed), 0)::bigint as uncosted_tokens
from keyed
group by
    {{ spend_key() | join(",\n    ") }}
