-- What the window's priced usage would come to at the standard list prices in force at its end, by model, beside what
-- was charged for the same usage: days on which every request has a price in the currency of the amounts.
-- A quantity without a listed price makes the comparison impossible: null, not 0.
with compared as (
    select
        provider,
        family,
        model_tier,
        sum(priced_tokens) as tokens,
        sum(revenue_amount) as revenue,
        sum(columns(getvariable('quantities')))::decimal(38, 6)
    from (select * replace (requests - failed_requests as requests) from spend) as spend
    where unpriced_requests = 0 and not is_foreign
    group by all
),

used as (
    select
        provider,
        family,
        model_tier,
        tokens,
        revenue,
        quantity,
        amount_used
    from (unpivot compared on columns(getvariable('quantities')) into name quantity value amount_used)
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
            and in_force.model = used.family
            and in_force.model_tier = used.model_tier
            and in_force.quantity = used.quantity
)

select
    provider,
    family,
    model_tier,
    any_value(tokens) as tokens,
    any_value(revenue) as revenue,
    max(price) filter (where quantity = 'input_tokens') as input_rate,
    max(price) filter (where quantity = 'cached_input_tokens') as cached_input_rate,
    max(price) filter (where quantity = 'output_tokens') as output_rate,
    case when not bool_or(is_missing) then sum(amount_used * coalesce(price, 0))::decimal(38, 18) end as list_value,
    (
        (max(amount_used) filter (where quantity = 'cached_input_tokens'))
        * (input_rate - cached_input_rate)
    )::decimal(38, 18) as cache_saving
from listed
group by provider, family, model_tier
order by provider, family, model_tier;
