-- Twenty requests of each case, chosen by digest of their key: metadata only, never text.
with candidates as (
    select
        flags.case_id,
        requests.occurred_at,
        requests.api_key_id,
        requests.product_id,
        requests.model,
        requests.operation,
        requests.input_tokens + requests.cached_input_tokens as input_tokens,
        requests.output_tokens,
        requests.status,
        requests.finish_reason,
        requests.latency_ms,
        requests.client_network,
        requests.template_digest,
        row_number() over (
            partition by flags.case_id
            order by md5(requests.source || '/' || requests.event_id), requests.source, requests.event_id
        ) as place
    from case_members as flags
    inner join usage_events as requests
        on
            requests.organization_id = flags.organization_id
            and requests.usage_date between flags.first_seen and flags.last_seen
    where
        requests.usage_date between (select min(first_seen) from extraction_flags)
        and (select max(last_seen) from extraction_flags)
)

select * exclude (place)
from candidates
where place <= 20
order by case_id, occurred_at, api_key_id, input_tokens, output_tokens;
