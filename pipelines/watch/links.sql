-- Attributes (client network, prompt template, payment, sign-up) that several small or new accounts share in the
-- window. One that more than most_share of all organisations have (a cloud's exit, a popular app) links nobody. That an
-- office or an agency is shared proves nothing either: the caller tests each group against random ones.
with present as (
    select
        organization_id,
        sum(requests) as requests,
        bool_or(not age_is_censored and age_days < getvariable('watch_new_days')) as is_new
    from watch_days
    where usage_date between getvariable('watch_first_day') and getvariable('watch_last_day')
    group by organization_id
),

sizes as (
    select
        count(*) as organizations,
        median(requests) as requests
    from present
),

plausible as (
    select p.organization_id
    from present as p
    cross join sizes as s
    where p.is_new or p.requests <= s.requests
),

attributes as (
    select
        organization_id,
        'client_network' as attribute_name,
        unnest(top_client_networks) as attribute_value
    from marts.activity_daily
    where usage_date between getvariable('watch_first_day') and getvariable('watch_last_day')
    union all
    select
        organization_id,
        'template' as attribute_name,
        unnest(top_templates) as attribute_value
    from marts.activity_daily
    where usage_date between getvariable('watch_first_day') and getvariable('watch_last_day')
    union all
    select
        organization_id,
        'payment_group' as attribute_name,
        payment_group as attribute_value
    from watch.organizations
    where payment_group is not null
    union all
    select
        organization_id,
        'signup_network' as attribute_name,
        signup_network as attribute_value
    from watch.organizations
    where signup_network is not null
),

held as (
    select distinct
        organization_id,
        attribute_name,
        attribute_value
    from attributes
)

select
    h.attribute_name,
    list(p.organization_id order by p.organization_id) filter (where p.organization_id is not null)
        as organizations
from held as h
cross join sizes as s
left join plausible as p on h.organization_id = p.organization_id
group by h.attribute_name, h.attribute_value, s.organizations
having
    count(p.organization_id) >= getvariable('watch_least_group')
    and count(*) <= getvariable('watch_most_share') * s.organizations
order by h.attribute_name, h.attribute_value;
