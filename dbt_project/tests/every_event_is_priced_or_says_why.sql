{{ config(meta={'dagster': {'ref': {'name': 'rated_usage'}}}) }}

-- An amount or a reason, never both and never neither, on each side.
select
    source,
    event_id,
    revenue_amount,
    unpriced_reason,
    cost_amount,
    uncosted_reason
from {{ ref('rated_usage') }}

where
    {{ in_touched_days('usage_date') }}
    and (
        (revenue_amount is null) != (unpriced_reason is not null)
        or (cost_amount is null) != (uncosted_reason is not null)
    )
