{{ config(materialized='table') }}

select
    source::varchar as source,
    file::varchar as file,
    format::varchar as format,
    file_digest::varchar as file_digest,
    bytes::bigint as bytes,
    records_read::bigint as records_read,
    accepted::bigint as accepted,
    duplicates::bigint as duplicates,
    amendments::bigint as amendments,
    quarantined::bigint as quarantined,
    dropped::bigint as dropped,
    first_occurred_at::timestamp as first_occurred_at,
    last_occurred_at::timestamp as last_occurred_at,
    received_at::timestamp as received_at
from {{ source('run', 'files') }}
