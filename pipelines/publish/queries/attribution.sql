-- Six sums for pipelines/publish/attribution.py, for each organisation.
-- A line is organisation x product x provider x model x tier x service tier x token kind. Kinds are told
-- apart where the day's listed rates reproduce the charged amount to the last digit on all days of the
-- line; otherwise (a rate that changed within a day, a long-context tier, own rates) the line is kept whole.
with compared as (
    select
        daily.*,
        coalesce(nullif(daily.base_model, ''), daily.model) as family,
        daily.charge_date between period.current_first and period.current_last as is_current
    from spend_daily as daily
    cross join period
    where
        period.compared > 0
        and daily.charge_date between period.prior_first and period.current_last
        and daily.revenue_amount is not null
        and coalesce(daily.billing_currency, period.currency) = period.currency
),

rates as (
    select rates.*
    from price_rates as rates
    cross join period
    where rates.card = period.revenue_card and rates.currency = period.currency and rates.context_from = 0
),

rated as (
    select
        daily.organization_id,
        daily.product_id,
        daily.provider,
        daily.model,
        daily.model_tier,
        daily.service_tier,
        daily.charge_date,
        daily.is_current,
        daily.revenue_amount,
        daily.total_tokens - coalesce(daily.unpriced_tokens, 0) as priced_tokens,
        [
            { 'kind': 'input', 'tokens': daily.input_tokens, 'rate': rates.price_input_tokens },
            { 'kind': 'cached input', 'tokens': daily.cached_input_tokens, 'rate': rates.price_cached_input_tokens },
            {
                'kind': 'cache write 5m',
                'tokens': daily.cache_write_5m_tokens,
                'rate': rates.price_cache_write_5m_tokens
            },
            {
                'kind': 'cache write 1h',
                'tokens': daily.cache_write_1h_tokens,
                'rate': rates.price_cache_write_1h_tokens
            },
            { 'kind': 'audio input', 'tokens': daily.audio_input_tokens, 'rate': rates.price_audio_input_tokens },
            { 'kind': 'output', 'tokens': daily.output_tokens, 'rate': rates.price_output_tokens },
            { 'kind': 'audio output', 'tokens': daily.audio_output_tokens, 'rate': rates.price_audio_output_tokens },
            { 'kind': 'training', 'tokens': daily.training_tokens, 'rate': rates.price_training_tokens }
        ] as kinds
    from compared as daily
    left join rates
        on
            rates.provider = daily.provider
            and rates.model = daily.family
            and rates.model_tier = daily.model_tier
            and rates.service_tier = daily.service_tier
            and daily.charge_date >= rates.valid_from
            and daily.charge_date < rates.valid_to
),

kinds as (
    select
        * exclude (kinds),
        unnest(kinds, recursive := true)  -- noqa: AL03
    from rated
),

day_lines as (
    select
        organization_id,
        product_id,
        provider,
        model,
        model_tier,
        service_tier,
        charge_date,
        any_value(revenue_amount)
        = sum(tokens::decimal(18, 0) * coalesce(rate, 0))::decimal(38, 12) as is_exact
    from kinds
    group by all
),

exact_lines as (
    select
        organization_id,
        product_id,
        provider,
        model,
        model_tier,
        service_tier
    from day_lines
    group by all
    having bool_and(is_exact)
),

lines as (
    select
        organization_id,
        product_id,
        provider,
        model,
        model_tier,
        service_tier,
        kind,
        coalesce(sum(tokens) filter (where not is_current), 0)::bigint as q0,
        coalesce(sum(tokens) filter (where is_current), 0)::bigint as q1,
        coalesce(sum(tokens::decimal(18, 0) * coalesce(rate, 0)) filter (where not is_current), 0)::decimal(38, 12)
            as r0,
        coalesce(sum(tokens::decimal(18, 0) * coalesce(rate, 0)) filter (where is_current), 0)::decimal(38, 12)
            as r1
    from kinds
    semi join exact_lines
        using (organization_id, product_id, provider, model, model_tier, service_tier)
    group by all
    union all
    select
        organization_id,
        product_id,
        provider,
        model,
        model_tier,
        service_tier,
        'all' as kind,
        coalesce(sum(priced_tokens) filter (where not is_current), 0)::bigint as q0,
        coalesce(sum(priced_tokens) filter (where is_current), 0)::bigint as q1,
        coalesce(sum(revenue_amount) filter (where not is_current), 0)::decimal(38, 12) as r0,
        coalesce(sum(revenue_amount) filter (where is_current), 0)::decimal(38, 12) as r1
    from rated
    anti join exact_lines
        using (organization_id, product_id, provider, model, model_tier, service_tier)
    group by all
),

priced_lines as (
    -- A quotient is a double; cast before it is summed, so that the order of rows does not matter.
    select
        *,
        q0 > 0 and q1 > 0 as is_lasting,
        case when is_lasting then (r1::double * (q0::double / q1::double))::decimal(38, 12) end as old_at_new,
        case when is_lasting then (r0::double * (q1::double / q0::double))::decimal(38, 12) end as new_at_old
    from lines
)

select
    organization_id,
    coalesce(sum(q0) filter (where is_lasting), 0)::bigint as tokens_before,
    coalesce(sum(q1) filter (where is_lasting), 0)::bigint as tokens_now,
    coalesce(sum(r0) filter (where is_lasting), 0)::decimal(38, 12) as revenue_before,
    coalesce(sum(r1) filter (where is_lasting), 0)::decimal(38, 12) as revenue_now,
    coalesce(sum(old_at_new), 0)::decimal(38, 12) as old_at_new_rates,
    coalesce(sum(new_at_old), 0)::decimal(38, 12) as new_at_old_rates,
    coalesce(sum(r1) filter (where not is_lasting), 0)::decimal(38, 12) as started,
    -coalesce(sum(r0) filter (where not is_lasting), 0)::decimal(38, 12) as ended
from priced_lines
group by organization_id
order by organization_id;
