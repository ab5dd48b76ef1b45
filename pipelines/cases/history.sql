-- Every decision that counts, empty; and the stable view of it for other tools.
create or replace table watch.case_decisions (
    entry integer not null,
    case_id varchar not null,
    organization_id varchar not null,
    detector varchar not null,
    state varchar not null,
    reviewer varchar not null,
    decided_at timestamp not null,
    why varchar not null,
    until date,
    allow json not null,
    digest varchar
);

create or replace view published.case_decisions as
select
    entry,
    case_id,
    organization_id,
    detector,
    state,
    reviewer,
    decided_at,
    why,
    until,
    allow,
    digest
from watch.case_decisions
order by entry;
