-- Usage that a suspension or a licence does not allow, a flag each organisation and rule. Nothing is guessed here and
-- nothing ranked. Refused requests are no usage. Parameters: enforcement_first, enforcement_last (dates), most_named.

-- A name of a licence is a model or region itself, or has * and ? in it.
create or replace temp macro watch_allows(names, given) as (
    -- Brackets and backslashes stand for themselves.
    len(list_filter(names, lambda one: lower(given) glob replace(replace(lower(one), '\', '\\'), '[', '[[]'))) > 0
);

create or replace temp macro watch_named(names) as (
    array_to_string(list_slice(names, 1, getvariable('watch_most_named')), ', ')
    || case
        when len(names) > getvariable('watch_most_named')
            then ' and ' || (len(names) - getvariable('watch_most_named')) || ' more'
        else ''
    end
);

create or replace temp table enforcement_places as
select
    o.licensed_regions,
    o.licensed_models,
    o.suspended_from,
    p.*
from watch.organizations as o
inner join marts.activity_places_daily as p on o.organization_id = p.organization_id;

-- What is against a rule, by day.
create or replace temp table enforcement_usage as
select
    h.organization_id,
    'usage_after_suspension' as rule,
    o.suspended_from as since,
    h.usage_date,
    h.requests - h.failed as requests,
    h.failed as refused_requests,
    h.output_tokens,
    h.billing_currency,
    h.revenue_amount
from watch.organizations as o
inner join marts.activity_hourly as h on o.organization_id = h.organization_id
-- The hour in which the suspension began is not told apart, and does not count.
where h.usage_hour >= o.suspended_from
union all
select
    organization_id,
    'region_not_licensed' as rule,
    null as since,
    usage_date,
    requests - failed as requests,
    failed as refused_requests,
    output_tokens,
    billing_currency,
    revenue_amount
from enforcement_places
where
    usage_date between getvariable('watch_enforcement_first') and getvariable('watch_enforcement_last')
    and licensed_regions is not null
    and region is not null
    and not watch_allows(licensed_regions, region)
union all
select
    organization_id,
    'model_not_licensed' as rule,
    null as since,
    usage_date,
    requests - failed as requests,
    failed as refused_requests,
    output_tokens,
    billing_currency,
    revenue_amount
from enforcement_places
where
    usage_date between getvariable('watch_enforcement_first') and getvariable('watch_enforcement_last')
    and licensed_models is not null
    and not watch_allows(licensed_models, model)
    and not coalesce(watch_allows(licensed_models, base_model), false);

-- Models and regions seen: of the days that lie wholly after a suspension, and of what a licence lacks.
create or replace temp table enforcement_seen as
with places as (
    select
        'usage_after_suspension' as rule,
        *
    from enforcement_places
    where usage_date >= suspended_from
    union all
    select
        'region_not_licensed' as rule,
        *
    from enforcement_places
    where
        usage_date between getvariable('watch_enforcement_first') and getvariable('watch_enforcement_last')
        and not watch_allows(licensed_regions, region)
    union all
    select
        'model_not_licensed' as rule,
        *
    from enforcement_places
    where
        usage_date between getvariable('watch_enforcement_first') and getvariable('watch_enforcement_last')
        and not watch_allows(licensed_models, model)
        and not coalesce(watch_allows(licensed_models, base_model), false)
)

select
    organization_id,
    rule,
    list_sort(list(distinct model)) as models,
    coalesce(list_sort(list(distinct region) filter (where region is not null)), []::varchar[]) as regions
from places
where requests > failed
group by organization_id, rule;

create or replace table watch.enforcement_flags as
with flags as (
    select
        organization_id,
        rule,
        since,
        min(usage_date) filter (where requests > 0) as first_seen,
        max(usage_date) filter (where requests > 0) as last_seen,
        sum(requests)::bigint as requests,
        sum(refused_requests)::bigint as refused_requests,
        sum(output_tokens)::bigint as output_tokens,
        case when count(distinct billing_currency) = 1 then max(billing_currency) end as billing_currency,
        case when count(distinct billing_currency) = 1 then sum(revenue_amount) end::decimal(38, 18)
            as revenue_amount
    from enforcement_usage
    group by organization_id, rule, since
    having sum(requests) > 0
)

select
    substr(sha256(f.rule || chr(31) || f.organization_id || chr(31) || coalesce(f.since::varchar, '')), 1, 16)
        as flag_id,
    f.organization_id,
    f.rule,
    f.since,
    f.first_seen,
    f.last_seen,
    f.requests,
    f.refused_requests,
    f.output_tokens,
    f.billing_currency,
    f.revenue_amount,
    coalesce(s.models, []::varchar[]) as models,
    coalesce(s.regions, []::varchar[]) as regions,
    case f.rule
        when 'usage_after_suspension'
            then
                'suspended from ' || strftime(f.since, '%Y-%m-%d %H:%M:%S') || ' UTC'
                || case
                    when f.since > date_trunc('hour', f.since) then '; the hour in which that was does not count'
                    else ''
                end
        when 'region_not_licensed'
            then 'served in ' || watch_named(s.regions) || '; licensed: ' || watch_named(o.licensed_regions)
        else 'served by ' || watch_named(s.models) || '; licensed: ' || watch_named(o.licensed_models)
    end as detail
from flags as f
inner join watch.organizations as o on f.organization_id = o.organization_id
left join enforcement_seen as s on f.organization_id = s.organization_id and f.rule = s.rule
order by f.rule, f.organization_id;

comment on table watch.enforcement_flags is 'usage that a suspension or a licence does not allow: review';

-- One row: how many organisations were held against facts, and what could not be told.
create or replace table watch.enforcement_summary as
select
    (select count(*) from watch.organizations) as organizations,
    (select count(*) from watch.enforcement_flags) as flags,
    (select count(distinct organization_id) from watch.enforcement_flags) as flagged_organizations,
    coalesce((
        select sum(requests - failed)
        from enforcement_places
        where
            licensed_regions is not null
            and region is null
            and usage_date between getvariable('watch_enforcement_first') and getvariable('watch_enforcement_last')
    ), 0)::bigint as unknown_region_requests,
    coalesce((
        select sum(h.requests - h.failed)
        from watch.organizations as o
        inner join marts.activity_hourly as h on o.organization_id = h.organization_id
        where h.usage_hour < o.suspended_from and h.usage_hour = date_trunc('hour', o.suspended_from)
    ), 0)::bigint as begun_hour_requests,
    getvariable('watch_facts_faults')::bigint as faults;

create or replace view published.enforcement_flags as
select
    flag_id,
    organization_id,
    rule,
    since,
    first_seen,
    last_seen,
    requests,
    refused_requests,
    output_tokens,
    billing_currency,
    revenue_amount,
    models,
    regions,
    detail
from watch.enforcement_flags;

create or replace view published.enforcement_summary as from watch.enforcement_summary;
