{{ config(
    materialized='incremental',
    incremental_strategy='replace_days',
    unique_key='usage_date',
    on_schema_change='fail',
    schema='marts'
) }}

-- What of each day's hours of GPUs has found requests to be spread over.
select
    usage_date,
    provider,
    model,
    model_tier,
    count(*) as requests,
    sum(tokens)::bigint as tokens,
    sum(amount)::decimal(38, 18) as allocated_amount
from {{ ref('spread_costs') }}
group by usage_date, provider, model, model_tier
