-- What accounts that are new have in common with other new accounts, as known on each day: how many share the commonest
-- of its networks, templates, payment methods and sign-up networks, itself included. 0 for an account that is not new,
-- null where the log or the operator's facts name none. What more than a tenth of all organisations have links nobody.
-- Parameters: first_read, first_scored, last_day, history_days, new_days, most_share.
create or replace temp table watch_held as
select
    organization_id,
    attribute,
    held,
    min(since) as since
from (
    select
        organization_id,
        'network' as attribute,
        unnest(top_client_networks) as held,
        usage_date as since
    from marts.activity_daily
    where usage_date between getvariable('watch_first_read') and getvariable('watch_last_day')
    union all
    select
        organization_id,
        'template' as attribute,
        unnest(top_templates) as held,
        usage_date as since
    from marts.activity_daily
    where usage_date between getvariable('watch_first_read') and getvariable('watch_last_day')
    union all
    select
        organization_id,
        'payment' as attribute,
        payment_group as held,
        date '1970-01-01' as since
    from watch.organizations
    where payment_group is not null
    union all
    select
        organization_id,
        'signup' as attribute,
        signup_network as held,
        date '1970-01-01' as since
    from watch.organizations
    where signup_network is not null
) as named
group by organization_id, attribute, held;

create or replace temp table watch_shares as
with span as (
    select
        min(usage_date) as data_from,
        count(distinct organization_id) as organizations
    from watch_slice_days
    where slice = 'all'
),

-- Who was not there when the data begin, or is new by the operator's facts.
late as (
    select
        o.organization_id,
        min(o.first_seen) as first_seen
    from watch_organizations as o
    cross join span as s
    left join watch.organizations as f on o.organization_id = f.organization_id
    group by o.organization_id
    having
        min(o.first_seen) - min(s.data_from) >= getvariable('watch_history_days')
        or max(f.created_at) >= min(s.data_from) - interval (getvariable('watch_new_days')) day
),

pairs as (
    select
        h.attribute,
        h.held,
        greatest(h.since, l.first_seen) as since,
        l.first_seen
    from watch_held as h
    inner join late as l on h.organization_id = l.organization_id
),

common as (
    select
        attribute,
        held
    from pairs
    group by attribute, held
    having count(*) between 2 and getvariable('watch_most_share') * (select any_value(organizations) from span)
),

-- A payment method or network of too many says nothing.
overused as (
    select
        attribute,
        held
    from pairs
    group by attribute, held
    having count(*) > getvariable('watch_most_share') * (select any_value(organizations) from span)
),

days as (
    select distinct usage_date
    from watch_organizations
    where usage_date >= getvariable('watch_first_scored')
),

degrees as (
    select
        p.attribute,
        p.held,
        d.usage_date,
        count(*) as accounts
    from pairs as p
    inner join common as c on p.attribute = c.attribute and p.held = c.held
    inner join days as d
        on p.since <= d.usage_date and d.usage_date - p.first_seen < getvariable('watch_new_days')
    group by p.attribute, p.held, d.usage_date
),

new_days as (
    select
        o.usage_date,
        o.organization_id
    from watch_organizations as o
    inner join late as l on o.organization_id = l.organization_id
    where
        o.usage_date >= getvariable('watch_first_scored')
        and o.usage_date - l.first_seen < getvariable('watch_new_days')
),

new_shares as (
    select
        n.usage_date,
        n.organization_id,
        h.attribute,
        max(case when u.held is null then coalesce(g.accounts, 1) else 0 end) as accounts
    from new_days as n
    inner join watch_held as h on n.organization_id = h.organization_id and h.since <= n.usage_date
    left join degrees as g
        on h.attribute = g.attribute and h.held = g.held and n.usage_date = g.usage_date
    left join overused as u on h.attribute = u.attribute and h.held = u.held
    group by n.usage_date, n.organization_id, h.attribute
),

old_shares as (
    select
        o.usage_date,
        o.organization_id,
        k.attribute,
        0 as accounts
    from watch_organizations as o
    inner join (
        select
            organization_id,
            attribute,
            min(since) as since
        from watch_held
        group by organization_id, attribute
    ) as k on o.organization_id = k.organization_id and k.since <= o.usage_date
    anti join new_days as n on o.usage_date = n.usage_date and o.organization_id = n.organization_id
    where o.usage_date >= getvariable('watch_first_scored')
)

select
    usage_date,
    organization_id,
    max(accounts) filter (where attribute = 'network') as network_sharers,
    max(accounts) filter (where attribute = 'template') as template_sharers,
    max(accounts) filter (where attribute = 'payment') as payment_sharers,
    max(accounts) filter (where attribute = 'signup') as signup_sharers,
    count(*) filter (where accounts >= 3) as kinds_shared
from (
    select * from new_shares
    union all
    select * from old_shares
) as shares
group by usage_date, organization_id;
