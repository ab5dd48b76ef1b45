-- What newcomers have in common against what chance gives.
-- Parameters: rate_from, last_day, burst_hours.

-- ln P(X >= seen) of a Poisson number X with that expectation. Above the expectation the tail is summed from its first
-- term on, so that it is exact however small; below it is one minus the sum of the terms before.
create or replace temp macro watch_ln_at_least(seen, expected) as
case
    when seen <= 0 then 0.0
    when seen <= expected
        then ln(1 - list_sum(list_transform(
            range(seen::bigint), lambda j: exp(j * ln(expected) - expected - lgamma(j + 1))
        )))
    else
        seen * ln(expected) - expected - lgamma(seen + 1)
        + ln(list_sum(list_transform(
            range(100 + ceil(10 * sqrt(expected))::bigint),
            lambda j: exp(j * ln(expected) + lgamma(seen + 1) - lgamma(seen + j + 1))
        )))
end;

-- Accounts that began within the hours around and hold the same: how many others, and how many to expect. That is the
-- beginnings of so long a time, at the mean rate of the days on which one can be told, times the share of the accounts
-- that began at other times (and of one more) that hold it.
create or replace temp table watch_bursts as
with held as (
    select
        organization_id,
        began_at,
        is_peer,
        'signup' as kind,
        signup_network as held
    from watch_beginnings
    union all
    select
        organization_id,
        began_at,
        is_peer,
        'payment' as kind,
        payment_group as held
    from watch_beginnings
    union all
    select
        organization_id,
        began_at,
        is_peer,
        'network' as kind,
        first_network as held
    from watch_beginnings
),

counted as (
    select
        *,
        count(*) over (partition by kind) as accounts,
        count(*) over (partition by kind, held) as holders,
        count(*) filter (
            where began_at between getvariable('watch_rate_from') and getvariable('watch_last_day') + interval 1 day
        ) over (partition by kind) as beginnings,
        case when began_at is null then 1 else count(*) over (
            partition by kind order by began_at
            range between interval (getvariable('watch_burst_hours')) hour preceding
            and interval (getvariable('watch_burst_hours')) hour following
        ) end as near_accounts,
        case when began_at is null then 1 else count(*) over (
            partition by kind, held order by began_at
            range between interval (getvariable('watch_burst_hours')) hour preceding
            and interval (getvariable('watch_burst_hours')) hour following
        ) end as near_holders
    from held
    where held is not null
),

expected as (
    select
        organization_id,
        kind,
        near_holders - 1 as others,
        greatest(beginnings, 1) / greatest(getvariable('watch_last_day') - getvariable('watch_rate_from') + 1, 1)
        * (2 * getvariable('watch_burst_hours') / 24)
        * (holders - near_holders + 1) / (accounts - near_accounts + 1) as expected
    from counted
    where is_peer
),

judged as (
    select
        *,
        watch_ln_at_least(others, expected) as ln_chance,
        count(*) over (partition by organization_id) as kinds
    from expected
)

select
    organization_id,
    case when others > 0 then kind end as burst_kind,
    others as burst_accounts,
    expected as burst_expected,
    -- The rarest of up to three, each of which had its chance.
    least(0, ln_chance + ln(kinds)) as burst_ln_chance
from judged
qualify row_number() over (partition by organization_id order by ln_chance asc, others desc, kind asc) = 1;

-- Programmes through which newcomers that share something came, and how many of them to expect: as large a part as of
-- the newcomers that share nothing (and of one more). Only organisations with facts count.
create or replace temp table watch_programmes as
with members as (
    select
        b.organization_id,
        b.programme,
        coalesce(s.kinds_shared, 0) > 0 as is_linked
    from watch_beginnings as b
    left join (
        select
            organization_id,
            max(kinds_shared) as kinds_shared
        from watch_shares
        group by organization_id
    ) as s on b.organization_id = s.organization_id
    where b.is_peer and b.has_facts
),

total as (
    select
        count(*) filter (where is_linked) as linked,
        count(*) filter (where not is_linked) as others
    from members
),

expected as (
    select
        m.programme,
        count(*) filter (where m.is_linked) as linked,
        any_value(t.linked) * (count(*) filter (where not m.is_linked) + 1)
        / (any_value(t.others) + 1) as expected
    from members as m
    cross join total as t
    where m.programme is not null
    group by m.programme
)

select
    *,
    watch_ln_at_least(linked, expected) as ln_chance
from expected;
