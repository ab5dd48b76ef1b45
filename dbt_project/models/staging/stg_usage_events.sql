-- The events of the touched days, one row a call: committed files only, the latest revision of each key.
-- Duplicates and conflicts were settled when the files were taken in. Files written before a quantity was known hold
-- none of it.
select
    {%- for column in event_columns() %}
        {{ "coalesce(e." ~ column ~ ", 0) as " ~ column if column in added_quantities() else "e." ~ column }},
    {%- endfor %}
    e.occurred_at::date as usage_date
from {{ event_source() }} as e
anti join {{ source('run', 'superseded') }} as s
    on e.source = s.source and e.event_id = s.event_id and e.revision = s.revision
