-- What accounts that are new have in common with other new accounts: how many share the commonest of its networks,
-- templates, payment methods and sign-up networks. What more than a tenth of all organisations have links nobody.
-- Parameters: new_days, history_days, most_share.
create or replace temp table watch_shares as
with span as (
    select
        min(usage_date) as data_from,
        count(distinct organization_id) as organizations
    from watch_slice_days
    where slice = 'all'
),

new_accounts as (
    select o.organization_id
    from watch_organizations as o
    cross join span as s
    left join watch.organizations as f on o.organization_id = f.organization_id
    group by o.organization_id, f.created_at
    having
        min(o.first_seen) - min(s.data_from) >= getvariable('watch_history_days')
        or f.created_at >= min(s.data_from) - interval (getvariable('watch_new_days')) day
),

held as (
    select distinct
        organization_id,
        'network' as attribute,
        unnest(top_client_networks) as held
    from marts.activity_daily
    where usage_date between getvariable('watch_first_read') and getvariable('watch_last_day')
    union
    select distinct
        organization_id,
        'template' as attribute,
        unnest(top_templates) as held
    from marts.activity_daily
    where usage_date between getvariable('watch_first_read') and getvariable('watch_last_day')
    union
    select
        organization_id,
        'payment' as attribute,
        payment_group as held
    from watch.organizations
    where payment_group is not null
    union
    select
        organization_id,
        'signup' as attribute,
        signup_network as held
    from watch.organizations
    where signup_network is not null
),

degrees as (
    select
        h.attribute,
        h.held,
        count(*) as accounts
    from held as h
    inner join new_accounts as n on h.organization_id = n.organization_id
    group by h.attribute, h.held
    having count(*) <= getvariable('watch_most_share') * (select any_value(organizations) from span)
)

select
    h.organization_id,
    coalesce(max(d.accounts) filter (where h.attribute = 'network'), 0) as network_sharers,
    coalesce(max(d.accounts) filter (where h.attribute = 'template'), 0) as template_sharers,
    coalesce(max(d.accounts) filter (where h.attribute = 'payment'), 0) as payment_sharers,
    coalesce(max(d.accounts) filter (where h.attribute = 'signup'), 0) as signup_sharers,
    count(distinct h.attribute) filter (where d.accounts >= 3) as kinds_shared
from held as h
inner join new_accounts as n on h.organization_id = n.organization_id
inner join degrees as d on h.attribute = d.attribute and h.held = d.held
group by h.organization_id;
