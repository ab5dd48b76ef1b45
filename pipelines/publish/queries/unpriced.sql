-- Usage without a revenue rate over all days: what is at stake, by model.
select
    provider,
    model,
    model_tier,
    service_tier,
    sum(unpriced_requests)::bigint as requests,
    sum(unpriced_tokens)::bigint as tokens,
    count(distinct organization_id) as organizations,
    min(charge_date) as first_day,
    max(charge_date) as last_day
from spend_daily
where unpriced_requests > 0
group by all
order by tokens desc, requests desc, provider, model, model_tier, service_tier;
