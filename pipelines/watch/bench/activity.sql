-- From cells and pieces to the tables that the watch reads, as dbt builds them from requests. What dbt counts in the
-- requests is drawn here: shares by hour (in Python), distinct things by how many of a pool so many requests meet.
create or replace macro met(pool, requests) as
case
    when pool > 0 and requests > 0 then greatest(1, least(pool, requests, round(pool * (1 - exp(-requests / pool)))))
    else 0
end::bigint;

create schema if not exists marts;

create or replace table marts.activity_10min as
select
    getvariable('bench_first_day') + c.day as usage_date,
    p.organization_id,
    c.slot::smallint as slot,
    sum(c.requests)::bigint as requests,
    sum(c.output_tokens)::bigint as output_tokens
from bench_cells as c inner join bench_pieces as p on c.piece = p.piece
group by all;

-- One row for each piece, day and hour, with what was drawn for it.
create or replace temp table piece_hours as
select
    p.*,
    getvariable('bench_first_day') + h.day as usage_date,
    h.hour,
    h.requests,
    h.input_tokens,
    h.output_tokens,
    h.active_10min,
    h.failed,
    h.limited as rate_limited,
    h.length_finish as length_finishes,
    h.multi as multi_answer,
    h.logprobs as logprobs_requests,
    h.cold as cold_requests,
    -- An embedding has no answer, a request that failed has none either.
    case when h.output_tokens > 0 then h.requests - h.failed else 0 end as answers,
    round(h.input_tokens * p.cached)::bigint as cached_input_tokens
from bench_hours as h
inner join (select * exclude (failed, limited, length_finish, multi, logprobs, cold) from bench_pieces) as p
    on h.piece = p.piece;

create or replace table marts.activity_hourly as
with hours as (
    select
        usage_date,
        hour,
        organization_id,
        key,
        template_pool,
        templates,
        user_pool,
        users,
        sum(requests) as requests,
        sum(failed) as failed,
        sum(rate_limited) as rate_limited,
        sum(answers) as answers,
        sum(input_tokens) as input_tokens,
        sum(cached_input_tokens) as cached_input_tokens,
        sum(case when output_tokens > 0 then input_tokens else 0 end) as answer_input_tokens,
        sum(output_tokens) as output_tokens,
        sum(length_finishes) as length_finishes,
        sum(multi_answer) as multi_answer,
        sum(logprobs_requests) as logprobs_requests,
        sum(cold_requests) as cold_requests,
        sum(case when suite > 0 then least(requests, suite) when digests then requests * fresh else 0 end) as prompts,
        sum(case when digests then requests else 0 end) as prompt_requests,
        max(active_10min) as active_10min
    from piece_hours
    group by all
)

select
    usage_date,
    usage_date + to_hours(hour) as usage_hour,
    organization_id,
    sum(requests)::bigint as requests,
    sum(failed)::bigint as failed,
    sum(rate_limited)::bigint as rate_limited,
    sum(answers)::bigint as answers,
    sum(input_tokens)::bigint as input_tokens,
    sum(cached_input_tokens)::bigint as cached_input_tokens,
    sum(answer_input_tokens)::bigint as answer_input_tokens,
    sum(output_tokens)::bigint as output_tokens,
    0::bigint as fine_tuned_output_tokens,
    sum(length_finishes)::bigint as length_finishes,
    sum(multi_answer)::bigint as multi_answer,
    sum(logprobs_requests)::bigint as logprobs_requests,
    count(distinct nullif(key, -1)) as keys,
    sum(met(users, requests))::bigint as end_users,
    round(sum(prompts))::bigint as prompts,
    sum(met(templates, requests))::bigint as templates,
    max(active_10min)::bigint as active_10min,
    null::varchar as billing_currency,
    null::decimal(38, 18) as revenue_amount
from hours
group by all;

