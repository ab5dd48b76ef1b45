-- All sums of the window by several groupings at once; `grouping` says which keys a row has.
-- Bits from high to low: organization_id, product_id, provider and family and tier, service_tier.
select
    grouping(organization_id, product_id, family, service_tier) as grouping_set,
    organization_id,
    product_id,
    provider,
    family,
    model_tier,
    service_tier,
    sum(requests)::bigint as requests,
    sum(failed_requests)::bigint as failed_requests,
    sum(input_tokens)::bigint as input_tokens,
    sum(cached_input_tokens)::bigint as cached_input_tokens,
    sum(cache_write_5m_tokens)::bigint as cache_write_5m_tokens,
    sum(cache_write_1h_tokens)::bigint as cache_write_1h_tokens,
    sum(audio_input_tokens)::bigint as audio_input_tokens,
    sum(output_tokens)::bigint as output_tokens,
    sum(audio_output_tokens)::bigint as audio_output_tokens,
    sum(training_tokens)::bigint as training_tokens,
    sum(reasoning_tokens)::bigint as reasoning_tokens,
    sum(total_tokens)::bigint as total_tokens,
    sum(unpriced_requests)::bigint as unpriced_requests,
    sum(unpriced_tokens)::bigint as unpriced_tokens,
    sum(uncosted_requests)::bigint as uncosted_requests,
    sum(revenue_amount) as revenue,
    sum(cost_amount) as cost,
    sum(margin_amount) as margin,
    sum(margin_revenue_amount) as margin_revenue,
    coalesce(sum(requests) filter (where is_current), 0)::bigint as current_requests,
    coalesce(sum(requests) filter (where is_prior), 0)::bigint as prior_requests,
    coalesce(sum(total_tokens) filter (where is_current), 0)::bigint as current_tokens,
    coalesce(sum(total_tokens) filter (where is_prior), 0)::bigint as prior_tokens,
    coalesce(sum(failed_requests) filter (where is_current), 0)::bigint as current_failed,
    coalesce(sum(failed_requests) filter (where is_prior), 0)::bigint as prior_failed,
    coalesce(sum(total_tokens - unpriced_tokens) filter (where is_current), 0)::bigint as current_priced_tokens,
    coalesce(sum(total_tokens - unpriced_tokens) filter (where is_prior), 0)::bigint as prior_priced_tokens,
    coalesce(sum(revenue_amount) filter (where is_current), 0)::decimal(38, 12) as current_revenue,
    coalesce(sum(revenue_amount) filter (where is_prior), 0)::decimal(38, 12) as prior_revenue,
    coalesce(sum(cost_amount) filter (where is_current), 0)::decimal(38, 12) as current_cost,
    coalesce(sum(cost_amount) filter (where is_prior), 0)::decimal(38, 12) as prior_cost,
    coalesce(sum(margin_amount) filter (where is_current), 0)::decimal(38, 12) as current_margin,
    coalesce(sum(margin_amount) filter (where is_prior), 0)::decimal(38, 12) as prior_margin,
    min(charge_date) as first_day,
    max(charge_date) as last_day
from spend
group by
    grouping sets (
        (),
        (organization_id),
        (product_id),
        (provider, family, model_tier),
        (provider, family, model_tier, service_tier)
    )
order by
    grouping_set, revenue desc nulls last, requests desc,
    organization_id, product_id, provider, family, model_tier, service_tier;
