{{ config(
    materialized='incremental',
    incremental_strategy='replace_days',
    unique_key='charge_date',
    on_schema_change='fail'
) }}

-- Spend by billing day, organisation, product, model and tiers. Margin counts only requests of which both
-- sides are known; what has one side only stands in its own column.
with usage as (

    select
        rated.* replace (coalesce(rated.product_id, '(none)') as product_id),
        coalesce(ratings.cost_currency, rated.billing_currency) as cost_currency
    from {{ ref('rated_usage') }} as rated
    left join {{ ref('ratings') }} as ratings
        on case when rated.foreign_cost_amount is not null then rated.rating_id end = ratings.rating_id
    where
        {{ in_touched_days('charge_date') }}
        -- A billing day lies within a UTC day of itself and its neighbours; this lets whole days be skipped.
        and usage_date in (
            select d.charge_date + o.shift
            from {{ source('run', 'touched_charge_days') }} as d
            cross join (values (-1), (0), (1)) as o (shift)
        )

)

select
    {{ spend_key() | join(",\n    ") }},
    count(*) as requests,
    count(*) filter (where status >= 400) as failed_requests,
    {%- for bucket in buckets() %}
        sum({{ bucket }})::bigint as {{ bucket }},
    {%- endfor %}
    sum(reasoning_tokens)::bigint as reasoning_tokens,
    (sum({{ buckets() | join(") + sum(") }}))::bigint as total_tokens,
    {%- for meter in meters() %}
        sum({{ meter }})::{{ "decimal(38, 6)" if meter.endswith("_hours") else "bigint" }} as {{ meter }},
    {%- endfor %}
    sum(revenue_amount)::decimal(38, 18) as revenue_amount,
    sum(cost_amount)::decimal(38, 18) as cost_amount,
    (
        sum(revenue_amount) filter (where cost_amount is not null)
        - sum(cost_amount) filter (where revenue_amount is not null)
    )::decimal(38, 18) as margin_amount,
    (sum(revenue_amount) filter (where cost_amount is not null))::decimal(38, 18) as margin_revenue_amount,
    (sum(revenue_amount) filter (where cost_amount is null))::decimal(38, 18) as revenue_only_amount,
    (sum(cost_amount) filter (where revenue_amount is null))::decimal(38, 18) as cost_only_amount,
    sum(foreign_cost_amount)::decimal(38, 18) as foreign_cost_amount,
    count(*) filter (where revenue_amount is null) as unpriced_requests,
    coalesce(sum(case when revenue_amount is null then {{ buckets() | join(" + ") }} end), 0)::bigint
        as unpriced_tokens,
    count(*) filter (where cost_amount is null and foreign_cost_amount is null) as uncosted_requests,
    coalesce(
        sum(case when cost_amount is null and foreign_cost_amount is null then {{ buckets() | join(" + ") }} end), 0
    )::bigint as uncosted_tokens
from usage
group by
    {{ spend_key() | join(",\n    ") }}
