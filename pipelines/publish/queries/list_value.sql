-- What the window's priced usage would come to at the standard list prices in force at its end, by model, beside what
-- was charged for the same usage (listed_usage): days on which every request has a price in the currency of the
-- amounts. A quantity without a listed price makes the comparison impossible: null, not 0.
with used as (
    select
        provider,
        family,
        priced_as,
        model_tier,
        quantity,
        amount_used
    from (unpivot listed_usage on columns(getvariable('quantities')) into name quantity value amount_used)
),

in_force as (
    select unit_rates.*
    from unit_rates
    cross join period
    where
        unit_rates.card = 'list'
        and unit_rates.service_tier = 'standard'
        and unit_rates.currency = period.currency
        and unit_rates.valid_from <= period.data_through
        and unit_rates.valid_to > period.data_through
),

listed as (
    select
        used.*,
        in_force.price,
        -- A fee a call is charged only where there is one.
        used.amount_used > 0 and in_force.price is null and used.quantity != 'requests' as is_missing
    from used
    left join in_force
        on
            in_force.provider = used.provider
            and in_force.model = used.priced_as
            and in_force.model_tier = used.model_tier
            and in_force.quantity = used.quantity
),

-- An alias that moved has more than one of these.
by_price as (
    select
        provider,
        family,
        model_tier,
        bool_or(is_missing) as is_missing,
        sum(amount_used * coalesce(price, 0)) as list_value,
        max(amount_used) filter (where quantity = 'cached_input_tokens') as cached,
        max(price) filter (where quantity = 'input_tokens') as input_rate,
        max(price) filter (where quantity = 'cached_input_tokens') as cached_input_rate,
        case when cached = 0 then 0 else cached * (input_rate - cached_input_rate) end as cache_saving
    from listed
    group by provider, family, priced_as, model_tier
),

valued as (
    select
        provider,
        family,
        model_tier,
        case when not bool_or(is_missing) then sum(list_value) end::decimal(38, 18) as list_value,
        case when bool_and(cache_saving is not null) then sum(cache_saving) end::decimal(38, 18) as cache_saving
    from by_price
    group by provider, family, model_tier
),

charged as (
    select
        provider,
        family,
        model_tier,
        bool_or(is_moved) as is_moved,
        sum(tokens) as tokens,
        sum(revenue) as revenue
    from listed_usage
    group by provider, family, model_tier
),

quoted as (
    select
        provider,
        model,
        model_tier,
        max(price) filter (where quantity = 'input_tokens') as input_rate,
        max(price) filter (where quantity = 'cached_input_tokens') as cached_input_rate,
        max(price) filter (where quantity = 'output_tokens') as output_rate
    from in_force
    group by provider, model, model_tier
)

select
    charged.*,
    quoted.input_rate,
    quoted.cached_input_rate,
    quoted.output_rate,
    valued.list_value,
    valued.cache_saving
from charged
left join valued using (provider, family, model_tier)
left join quoted
    on
        charged.provider = quoted.provider
        and charged.family = quoted.model
        and charged.model_tier = quoted.model_tier
order by charged.provider, charged.family, charged.model_tier;
