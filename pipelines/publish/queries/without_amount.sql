-- Usage without an amount over all days, by side (revenue, cost) and model: what is at stake.
with missing as (
    select
        'revenue' as side,
        unpriced_requests as requests,
        unpriced_tokens as tokens,
        daily.* exclude (requests)
    from spend_daily as daily
    where unpriced_requests > 0
    union all by name
    select
        'cost' as side,
        uncosted_requests as requests,
        uncosted_tokens as tokens,
        daily.* exclude (requests)
    from spend_daily as daily
    where uncosted_requests > 0
),

cards as (
    select
        'revenue' as side,
        revenue_card as card
    from build
    union all
    select
        'cost' as side,
        cost_card as card
    from build
),

listed as (
    select
        cards.side,
        rates.provider,
        rates.model,
        rates.model_tier,
        rates.service_tier,
        min(rates.valid_from) as rates_from,
        max(rates.valid_to) as rates_to
    from price_rates as rates
    inner join cards on rates.card = cards.card
    group by all
)

select
    missing.side,
    missing.provider,
    missing.model,
    missing.model_tier,
    missing.service_tier,
    sum(missing.requests)::bigint as requests,
    sum(missing.tokens)::bigint as tokens,
    count(distinct missing.organization_id) as organizations,
    min(missing.charge_date) as first_day,
    max(missing.charge_date) as last_day,
    min(listed.rates_from) as rates_from,
    max(listed.rates_to) as rates_to
from missing
left join listed
    on
        listed.side = missing.side
        and listed.provider = missing.provider
        and listed.model = coalesce(nullif(missing.base_model, ''), missing.model)
        and listed.model_tier = missing.model_tier
        and listed.service_tier = missing.service_tier
group by missing.side, missing.provider, missing.model, missing.model_tier, missing.service_tier
order by
    missing.side, tokens desc, requests desc,
    missing.provider, missing.model, missing.model_tier, missing.service_tier;
