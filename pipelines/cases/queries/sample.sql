-- Twenty requests of each organisation in the case's days, chosen by digest of their key: metadata only, never text.
with placed as (
    select
        organization_id,
        source,
        event_id,
        occurred_at,
        api_key_id,
        product_id,
        model,
        operation,
        input_tokens + cached_input_tokens as input_tokens,
        output_tokens,
        status,
        finish_reason,
        latency_ms,
        client_network,
        template_digest,
        row_number() over (
            partition by organization_id order by md5(source || '/' || event_id), source, event_id
        ) as place
    from case_events
)

select * exclude (place)
from placed
where place <= 20
order by organization_id, occurred_at, source, event_id;
