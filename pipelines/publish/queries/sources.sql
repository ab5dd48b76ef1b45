-- Records by source over all files.
select
    source,
    count(*) as files,
    sum(bytes)::bigint as bytes,
    sum(records_read)::bigint as records_read,
    sum(accepted)::bigint as accepted,
    sum(duplicates)::bigint as duplicates,
    sum(amendments)::bigint as amendments,
    sum(quarantined)::bigint as quarantined,
    sum(dropped)::bigint as dropped,
    sum(records_read - accepted - duplicates - amendments - quarantined - dropped)::bigint as difference,
    min(first_occurred_at) as first_occurred_at,
    max(last_occurred_at) as last_occurred_at
from ingested_files
group by source
order by source;
