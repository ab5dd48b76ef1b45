-- The shown window of spend_daily, with its comparison halves marked. Money of another currency than the
-- reporting one is left out of the sums and counted, never added up across currencies.
create table spend as
select
    daily.charge_date,
    daily.organization_id,
    daily.product_id,
    daily.provider,
    daily.model,
    coalesce(nullif(daily.base_model, ''), daily.model) as family,
    daily.model_tier,
    daily.service_tier,
    daily.charge_date between period.current_first and period.current_last as is_current,
    daily.charge_date between period.prior_first and period.prior_last as is_prior,
    daily.requests,
    daily.failed_requests,
    daily.input_tokens,
    daily.cached_input_tokens,
    daily.cache_write_5m_tokens,
    daily.cache_write_1h_tokens,
    daily.audio_input_tokens,
    daily.output_tokens,
    daily.audio_output_tokens,
    daily.training_tokens,
    daily.reasoning_tokens,
    daily.total_tokens,
    coalesce(daily.unpriced_requests, 0) as unpriced_requests,
    coalesce(daily.unpriced_tokens, 0) as unpriced_tokens,
    coalesce(daily.uncosted_requests, 0) as uncosted_requests,
    coalesce(daily.billing_currency, period.currency) != period.currency as is_foreign,
    case when not is_foreign then daily.revenue_amount end as revenue_amount,
    case when not is_foreign then daily.cost_amount end as cost_amount,
    case when not is_foreign then daily.margin_amount end as margin_amount,
    case when not is_foreign then daily.margin_revenue_amount end as margin_revenue_amount
from spend_daily as daily
cross join period
where daily.charge_date between period.window_first and period.window_last;
