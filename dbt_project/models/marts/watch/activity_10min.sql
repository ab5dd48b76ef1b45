{{ config(
    materialized='incremental',
    incremental_strategy='replace_days',
    unique_key='usage_date',
    on_schema_change='fail',
    pre_hook="{{ set_event_files() }}"
) }}

-- The rhythm of each organisation: requests in each of the 144 ten-minute slots of a UTC day. Slots without
-- a request have no row.
select
    usage_date,
    organization_id,
    (extract(hour from occurred_at) * 6 + floor(extract(minute from occurred_at) / 10))::smallint as slot,
    count(*) as requests,
    coalesce(sum({{ output_buckets() | join(' + ') }}), 0)::bigint as output_tokens
from {{ ref('stg_usage_events') }}
where {{ in_touched_days('usage_date') }}
group by all