-- Pools that pieces of an organisation share are met by all of them together.
create or replace temp table day_pools as
with used as (
    select
        usage_date,
        organization_id,
        'users' as pool,
        user_pool as first,
        users as size,
        top_template,
        requests
    from piece_hours
    where users > 0
    union all
    select
        usage_date,
        organization_id,
        'templates' as pool,
        template_pool as first,
        templates as size,
        top_template,
        requests
    from piece_hours
    where templates > 0
    union all
    select
        usage_date,
        organization_id,
        'networks' as pool,
        network_pool as first,
        networks as size,
        top_template,
        requests
    from piece_hours
    where networks > 0
)

select
    *,
    met(size, requests) as found
from (
    select
        usage_date,
        organization_id,
        pool,
        first,
        size,
        max(top_template) as top_share,
        sum(requests)::bigint as requests
    from used
    group by all
) as together;

create or replace temp table day_items as
select
    usage_date,
    organization_id,
    pool,
    pool || '-' || (first + item) as named,
    case
        when pool = 'templates' and found > 1
            then requests * case when item = 0 then top_share else (1 - top_share) / (found - 1) end
        else requests / found
    end as requests
from (
    select
        *,
        unnest(range(least(found, 5))) as item
    from day_pools
    where pool != 'users'
) as pool_items;

create or replace table marts.activity_daily as
with hours as (
    select
        *,
        requests / sum(requests) over (partition by usage_date, organization_id) as share
    from marts.activity_hourly
),

days as (
    select
        usage_date,
        organization_id,
        sum(requests)::bigint as requests,
        sum(failed)::bigint as failed,
        sum(rate_limited)::bigint as rate_limited,
        sum(answers)::bigint as answers,
        sum(input_tokens)::bigint as input_tokens,
        sum(cached_input_tokens)::bigint as cached_input_tokens,
        sum(answer_input_tokens)::bigint as answer_input_tokens,
        sum(output_tokens)::bigint as output_tokens,
        0::bigint as fine_tuned_output_tokens,
        sum(length_finishes)::bigint as length_finishes,
        sum(multi_answer)::bigint as multi_answer,
        sum(logprobs_requests)::bigint as logprobs_requests,
        round(list_sum(list(-share * log2(share) order by share)), 6) as hour_entropy,
        count(*) as active_hours,
        sum(prompts)::bigint as prompts
    from hours
    group by all
),

slots as (
    select
        usage_date,
        organization_id,
        count(*) as active_10min
    from marts.activity_10min
    group by all
),

pools as (
    select
        usage_date,
        organization_id,
        coalesce(sum(found) filter (where pool = 'users'), 0)::bigint as end_users,
        coalesce(sum(found) filter (where pool = 'templates'), 0)::bigint as templates,
        coalesce(sum(found) filter (where pool = 'networks'), 0)::bigint as client_networks
    from day_pools
    group by all
),

items as (
    select
        usage_date,
        organization_id,
        round(coalesce(max(requests) filter (where pool = 'templates'), 0))::bigint as top_template_requests,
        coalesce((list(named order by requests desc, named) filter (where pool = 'templates'))[1:5], [])
            as top_templates,
        coalesce((list(named order by requests desc, named) filter (where pool = 'networks'))[1:5], [])
            as top_client_networks
    from day_items
    group by all
),

by_model as (
    select
        usage_date,
        organization_id,
        model,
        sum(requests)::bigint as requests
    from piece_hours
    group by all
),

models as (
    select
        usage_date,
        organization_id,
        count(*) as models,
        arg_max(model, requests) as dominant_model,
        max(requests) as dominant_model_requests
    from by_model
    group by all
),

used as (
    select
        usage_date,
        organization_id,
        count(distinct nullif(key, -1)) as keys,
        sum(case when digests then requests else 0 end)::bigint as prompt_requests,
        count(distinct product) as products,
        mode(product) as dominant_product
    from piece_hours
    group by all
)

