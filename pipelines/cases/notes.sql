-- Allow-notes that count, and the organisation-days that they cover, both empty.
create or replace table watch.allow_notes (
    entry integer not null,
    case_id varchar not null,
    state varchar not null,
    reviewer varchar not null,
    decided_at timestamp not null,
    organization_id varchar not null,
    detector varchar not null,
    cap_output_tokens_per_day bigint not null,
    until date not null
);

create or replace table watch.allowed_days (
    detector varchar not null,
    organization_id varchar not null,
    usage_date date not null
);
