{{ config(meta={'dagster': {'ref': {'name': 'rated_usage'}}}) }}

-- Every accepted record is an event and every event was accepted: the manifest's counts equal the table's.
-- Amendments replace the record they amend, so they add no event.
with accepted as (
    select coalesce(sum(accepted), 0)::bigint as events from {{ source('run', 'files') }}
),

stored as (
    select count(*) as events from {{ ref('rated_usage') }}
)

select
    accepted.events as accepted_events,
    stored.events as stored_events
from accepted
cross join stored
where accepted.events != stored.events
