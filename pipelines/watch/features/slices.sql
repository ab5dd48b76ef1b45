-- What each organisation did with one key, one template, on one model, and in all ('all'), day by day; and what was
-- usual for that slice before. Means of logarithms: medians of millions of windows would take minutes.
-- Parameters: first_read, last_day.
create or replace temp table watch_slice_days as
select
    usage_date,
    organization_id,
    'all' as slice,
    '' as named,
    requests,
    failed,
    rate_limited,
    answers,
    input_tokens,
    cached_input_tokens,
    answer_input_tokens,
    output_tokens,
    length_finishes,
    multi_answer,
    logprobs_requests,
    null::bigint as cold_requests,
    prompts,
    prompt_requests,
    end_users,
    templates,
    active_hours,
    active_10min
from marts.activity_daily
where usage_date between getvariable('watch_first_read') and getvariable('watch_last_day')
union all
select
    usage_date,
    organization_id,
    slice,
    named,
    requests,
    failed,
    rate_limited,
    answers,
    input_tokens,
    cached_input_tokens,
    answer_input_tokens,
    output_tokens,
    length_finishes,
    multi_answer,
    logprobs_requests,
    cold_requests,
    prompts,
    prompt_requests,
    end_users,
    templates,
    active_hours,
    active_10min
from marts.activity_slices_daily
where usage_date between getvariable('watch_first_read') and getvariable('watch_last_day');

create or replace temp table watch_slices as
select
    *,
    avg(log10(output_tokens + 1)) over before as usual_output,
    avg(log10((output_tokens + 1) / (answers + 1))) over before as usual_length,
    avg(log10((output_tokens + 1) / (answer_input_tokens + 1))) over before as usual_ratio,
    avg(log10(requests)) over before as usual_requests,
    avg(log10((input_tokens + 1) / requests)) over before as usual_input,
    avg(failed / requests) over before as usual_failed,
    avg(active_hours) over before as usual_hours,
    count(*) over before as slice_days,
    sum(output_tokens) over week as output_7,
    sum(answers) over week as answers_7,
    sum(prompts) over week as prompts_7,
    sum(prompt_requests) over week as prompt_requests_7,
    sum(output_tokens) over month as output_28,
    sum(answers) over month as answers_28,
    count(*) over month as active_28
from watch_slice_days
window
    before as (
        partition by organization_id, slice, named order by usage_date
        range between interval 28 day preceding and interval 1 day preceding
    ),
    week as (
        partition by organization_id, slice, named order by usage_date
        range between interval 6 day preceding and current row
    ),
    month as (
        partition by organization_id, slice, named order by usage_date
        range between interval 27 day preceding and current row
    );
