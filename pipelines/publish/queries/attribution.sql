-- Six sums for pipelines/publish/attribution.py, for each organisation.
-- A line is organisation x product x provider x model x tier x service tier x kind of quantity. Kinds are told
-- apart where the day's listed prices reproduce the charged amount to the last digit on all days of the line;
-- otherwise (a price that changed within a day, a long-context tier, a contract, an allowance) it is kept whole.
with compared as (
    select
        daily.* exclude (requests),
        row_number() over () as day_line,
        dense_rank() over (
            order by
                daily.organization_id, daily.product_id, daily.provider, daily.model, daily.base_model,
                daily.model_tier, daily.service_tier
        ) as line,
        coalesce(nullif(daily.base_model, ''), daily.model) as family,
        daily.charge_date between period.current_first and period.current_last as is_current,
        -- What a fee a call is for; calls that a gateway's own cache answered are not known by day.
        daily.requests - daily.failed_requests as requests
    from spend_daily as daily
    cross join period
    where
        period.compared > 0
        and daily.charge_date between period.prior_first and period.current_last
        and daily.revenue_amount is not null
        and coalesce(daily.billing_currency, period.currency) = period.currency
),

used as (
    select
        day_line,
        quantity,
        amount_used::decimal(38, 6) as amount_used
    from (unpivot compared on columns(getvariable('quantities')) into name quantity value amount_used)
    where amount_used > 0
),

rates as (
    select unit_rates.*
    from unit_rates
    cross join period
    where unit_rates.card = period.revenue_card and unit_rates.currency = period.currency
),

-- Hours count in millionths, so that every quantity is a whole number; calls have one only where they have a fee.
charged as (
    select
        compared.day_line,
        used.quantity,
        case
            when ends_with(used.quantity, '_hours') then used.amount_used * 1000000
            when used.quantity = 'requests' and rates.price is null then 0
            else used.amount_used
        end::hugeint as units,
        used.amount_used * coalesce(rates.price, 0) as amount
    from compared
    inner join used on compared.day_line = used.day_line
    left join rates
        on
            compared.provider = rates.provider
            and compared.family = rates.model
            and compared.model_tier = rates.model_tier
            and compared.service_tier = rates.service_tier
            and compared.charge_date >= rates.valid_from
            and compared.charge_date < rates.valid_to
            and used.quantity = rates.quantity
),

day_sums as (
    select
        day_line,
        sum(units) as units,
        sum(amount) as amount
    from charged
    group by day_line
),

day_lines as (
    select
        compared.day_line,
        compared.line,
        compared.organization_id,
        compared.is_current,
        compared.requests,
        compared.revenue_amount,
        greatest(coalesce(day_sums.units, 0) - compared.unpriced_tokens, 0) as units,
        bool_and(coalesce(day_sums.amount, 0) = compared.revenue_amount) over (partition by compared.line) as is_exact
    from compared
    left join day_sums on compared.day_line = day_sums.day_line
),

parts as (
    select
        day_lines.organization_id,
        day_lines.line,
        day_lines.is_current,
        charged.quantity,
        charged.units,
        charged.amount,
        0 as requests
    from day_lines
    inner join charged on day_lines.day_line = charged.day_line
    where day_lines.is_exact
    union all by name
    select
        organization_id,
        line,
        is_current,
        'all' as quantity,
        units,
        revenue_amount as amount,
        requests
    from day_lines
    where not is_exact
),

lines as (
    select
        organization_id,
        line,
        quantity,
        -- What has an amount and no quantity of its own is counted in calls.
        coalesce(
            nullif(sum(units) filter (where not is_current), 0), sum(requests) filter (where not is_current), 0
        ) as q0,
        coalesce(
            nullif(sum(units) filter (where is_current), 0), sum(requests) filter (where is_current), 0
        ) as q1,
        coalesce(sum(amount) filter (where not is_current), 0)::decimal(38, 18) as r0,
        coalesce(sum(amount) filter (where is_current), 0)::decimal(38, 18) as r1
    from parts
    group by organization_id, line, quantity
),

priced_lines as (
    select
        *,
        q0 > 0 and q1 > 0 as is_lasting,
        case when is_lasting then prorated(r1, q0, q1) end as old_at_new,
        case when is_lasting then prorated(r0, q1, q0) end as new_at_old
    from lines
)

select
    organization_id,
    coalesce(sum(q0) filter (where is_lasting), 0) as quantity_before,
    coalesce(sum(q1) filter (where is_lasting), 0) as quantity_now,
    coalesce(sum(r0) filter (where is_lasting), 0)::decimal(38, 18) as revenue_before,
    coalesce(sum(r1) filter (where is_lasting), 0)::decimal(38, 18) as revenue_now,
    coalesce(sum(old_at_new), 0)::decimal(38, 18) as old_at_new_rates,
    coalesce(sum(new_at_old), 0)::decimal(38, 18) as new_at_old_rates,
    coalesce(sum(r1) filter (where not is_lasting), 0)::decimal(38, 18) as started,
    -coalesce(sum(r0) filter (where not is_lasting), 0)::decimal(38, 18) as ended
from priced_lines
group by organization_id
order by organization_id;
