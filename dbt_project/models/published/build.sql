{{ config(materialized='table') }}

with span as (
    select
        min(first_occurred_at)::timestamp as data_from,
        max(last_occurred_at)::timestamp as data_through
    from {{ source('run', 'files') }}
)

select
    s.price_book_digest::varchar as price_book_digest,
    s.project_version::varchar as project_version,
    span.data_from,
    span.data_through,
    s.billing_time_zone::varchar as billing_time_zone,
    s.reporting_currency::varchar as reporting_currency,
    s.revenue_card::varchar as revenue_card,
    s.cost_card::varchar as cost_card,
    nullif(s.known_at, timestamp '9999-12-31 00:00:00')::timestamp as known_at,
    s.demo::boolean as demo,
    s.site_title::varchar as site_title
from {{ source('run', 'settings') }} as s
cross join span
