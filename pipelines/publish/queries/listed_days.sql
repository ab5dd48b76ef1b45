-- Two tables: what list_value.sql compares, from spend by day; and the models of which days do not tell enough, whose
-- usage is read request by request (listed_requests.sql) instead.

-- A call fee is for calls that the gateway did not answer itself, and an alias that moved is priced as two models.
create table listed_apart as
with moved as (
    select
        rates.provider,
        rates.model as family
    from price_rates as rates
    cross join period
    where
        rates.valid_from <= period.data_through
        and rates.valid_to::date >= period.window_first - 1
    group by all
    having count(distinct rates.priced_as) > 1
),

with_fee as (
    select
        rates.provider,
        rates.model as family
    from unit_rates as rates
    cross join period
    where
        rates.card = 'list'
        and rates.quantity = 'requests'
        and rates.valid_from <= period.data_through
        and rates.valid_to > period.data_through
)

select distinct
    provider,
    family,
    (provider, family) in (select (moved.provider, moved.family) from moved) as is_moved
from spend
where
    (provider, family) in (select (moved.provider, moved.family) from moved)
    or (provider, family) in (select (with_fee.provider, with_fee.family) from with_fee);

create table listed_usage as
select
    provider,
    family,
    family as priced_as,
    model_tier,
    false as is_moved,
    sum(priced_tokens)::hugeint as tokens,
    sum(revenue_amount)::decimal(38, 18) as revenue,
    sum(columns(getvariable('quantities')))::decimal(38, 6)
from (select * replace (requests - failed_requests as requests) from spend) as spend
where
    unpriced_requests = 0
    and not is_foreign
    and (provider, family) not in (select (apart.provider, apart.family) from listed_apart as apart)
group by provider, family, model_tier;
