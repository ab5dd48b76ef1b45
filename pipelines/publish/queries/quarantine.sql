-- Refused records by the most frequent reasons, each with its first example, and how many there are of all.
select
    source,
    reason,
    field,
    count(*) as records,
    sum(count(*)) over ()::bigint as all_records,
    count(*) over () as all_reasons,
    count(distinct file) as files,
    arg_min(file, file || '/' || lpad(coalesce(line, 0)::varchar, 12, '0')) as example_file,
    arg_min(line, file || '/' || lpad(coalesce(line, 0)::varchar, 12, '0')) as example_line,
    left(arg_min(raw, file || '/' || lpad(coalesce(line, 0)::varchar, 12, '0')), 160) as example
from quarantined_records
group by source, reason, field
order by records desc, source, reason, field
limit 100;
