-- Rates of exchange of the window: one row for each stretch of days with usage in a currency and the same rate.
with used as (
    select
        charge_date,
        billing_currency as currency,
        revenue_exchange_rate as rate
    from spend_reported
    union
    select
        charge_date,
        cost_currency as currency,
        cost_exchange_rate as rate
    from spend_reported
),

stretches as (
    select
        used.charge_date,
        used.currency,
        used.rate,
        row_number() over (partition by used.currency order by used.charge_date)
        - row_number() over (partition by used.currency, used.rate order by used.charge_date) as stretch
    from used
    cross join period
    where
        used.currency != period.currency
        and used.charge_date between period.window_first and period.window_last
)

select
    currency,
    rate,
    min(charge_date) as first_day,
    max(charge_date) as last_day
from stretches
group by currency, rate, stretch
order by currency, first_day;
