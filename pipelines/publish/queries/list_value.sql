-- What the window's priced tokens would come to at the standard list rates in force at its end, by model.
-- A bucket with tokens but without a listed rate makes the comparison impossible: null, not 0.
with in_force as (
    select rates.*
    from price_rates as rates
    cross join period
    where
        rates.card = 'list'
        and rates.service_tier = 'standard'
        and rates.currency = period.currency
        and rates.context_from = 0
        and rates.valid_from <= period.data_through
        and rates.valid_to > period.data_through
),

used as (
    select
        provider,
        family,
        model_tier,
        sum(input_tokens)::decimal(18, 0) as input_tokens,
        sum(cached_input_tokens)::decimal(18, 0) as cached_input_tokens,
        sum(cache_write_5m_tokens)::decimal(18, 0) as cache_write_5m_tokens,
        sum(cache_write_1h_tokens)::decimal(18, 0) as cache_write_1h_tokens,
        sum(audio_input_tokens)::decimal(18, 0) as audio_input_tokens,
        sum(output_tokens)::decimal(18, 0) as output_tokens,
        sum(audio_output_tokens)::decimal(18, 0) as audio_output_tokens,
        sum(training_tokens)::decimal(18, 0) as training_tokens
    from spend
    where unpriced_requests = 0 and not is_foreign
    group by all
)

select
    used.provider,
    used.family,
    used.model_tier,
    in_force.price_input_tokens as input_rate,
    in_force.price_cached_input_tokens as cached_input_rate,
    in_force.price_output_tokens as output_rate,
    (
        case when used.input_tokens > 0 then used.input_tokens * in_force.price_input_tokens else 0 end
        + case
            when used.cached_input_tokens > 0
                then used.cached_input_tokens * in_force.price_cached_input_tokens
            else 0
        end
        + case
            when used.cache_write_5m_tokens > 0
                then used.cache_write_5m_tokens * in_force.price_cache_write_5m_tokens
            else 0
        end
        + case
            when used.cache_write_1h_tokens > 0
                then used.cache_write_1h_tokens * in_force.price_cache_write_1h_tokens
            else 0
        end
        + case
            when used.audio_input_tokens > 0
                then used.audio_input_tokens * in_force.price_audio_input_tokens
            else 0
        end
        + case when used.output_tokens > 0 then used.output_tokens * in_force.price_output_tokens else 0 end
        + case
            when used.audio_output_tokens > 0
                then used.audio_output_tokens * in_force.price_audio_output_tokens
            else 0
        end
        + case
            when used.training_tokens > 0
                then used.training_tokens * in_force.price_training_tokens
            else 0
        end
    )::decimal(38, 12) as list_value,
    (used.cached_input_tokens * (in_force.price_input_tokens - in_force.price_cached_input_tokens))::decimal(38, 12)
        as cache_saving
from used
left join in_force
    on
        in_force.provider = used.provider
        and in_force.model = used.family
        and in_force.model_tier = used.model_tier
order by used.provider, used.family, used.model_tier;
