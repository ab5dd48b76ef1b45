-- List prices in long form: one row a rate set and quantity. Rows of a region of its own are left out, as spend is not
-- kept by region; so are prices of longer requests. Input is at the price of embeddings where that is the only one;
-- where both are known and differ, days do not tell which one counted, and there is none.
create view unit_rates as
with rates as (
    select
        * exclude (price_embedding_tokens) replace (
            case
                when price_embedding_tokens is null then price_input_tokens
                when price_input_tokens is null or price_input_tokens = price_embedding_tokens
                    then price_embedding_tokens
            end as price_input_tokens
        )
    from price_rates
    where region = '' and context_from = 0
)

select
    rate_id,
    card,
    provider,
    model,
    model_tier,
    service_tier,
    currency,
    valid_from,
    valid_to,
    replace(price_of, 'price_', '') as quantity,
    price
from (unpivot rates on columns('^price_') into name price_of value price);
