-- The queue, empty; and the stable view of it for other tools.
create or replace table watch.extraction_flags (
    case_id varchar not null,
    organization_id varchar not null,
    first_seen date not null,
    last_seen date not null,
    detector varchar not null,
    score double not null,
    reasons json not null,
    state varchar not null,
    counter_evidence json not null,
    linked_organizations json not null,
    output_tokens bigint not null,
    revenue_amount decimal(38, 18),
    rank integer not null,
    reviewer varchar,
    decided_at timestamp,
    why varchar,
    until date,
    answers bigint,
    models json,
    comparable_training_set varchar,
    detector_version varchar
);

comment on table watch.extraction_flags is 'unusual harvesting-like usage: review';

create or replace view published.extraction_flags as
select
    case_id,
    organization_id,
    first_seen,
    last_seen,
    detector,
    score,
    reasons,
    state,
    counter_evidence,
    linked_organizations,
    output_tokens,
    revenue_amount,
    rank,
    reviewer,
    decided_at,
    why,
    until,
    answers,
    models,
    comparable_training_set,
    detector_version
from watch.extraction_flags
order by rank;