select
    d.usage_date,
    d.organization_id,
    d.requests,
    d.failed,
    d.rate_limited,
    d.answers,
    d.input_tokens,
    d.cached_input_tokens,
    d.answer_input_tokens,
    d.output_tokens,
    d.fine_tuned_output_tokens,
    d.length_finishes,
    d.multi_answer,
    d.logprobs_requests,
    d.hour_entropy,
    d.active_hours,
    s.active_10min,
    u.keys,
    coalesce(p.end_users, 0) as end_users,
    d.prompts,
    u.prompt_requests,
    coalesce(p.templates, 0) as templates,
    u.prompt_requests as template_requests,
    coalesce(i.top_template_requests, 0) as top_template_requests,
    coalesce(p.client_networks, 0) as client_networks,
    m.models,
    u.products,
    m.dominant_model,
    m.dominant_model_requests,
    u.dominant_product,
    coalesce(i.top_templates, []) as top_templates,
    coalesce(i.top_client_networks, []) as top_client_networks,
    null::varchar as billing_currency,
    null::decimal(38, 18) as revenue_amount
from days as d
inner join slots as s using (usage_date, organization_id)
left join pools as p using (usage_date, organization_id)
left join items as i using (usage_date, organization_id)
inner join models as m using (usage_date, organization_id)
inner join used as u using (usage_date, organization_id);

-- What a piece does on a day, and the same by each of the commonest things of its pools.
create or replace temp table piece_days as
select
    piece,
    label,
    usage_date,
    organization_id,
    key,
    model,
    digests,
    suite,
    fresh,
    user_pool,
    users,
    template_pool,
    templates,
    top_template,
    sum(requests)::bigint as requests,
    sum(failed)::bigint as failed,
    sum(rate_limited)::bigint as rate_limited,
    sum(answers)::bigint as answers,
    sum(input_tokens)::bigint as input_tokens,
    sum(cached_input_tokens)::bigint as cached_input_tokens,
    sum(case when output_tokens > 0 then input_tokens else 0 end)::bigint as answer_input_tokens,
    sum(output_tokens)::bigint as output_tokens,
    sum(length_finishes)::bigint as length_finishes,
    sum(multi_answer)::bigint as multi_answer,
    sum(logprobs_requests)::bigint as logprobs_requests,
    sum(cold_requests)::bigint as cold_requests,
    count(*) as active_hours,
    sum(active_10min)::bigint as active_10min
from piece_hours
group by all;

create or replace temp table slice_parts as
with pools as (
    select
        *,
        'template' as slice,
        template_pool as first,
        met(templates, requests) as found
    from piece_days
    where templates > 0
),

items as (
    select
        *,
        unnest(range(least(found, 10))) as item
    from pools
)

select
    * exclude (first, found, item),
    slice || '-' || (first + item) as named,
    case
        when found > 1 then case when item = 0 then top_template else (1 - top_template) / (found - 1) end
        else 1.0
    end as share
from items
union all
select
    *,
    'key' as slice,
    'key-' || key as named,
    1.0 as share
from piece_days
where key > 0
union all
select
    *,
    'model' as slice,
    model as named,
    1.0 as share
from piece_days;

-- Of a slice's day, the end users and templates that it meets of each pool: a pool that pieces share is met once.
create or replace temp table slice_things as
select
    usage_date,
    organization_id,
    slice,
    named,
    sum(found) filter (where pool = 'users')::bigint as end_users,
    -- With one template there is one.
    case when slice = 'template' then 1 else sum(found) filter (where pool = 'templates') end::bigint as templates
from (
    select
        usage_date,
        organization_id,
        slice,
        named,
        'users' as pool,
        met(max(users), round(sum(requests * share))::bigint) as found
    from slice_parts
    where users > 0 and requests * share >= 0.5
    group by usage_date, organization_id, slice, named, user_pool
    union all
    select
        usage_date,
        organization_id,
        slice,
        named,
        'templates' as pool,
        met(max(templates), round(sum(requests * share))::bigint) as found
    from slice_parts
    where templates > 0 and requests * share >= 0.5
    group by usage_date, organization_id, slice, named, template_pool
) as met_pools
group by usage_date, organization_id, slice, named;

