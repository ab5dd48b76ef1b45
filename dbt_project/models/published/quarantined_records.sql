{{ config(materialized='table') }}

select
    source::varchar as source,
    file::varchar as file,
    line::bigint as line,
    field::varchar as field,
    reason::varchar as reason,
    raw::varchar as raw
from {{ source('run', 'quarantine') }}
