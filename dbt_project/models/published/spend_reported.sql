-- noqa: disable=LT02
-- spend_daily in the currency of reports, at the rate of exchange in force when the billing day began. Amounts are
-- exact: eighteen places times six. What has no rate of exchange is null with the reason, never 0.
{%- set sides = [("revenue", "billing_currency"), ("cost", "cost_currency")] %}

with reporting as (

    select
        reporting_currency,
        billing_time_zone
    from {{ source('run', 'settings') }}

),

converted as (

    select
        {{ listed(spend_key(), "spend") }},
        reporting.reporting_currency,
        spend.requests,
        spend.revenue_amount,
        coalesce(spend.cost_amount, spend.foreign_cost_amount) as cost_amount,
        {%- for side, currency in sides %}
            case
                when spend.{{ currency }} = reporting.reporting_currency then 1.000000
                else {{ side }}_exchange.rate
            end::decimal(18, 6) as {{ side }}_exchange_rate{{ "," if not loop.last }}
        {%- endfor %}
    from {{ ref('spend_daily') }} as spend
    cross join reporting
    {%- for side, currency in sides %}
        left join {{ ref('exchange_rates_in_force') }} as {{ side }}_exchange
            on
                spend.{{ currency }} = {{ side }}_exchange.from_currency
                and reporting.reporting_currency = {{ side }}_exchange.to_currency
                and ((spend.charge_date::timestamp at time zone reporting.billing_time_zone) at time zone 'UTC')
                >= {{ side }}_exchange.valid_from
                and ((spend.charge_date::timestamp at time zone reporting.billing_time_zone) at time zone 'UTC')
                < {{ side }}_exchange.valid_to
    {%- endfor %}

)

select
    {{ spend_key() | join(",\n    ") }},
    reporting_currency,
    requests,
    revenue_exchange_rate,
    cost_exchange_rate,
    (revenue_amount * revenue_exchange_rate)::decimal(38, 24) as reported_revenue_amount,
    (cost_amount * cost_exchange_rate)::decimal(38, 24) as reported_cost_amount,
    case
        when revenue_amount is not null and revenue_exchange_rate is null
            then 'no exchange rate from ' || billing_currency || ' to ' || reporting_currency || ' on this day'
        when cost_amount is not null and cost_exchange_rate is null
            then 'no exchange rate from ' || cost_currency || ' to ' || reporting_currency || ' on this day'
    end as unconverted_reason
from converted
