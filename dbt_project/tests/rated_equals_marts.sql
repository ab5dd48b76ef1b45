-- noqa: disable=LT02
{{ config(meta={'dagster': {'ref': {'name': 'spend_daily'}}}) }}

-- Conservation, to the last digit: requests, every quantity and every amount of the rated events of the rebuilt
-- billing days, by currency, equal those of the mart. One row here is a difference.
{%- set sums = buckets() + meters() + ["reasoning_tokens", "revenue_amount", "cost_amount", "foreign_cost_amount"] %}

with rated as (

    select
        rated.billing_currency,
        count(*) as requests,
        count(*) filter (where rated.revenue_amount is null) as unpriced_requests,
        {%- for column in sums %}
            sum(rated.{{ column }}) as {{ column }}{{ "," if not loop.last }}
        {%- endfor %}
    from {{ ref('rated_usage') }} as rated
    where {{ in_touched_days('charge_date') }}
    group by rated.billing_currency

),

mart as (

    select
        billing_currency,
        sum(requests) as requests,
        sum(unpriced_requests) as unpriced_requests,
        {%- for column in sums %}
            sum({{ column }}) as {{ column }}{{ "," if not loop.last }}
        {%- endfor %}
    from {{ ref('spend_daily') }}
    where {{ in_touched_days('charge_date') }}
    group by billing_currency

)

(
    select * from rated
    except
    select * from mart
)
union all
(
    select * from mart
    except
    select * from rated
)
