/*---
title = "Any CSV, JSON lines or Parquet, mapped in meterhouse.toml"
file_types = ["jsonl", "csv", "parquet"]
recognise = []
# The shape is the canonical columns that the source's mapping and constants name.
shape = "mapping"
---*/
-- Where no event_id is mapped, the id is the digest of the whole row and its ordinal among equal rows of
-- the file, so a renamed or copied file adds nothing and two equal requests stay two.
with every as materialized (
    select
        line,
        raw,
        doc
    from records
),

-- Only digests are numbered: rows may be long, and all of a file's are looked at together.
digested as (
    select
        line,
        case
            when doc.event_id is null
                then md5(rtrim(raw, chr(10) || chr(13)))
        end as row_digest
    from every
),

numbered as (
    select
        line,
        row_digest || '-' || row_number() over (partition by row_digest order by line)::varchar as derived_event_id
    from digested
)

select
    every.line,
    raw,
    doc is null as unreadable,
    null::struct(field varchar, reason varchar) as problem,
    coalesce(doc.event_id, derived_event_id) as event_id,
    {{ contract_columns_but_event_id }}
from every left join numbered on every.line = numbered.line
