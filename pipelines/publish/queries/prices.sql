-- Rate sets as requests are rated with them, whole and as the book was known; `in_force` at the end of the data.
-- An alias has rates of its own here only where it is in use. `checked_on` is the newest check of a set's rows.
with used as (
    select distinct
        provider,
        family,
        model_tier
    from spend
),

checks as (
    select
        rates.rate_id,
        max(book.checked_on) as checked_on
    from price_rates as rates
    cross join period
    inner join price_book as book
        on
            rates.card = book.card
            and rates.provider = book.provider
            and rates.priced_as = book.model
            and rates.model_tier = book.model_tier
            and rates.service_tier = book.service_tier
            and rates.region = coalesce(book.region, '')
            and rates.currency = book.currency
            and rates.context_from >= book.context_from
            and rates.valid_from >= book.valid_from
            and rates.valid_to <= coalesce(book.valid_to, timestamp '9999-12-31')
            and period.known_at >= coalesce(book.known_from, book.valid_from)
    group by rates.rate_id
)

select
    rates.*,
    checks.checked_on,
    rates.valid_from <= period.data_through and rates.valid_to > period.data_through as in_force,
    used.family is not null as in_use
from price_rates as rates
cross join period
left join checks on rates.rate_id = checks.rate_id
left join used
    on
        rates.provider = used.provider
        and rates.model = used.family
        and rates.model_tier = used.model_tier
where used.family is not null or rates.model = rates.priced_as
order by
    in_use desc, rates.provider, rates.model, rates.model_tier, rates.service_tier, rates.region, rates.card,
    rates.context_from, rates.currency, rates.valid_from desc;
