-- How often a key's or template's day repeats the size of days before: the same number of requests (or a whole
-- multiple of it up to four), or of distinct prompts. An evaluation has the size of its suite; traffic of people has
-- no size. Sizes of public suites: HumanEval 164, GPQA diamond 198, GPQA 448,
-- MATH-500, IFEval 541, AlpacaEval 805, GSM8K 1,319, MMLU 14,042. Parameter: first_scored.
create or replace temp table watch_repeats as
with sized as (
    select
        usage_date,
        organization_id,
        slice,
        named,
        requests,
        prompts
    from watch_slice_days
    where slice in ('key', 'template', 'all') and requests between 20 and 100_000
)

select
    x.usage_date,
    x.organization_id,
    x.slice,
    x.named,
    count(*) as days_before,
    count(*) filter (
        where greatest(x.requests, y.requests) / least(x.requests, y.requests) < 4.5
        and abs(
            greatest(x.requests, y.requests) / least(x.requests, y.requests)
            - round(greatest(x.requests, y.requests) / least(x.requests, y.requests))
        ) * least(x.requests, y.requests) <= greatest(0.5, 0.003 * least(x.requests, y.requests))
    ) as same_requests,
    count(*) filter (where x.prompts >= 20 and y.prompts = x.prompts) as same_prompts,
    count(*) filter (where x.prompts >= 20 and abs(y.prompts - x.prompts) <= 0.08 * x.prompts) as near_prompts,
    max((
        x.requests in (164, 198, 448, 500, 541, 805, 1319, 14042)
        or x.prompts in (164, 198, 448, 500, 541, 805, 1319, 14042)
    )::integer) as is_suite_size
from sized as x
inner join sized as y
    on
        x.organization_id = y.organization_id
        and x.slice = y.slice
        and x.named = y.named
        and y.usage_date between x.usage_date - 28 and x.usage_date - 1
where x.usage_date >= getvariable('watch_first_scored')
group by x.usage_date, x.organization_id, x.slice, x.named;
