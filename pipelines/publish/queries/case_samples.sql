-- Twenty requests of each case, chosen by digest of their key: metadata only, never text.
with candidates as (
    select
        flags.case_id,
        rated.occurred_at,
        rated.api_key_id,
        rated.product_id,
        rated.model,
        rated.operation,
        rated.input_tokens + rated.cached_input_tokens as input_tokens,
        rated.output_tokens,
        rated.status,
        rated.finish_reason,
        rated.latency_ms,
        rated.client_network,
        rated.template_digest,
        row_number() over (
            partition by flags.case_id
            order by md5(rated.source || '/' || rated.event_id), rated.source, rated.event_id
        ) as place
    from case_members as flags
    inner join rated_usage as rated
        on
            rated.organization_id = flags.organization_id
            and rated.usage_date between flags.first_seen and flags.last_seen
    where
        rated.usage_date between (select min(first_seen) from extraction_flags)
        and (select max(last_seen) from extraction_flags)
)

select * exclude (place)
from candidates
where place <= 20
order by case_id, occurred_at, api_key_id, input_tokens, output_tokens;
