-- Refused records by reason, each with its first example.
select
    source,
    reason,
    field,
    count(*) as records,
    count(distinct file) as files,
    arg_min(file, file || '/' || lpad(coalesce(line, 0)::varchar, 12, '0')) as example_file,
    arg_min(line, file || '/' || lpad(coalesce(line, 0)::varchar, 12, '0')) as example_line,
    left(arg_min(raw, file || '/' || lpad(coalesce(line, 0)::varchar, 12, '0')), 160) as example
from quarantined_records
group by source, reason, field
order by records desc, source, reason, field
limit 100;
