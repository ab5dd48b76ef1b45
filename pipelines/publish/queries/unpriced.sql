-- Usage without a revenue rate over all days: what is at stake, by model.
with unpriced as (
    select
        *,
        coalesce(nullif(base_model, ''), model) as family
    from spend_daily
    where unpriced_requests > 0
),

listed as (
    select
        rates.provider,
        rates.model,
        rates.model_tier,
        rates.service_tier,
        min(rates.valid_from) as rates_from,
        max(rates.valid_to) as rates_to
    from price_rates as rates
    cross join build
    where rates.card = build.revenue_card
    group by all
)

select
    unpriced.provider,
    unpriced.model,
    unpriced.model_tier,
    unpriced.service_tier,
    sum(unpriced.unpriced_requests)::bigint as requests,
    sum(unpriced.unpriced_tokens)::bigint as tokens,
    count(distinct unpriced.organization_id) as organizations,
    min(unpriced.charge_date) as first_day,
    max(unpriced.charge_date) as last_day,
    min(listed.rates_from) as rates_from,
    max(listed.rates_to) as rates_to
from unpriced
left join listed
    on
        listed.provider = unpriced.provider
        and listed.model = unpriced.family
        and listed.model_tier = unpriced.model_tier
        and listed.service_tier = unpriced.service_tier
group by unpriced.provider, unpriced.model, unpriced.model_tier, unpriced.service_tier
order by tokens desc, requests desc, unpriced.provider, unpriced.model, unpriced.model_tier, unpriced.service_tier;
