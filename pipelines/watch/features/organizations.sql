-- Each organisation's day as a whole, beside its own four weeks before and its peers, and what in it is new.
-- Parameters: first_read, last_day, history_days.
create or replace temp table watch_model_release as
-- A model that nobody used in the first days of data came out (for us) on the day it was first used.
with span as (
    select min(usage_date) as data_from
    from marts.activity_daily
    where usage_date >= getvariable('watch_first_read')
)

select
    named as model,
    min(usage_date) as released_on
from watch_slice_days
cross join span
where slice = 'model'
group by named
having min(usage_date) - min(data_from) >= getvariable('watch_history_days');

-- Share of an organisation's output that is of models out for less than two weeks, and what is usual of it.
create or replace temp table watch_released as
with shares as (
    select
        s.usage_date,
        s.organization_id,
        sum(s.output_tokens) filter (where s.usage_date - r.released_on < 14)
        / greatest(sum(s.output_tokens), 1) as released_share,
        min(s.usage_date - r.released_on) as model_age
    from watch_slice_days as s
    left join watch_model_release as r on s.named = r.model
    where s.slice = 'model'
    group by s.usage_date, s.organization_id
)

select
    usage_date,
    organization_id,
    coalesce(released_share, 0) as released_share,
    -- A mean of doubles depends on their order in its last digits.
    round(coalesce(released_share, 0) - avg(coalesce(released_share, 0)) over (partition by usage_date), 9)
        as released_excess,
    case when released_share > 0 then model_age end as model_age
from shares;

create or replace temp table watch_peer_lengths as
select
    a.dominant_model as model,
    median(log10((s.output_tokens + 1) / (s.answers + 1))) as peer_length,
    median(log10((s.output_tokens + 1) / (s.answer_input_tokens + 1))) as peer_ratio
from watch_slice_days as s
inner join marts.activity_daily as a on s.usage_date = a.usage_date and s.organization_id = a.organization_id
where s.slice = 'all' and s.answers > 0
group by a.dominant_model;

-- Of each kind of slice, the share of the output that is of slices first seen within three days.
create or replace temp table watch_new_slices as
with known as (
    select
        usage_date,
        organization_id,
        slice,
        requests,
        output_tokens,
        usage_date - min(usage_date) over (partition by organization_id, slice, named) as age
    from watch_slice_days
    where slice != 'all'
)

select
    usage_date,
    organization_id,
    sum(output_tokens) filter (where slice = 'key' and age < 3)
    / nullif(sum(output_tokens) filter (where slice = 'key'), 0) as new_key_share,
    sum(output_tokens) filter (where slice = 'template' and age < 3)
    / nullif(sum(output_tokens) filter (where slice = 'template'), 0) as new_template_share,
    sum(output_tokens) filter (where slice = 'model' and age < 3)
    / nullif(sum(output_tokens) filter (where slice = 'model'), 0) as new_model_share
from known
group by usage_date, organization_id;

-- The same of places, by the hour in which an organisation was first seen there.
create or replace temp table watch_place_hours as
with known as (
    select
        *,
        min(usage_hour) over (partition by organization_id, client_network) as network_since,
        min(usage_hour) over (partition by organization_id, region) as region_since,
        min(usage_hour) over (partition by organization_id, model) as model_since
    from marts.activity_places_hourly
    where usage_date between getvariable('watch_first_read') and getvariable('watch_last_day')
)

select
    usage_date,
    usage_hour,
    organization_id,
    sum(requests) as placed,
    case when count(client_network) > 0 then count(distinct client_network) end as networks,
    case when count(client_network) > 0 then coalesce(sum(requests) filter (
        where client_network is not null and usage_hour - network_since < interval 72 hour
    ), 0) end as new_network_requests,
    case when count(region) > 0 then coalesce(sum(requests) filter (
        where region is not null and usage_hour - region_since < interval 72 hour
    ), 0) end as new_region_requests,
    coalesce(sum(requests) filter (where usage_hour - model_since < interval 72 hour), 0) as new_model_requests
from known
group by usage_date, usage_hour, organization_id;

create or replace temp table watch_places as
select
    usage_date,
    organization_id,
    sum(new_network_requests) / sum(placed) filter (where new_network_requests is not null) as new_network_share,
    sum(new_region_requests) / sum(placed) filter (where new_region_requests is not null) as new_region_share
from watch_place_hours
group by usage_date, organization_id;

create or replace temp table watch_organizations as
with seen as (
    select
        usage_date,
        organization_id,
        requests,
        output_tokens,
        usual_output,
        usual_length,
        usual_ratio,
        usual_requests,
        slice_days as own_days,
        max(log10(output_tokens + 1)) over before as most_output,
        stddev_pop(log10(output_tokens + 1)) over before as spread_output,
        min(usage_date) over (partition by organization_id) as first_seen
    from watch_slices
    where slice = 'all'
    window before as (
        partition by organization_id order by usage_date
        range between interval 28 day preceding and interval 1 day preceding
    )
)

select
    s.*,
    least(s.usage_date - s.first_seen, 28) as age,
    p.peer_length,
    p.peer_ratio,
    r.released_share,
    r.released_excess,
    r.model_age,
    n.new_key_share,
    n.new_template_share,
    n.new_model_share,
    l.new_network_share,
    l.new_region_share
from seen as s
inner join marts.activity_daily as a on s.usage_date = a.usage_date and s.organization_id = a.organization_id
left join watch_peer_lengths as p on a.dominant_model = p.model
left join watch_released as r on s.usage_date = r.usage_date and s.organization_id = r.organization_id
left join watch_new_slices as n on s.usage_date = n.usage_date and s.organization_id = n.organization_id
left join watch_places as l on s.usage_date = l.usage_date and s.organization_id = l.organization_id;
