-- The shown window of spend_daily, with its comparison halves marked. Money of another currency than the
-- reporting one is left out of the sums and counted, never added up across currencies.
create table spend as
with shown as (
    select
        daily.*,
        row_number() over () as line,
        coalesce(nullif(daily.base_model, ''), daily.model) as family,
        daily.charge_date between period.current_first and period.current_last as is_current,
        daily.charge_date between period.prior_first and period.prior_last as is_prior,
        coalesce(daily.billing_currency, period.currency) != period.currency as is_foreign
    from spend_daily as daily
    cross join period
    where daily.charge_date between period.window_first and period.window_last
),

used as (
    select
        line,
        quantity,
        amount_used::decimal(38, 6) as amount_used
    from (
        unpivot (select * replace (requests - failed_requests as requests) from shown)
        on columns(getvariable('quantities')) into name quantity value amount_used
    )
    where amount_used > 0 and not list_contains(getvariable('buckets'), quantity)
),

-- What hours and calls come to at the day's listed prices: enough to tell whether most of an amount is for them.
beside_tokens as (
    select
        shown.line,
        sum(used.amount_used * rates.price)::decimal(38, 18) as beside_amount
    from used
    cross join period
    inner join shown on used.line = shown.line
    inner join unit_rates as rates
        on
            shown.provider = rates.provider
            and shown.family = rates.model
            and shown.model_tier = rates.model_tier
            and shown.service_tier = rates.service_tier
            and shown.charge_date >= rates.valid_from
            and shown.charge_date < rates.valid_to
            and used.quantity = rates.quantity
    where
        shown.revenue_amount is not null
        and rates.card = period.revenue_card
        and rates.currency = period.currency
    group by shown.line
),

counted as (
    select
        shown.* exclude (line),
        beside_tokens.beside_amount,
        -- Priced, but not in the currency of the amounts here; and the tokens that those amounts are for.
        case when is_foreign then requests - unpriced_requests else 0 end as foreign_requests,
        case when is_foreign then 0 else total_tokens - unpriced_tokens end as priced_tokens
    from shown
    left join beside_tokens on shown.line = beside_tokens.line
)

select
    * exclude (
        revenue_amount, cost_amount, margin_amount, margin_revenue_amount, revenue_only_amount, cost_only_amount,
        foreign_cost_amount, beside_amount
    ),
    case when foreign_requests > 0 then billing_currency end as foreign_currency,
    case when is_foreign then revenue_amount end as foreign_revenue,
    case when is_foreign then coalesce(cost_amount, foreign_cost_amount) else foreign_cost_amount end as foreign_cost,
    case
        when not is_foreign
            then columns('^(revenue|cost|margin|margin_revenue|revenue_only|cost_only|beside)_amount$')
    end
from counted;
