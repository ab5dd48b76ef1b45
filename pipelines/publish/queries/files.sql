-- Newest files first, with the conservation of their records.
select
    source,
    file,
    format,
    bytes,
    records_read,
    accepted,
    duplicates,
    amendments,
    quarantined,
    dropped,
    first_occurred_at,
    last_occurred_at,
    records_read - accepted - duplicates - amendments - quarantined - dropped as difference
from ingested_files
order by last_occurred_at desc nulls last, source, file
limit 200;
