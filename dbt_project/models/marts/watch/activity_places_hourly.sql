{{ config(
    materialized='incremental',
    incremental_strategy='replace_days',
    unique_key='usage_date',
    on_schema_change='fail',
    pre_hook="{{ set_event_files() }}"
) }}

-- From where each organisation used the service in each UTC hour, and which model: who has its key is seen first in
-- that. Of an hour only the places with most requests.
with placed as (
    select
        *,
        row_number() over (
            partition by usage_hour, organization_id
            order by requests desc, output_tokens desc, client_network asc, region asc, model asc
        ) as place
    from (
        select
            usage_date,
            date_trunc('hour', occurred_at)::timestamp as usage_hour,
            organization_id,
            client_network,
            region,
            coalesce(base_model, model) as model,
            count(*) as requests,
            count(*) filter (where status >= 400) as failed,
            sum({{ output_buckets() | join(' + ') }})::bigint as output_tokens
        from {{ ref('stg_usage_events') }}
        where {{ in_touched_days('usage_date') }}
        group by all
    ) as found
)

select
    usage_date,
    usage_hour,
    organization_id,
    client_network,
    region,
    model,
    requests,
    failed,
    output_tokens
from placed
where place <= 5
