{{ config(materialized='table', schema='rating', pre_hook="{{ set_event_files() }}") }}

-- What the touched days' requests have to be priced by: one row a combination, thousands instead of millions.
-- Organisations without terms of their own share the rows of '*'.
select
    row_number() over (order by term_organization, provider, model, service_tier, region) as usage_key,
    term_organization,
    provider,
    model,
    any_value(base_model) as base_model,
    any_value(coalesce(base_model, model)) as price_model,
    any_value(model_tier) as model_tier,
    service_tier,
    region,
    min(occurred_at) as first_at,
    max(occurred_at) as last_at
from (
    select
        coalesce(terms.organization_id, '*') as term_organization,
        e.provider,
        e.model,
        e.base_model,
        e.model_tier,
        e.service_tier,
        coalesce(e.region, '') as region,
        e.occurred_at
    from {{ ref('stg_usage_events') }} as e
    left join {{ ref('term_organizations') }} as terms on e.organization_id = terms.organization_id
) as events
group by term_organization, provider, model, service_tier, region
