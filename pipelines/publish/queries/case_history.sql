-- What was decided about each case, the latest first.
select
    case_id,
    entry,
    state,
    reviewer,
    decided_at,
    why,
    until,
    allow::varchar as allow,
    digest
from case_decisions
order by entry desc;
