-- Output, answers, models and revenue of a case: its members' days from the first to the last one seen. Amounts of
-- several currencies are not added up. Models are told by the output of their requests, largest first; of tuned ones
-- the base.
with days as (
    select
        coalesce(sum(output_tokens), 0)::bigint as output_tokens,
        coalesce(sum(answers), 0)::bigint as answers,
        coalesce(sum(fine_tuned_output_tokens), 0)::bigint as fine_tuned_output_tokens,
        case when count(distinct billing_currency) = 1 then sum(revenue_amount) end as revenue_amount
    from marts.activity_daily
    where
        usage_date between getvariable('watch_first') and getvariable('watch_last')
        and organization_id in (select unnest(getvariable('watch_members')))
),

models as (
    select
        named as model,
        sum(output_tokens)::bigint as output_tokens
    from marts.activity_slices_daily
    where
        slice = 'model'
        and usage_date between getvariable('watch_first') and getvariable('watch_last')
        and organization_id in (select unnest(getvariable('watch_members')))
    group by named
    order by output_tokens desc, model asc
    limit 5
)

select
    days.*,
    (
        select list({ 'model': m.model, 'output_tokens': m.output_tokens } order by m.output_tokens desc, m.model asc)
        from models as m
    )::json::varchar as models
from days;