create or replace table marts.activity_slices_daily as
select
    f.* exclude (active_hours, active_10min),
    coalesce(t.end_users, 0)::bigint as end_users,
    coalesce(t.templates, 0)::bigint as templates,
    f.active_hours,
    f.active_10min
from (
    select
        usage_date,
        organization_id,
        slice,
        named,
        greatest(1, round(sum(requests * share)))::bigint as requests,
        round(sum(failed * share))::bigint as failed,
        round(sum(rate_limited * share))::bigint as rate_limited,
        round(sum(answers * share))::bigint as answers,
        round(sum(input_tokens * share))::bigint as input_tokens,
        round(sum(cached_input_tokens * share))::bigint as cached_input_tokens,
        round(sum(answer_input_tokens * share))::bigint as answer_input_tokens,
        round(sum(output_tokens * share))::bigint as output_tokens,
        round(sum(length_finishes * share))::bigint as length_finishes,
        round(sum(multi_answer * share))::bigint as multi_answer,
        round(sum(logprobs_requests * share))::bigint as logprobs_requests,
        round(sum(cold_requests * share))::bigint as cold_requests,
        round(sum(
            case
                when suite > 0 then least(requests * share, suite) when digests then requests * share * fresh else 0
            end
        ))::bigint as prompts,
        round(sum(case when digests then requests * share else 0 end))::bigint as prompt_requests,
        least(24, max(least(active_hours, greatest(1, requests * share))))::bigint as active_hours,
        least(144, max(least(active_10min, greatest(1, requests * share))))::bigint as active_10min
    from slice_parts
    where requests * share >= 0.5
    group by all
) as f
left join slice_things as t
    on
        f.usage_date = t.usage_date
        and f.organization_id = t.organization_id
        and f.slice = t.slice
        and f.named = t.named
qualify row_number() over (
    partition by f.usage_date, f.organization_id, f.slice
    order by f.output_tokens desc, f.requests desc, f.named asc
) <= 10;

-- From where, by hour: up to three of a piece's networks, drawn as equals.
create or replace table marts.activity_places_hourly as
select
    usage_date,
    usage_hour,
    organization_id,
    client_network,
    region,
    model,
    requests,
    failed,
    output_tokens
from (
    select
        *,
        row_number() over (
            partition by usage_hour, organization_id
            order by requests desc, output_tokens desc, client_network asc, region asc, model asc
        ) as place
    from (
        select
            usage_date,
            usage_date + to_hours(hour) as usage_hour,
            organization_id,
            case when networks > 0 then 'network-' || (network_pool + item) end as client_network,
            case when region >= 0 then 'region-' || region end as region,
            model,
            greatest(1, round(sum(requests / parts)))::bigint as requests,
            round(sum(failed / parts))::bigint as failed,
            round(sum(output_tokens / parts))::bigint as output_tokens
        from (
            select
                *,
                least(greatest(met(networks, requests), 1), 3) as parts,
                unnest(range(least(greatest(met(networks, requests), 1), 3))) as item
            from piece_hours
        ) as items
        group by all
    ) as found
) as placed
where place <= 5;

-- The truth of slices: how much of the output of each is a campaign's, and what else is planted in it.
create or replace table bench_slices as
select
    usage_date,
    organization_id,
    slice,
    named,
    max(label) as label,
    sum(output_tokens * share) filter (where label != '') as labelled_tokens,
    sum(requests * share) filter (where label != '') as labelled_requests
from slice_parts
where requests * share >= 0.5
group by all;

-- The truth: how much output of each campaign is gone by when.
create or replace table bench_output as
select
    label,
    organization_id,
    usage_date,
    hour,
    sum(output_tokens)::bigint as output_tokens,
    sum(requests)::bigint as requests
from piece_hours
where label != ''
group by all;
