-- The queue in its order.
select
    case_id,
    organization_id,
    first_seen,
    last_seen,
    detector,
    score,
    reasons::varchar as reasons,
    state,
    counter_evidence::varchar as counter_evidence,
    linked_organizations::varchar as linked_organizations,
    output_tokens,
    revenue_amount,
    rank,
    reviewer,
    decided_at,
    why,
    until,
    answers,
    models::varchar as models,
    comparable_training_set,
    detector_version
from extraction_flags
order by rank nulls last, score desc, case_id;
