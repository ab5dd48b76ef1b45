-- The price book, models in use first; `in_force` at the end of the data.
with used as (
    select distinct
        provider,
        family,
        model_tier
    from spend
)

select
    book.card,
    book.provider,
    book.model,
    book.model_tier,
    book.service_tier,
    book.unit,
    book.price,
    book.per,
    book.currency,
    book.context_from,
    book.valid_from,
    book.valid_to,
    book.known_from,
    book.source,
    book.checked_on,
    book.valid_from <= period.data_through
    and coalesce(book.valid_to, timestamp '9999-12-31') > period.data_through as in_force,
    used.family is not null as in_use
from price_book as book
cross join period
left join used
    on
        used.provider = book.provider
        and used.family = book.model
        and used.model_tier = book.model_tier
order by
    in_use desc, book.provider, book.model, book.model_tier, book.service_tier, book.card, book.unit,
    book.context_from, book.valid_from desc, book.known_from desc;
