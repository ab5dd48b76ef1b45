-- The shown window of spend_daily, with its comparison halves marked. Money of another currency than the
-- reporting one is left out of the sums and counted, never added up across currencies.
create table spend as
with shown as (
    select
        daily.*,
        coalesce(nullif(daily.base_model, ''), daily.model) as family,
        daily.charge_date between period.current_first and period.current_last as is_current,
        daily.charge_date between period.prior_first and period.prior_last as is_prior,
        coalesce(daily.billing_currency, period.currency) != period.currency as is_foreign
    from spend_daily as daily
    cross join period
    where daily.charge_date between period.window_first and period.window_last
),

counted as (
    select
        *,
        -- Priced, but not in the currency of the amounts here; and the tokens that those amounts are for.
        case when is_foreign then requests - unpriced_requests else 0 end as foreign_requests,
        case when is_foreign then 0 else total_tokens - unpriced_tokens end as priced_tokens
    from shown
)

select
    * exclude (
        revenue_amount, cost_amount, margin_amount, margin_revenue_amount, revenue_only_amount, cost_only_amount,
        foreign_cost_amount
    ),
    case when foreign_requests > 0 then billing_currency end as foreign_currency,
    case when is_foreign then revenue_amount end as foreign_revenue,
    case when is_foreign then coalesce(cost_amount, foreign_cost_amount) else foreign_cost_amount end as foreign_cost,
    case
        when not is_foreign
            then columns('^(revenue|cost|margin|margin_revenue|revenue_only|cost_only)_amount$')
    end
from counted;
