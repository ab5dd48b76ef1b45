{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    schema='marts'
) }}

-- The ways in which requests have been rated: what for, by which rate sets, times what, under which terms. A row never
-- changes; rated_amounts names it by its digest instead of repeating it in every request.
select distinct
    resolved.rating_id,
    resolved.provider,
    resolved.model,
    resolved.base_model,
    resolved.model_tier,
    resolved.service_tier,
    nullif(resolved.region, '') as region,
    resolved.revenue_rate_id,
    resolved.revenue_factor,
    resolved.revenue_terms,
    resolved.revenue_currency,
    resolved.cost_rate_id,
    resolved.cost_factor,
    resolved.cost_terms,
    resolved.cost_currency
from {{ ref('resolved_rates') }} as resolved
{% if is_incremental() %}
    anti join {{ this }} as known on resolved.rating_id = known.rating_id
{% endif %}
