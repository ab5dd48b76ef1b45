/*---
title = "Meterhouse canonical events"
file_types = ["jsonl", "csv", "parquet"]
by_record = true
# A folder without an entry in meterhouse.toml is taken for this format when its records have all of these.
recognise = ["event_id", "occurred_at", "organization_id", "model"]
# The shape is the contract's own list of columns.
shape = "contract"
---*/
select
    line,
    raw,
    doc is null as unreadable,
    case
        when doc.event_id is null then problem('event_id', 'is missing: canonical events carry their own id')
    end as problem,
    {{ contract_columns }}
from records
