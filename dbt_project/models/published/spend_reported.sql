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
            {{ exchange_rate(side ~ "_exchange", "spend." ~ currency) }}
                as {{ side }}_exchange_rate{{ "," if not loop.last }}
        {%- endfor %}
    from {{ ref('spend_daily') }} as spend
    cross join reporting
    {%- for side, currency in sides %}
        left join {{ ref('exchange_rates_in_force') }} as {{ side }}_exchange
            on {{ converts_on(side ~ "_exchange", "spend." ~ currency, "spend.charge_date") }}
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
            then {{ unconverted_reason("billing_currency") }}
        when cost_amount is not null and cost_exchange_rate is null
            then {{ unconverted_reason("cost_currency") }}
    end as unconverted_reason
from converted
