-- Rare attributes (client network, prompt template) that several small or new accounts share in the window.
-- An attribute that many organisations have (a shared office, an agency, a popular app) links nobody: at most
-- the square root of the number of organisations may have it.
with active as (
    select
        organization_id,
        sum(requests) as requests,
        bool_or(not age_is_censored and age_days < getvariable('watch_new_days')) as is_new
    from watch_days
    where usage_date between getvariable('watch_first_day') and getvariable('watch_last_day')
    group by organization_id
),

plausible as (
    select organization_id
    from active
    where is_new or requests <= (select median(requests) from active)
),

attributes as (
    select organization_id, 'client_network' as attribute, unnest(top_client_networks) as value
    from marts.activity_daily
    where usage_date between getvariable('watch_first_day') and getvariable('watch_last_day')
    union all
    select organization_id, 'template' as attribute, unnest(top_templates) as value
    from marts.activity_daily
    where usage_date between getvariable('watch_first_day') and getvariable('watch_last_day')
),

held as (
    select distinct organization_id, attribute, value from attributes
)

select
    h.attribute,
    h.value,
    list(h.organization_id order by h.organization_id) filter (where p.organization_id is not null) as organizations
from held as h
left join plausible as p on h.organization_id = p.organization_id
group by h.attribute, h.value
having
    count(p.organization_id) >= getvariable('watch_least_group')
    and count(*) <= sqrt((select count(*) from active))
order by h.attribute, h.value;
