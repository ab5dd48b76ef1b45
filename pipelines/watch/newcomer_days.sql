-- Who is new, and what the first days of each were like.
-- Parameters: data_from, window_first, recent_first, first_scored, last_day, history_days, trial_days.

-- When each account began: when it was made or, where nobody says, first seen. Those that were there when the data
-- begin, and of which nobody says, began at a time that is not known.
create or replace temp table watch_beginnings as
with seen as (
    select
        organization_id,
        min(usage_date) as first_seen,
        arg_min(top_client_networks[1], usage_date) as first_network
    from marts.activity_daily
    where usage_date <= getvariable('watch_last_day')
    group by organization_id
),

known as (
    select
        coalesce(s.organization_id, f.organization_id) as organization_id,
        s.first_seen,
        s.first_network,
        f.created_at,
        f.programme,
        f.payment_group,
        f.signup_network,
        f.organization_id is not null as has_facts,
        case
            when s.first_seen - getvariable('watch_data_from') >= getvariable('watch_history_days')
                then s.first_seen
        end as appeared,
        case when f.created_at::date >= getvariable('watch_data_from') then f.created_at::date end as made
    from seen as s
    full outer join watch.organizations as f on s.organization_id = f.organization_id
)

select
    * exclude (appeared, made),
    coalesce(created_at, appeared::timestamp) as began_at,
    first_seen is not null and (
        appeared >= getvariable('watch_window_first')
        or made between getvariable('watch_window_first') and getvariable('watch_last_day')
    ) is true as is_peer,
    first_seen is not null and (
        appeared >= getvariable('watch_recent_first')
        or made between getvariable('watch_recent_first') and getvariable('watch_last_day')
    ) is true as is_newcomer
from known;

-- The first days of all newcomers of the window. Amounts are told as sums and ranked by the day: some have had one.
create or replace temp table watch_first_days as
with days as (
    select
        b.organization_id,
        sum(a.requests)::bigint as requests,
        sum(a.answers)::bigint as answers,
        sum(a.output_tokens)::bigint as output_tokens,
        sum(a.output_tokens) / least(
            getvariable('watch_trial_days'), getvariable('watch_last_day') - any_value(b.first_seen) + 1
        ) as daily_output,
        sum(a.output_tokens) / nullif(sum(a.answers), 0) as answer_length,
        sum(a.requests) / nullif(sum(a.active_10min), 0) as pace,
        sum(a.prompts) / nullif(sum(a.prompt_requests), 0) as new_prompt_share,
        max(len(a.top_client_networks)) > 0 as has_networks,
        max(len(a.top_templates)) > 0 as has_templates
    from watch_beginnings as b
    inner join marts.activity_daily as a
        on
            b.organization_id = a.organization_id
            and a.usage_date between b.first_seen and b.first_seen + getvariable('watch_trial_days') - 1
            and a.usage_date <= getvariable('watch_last_day')
    where b.is_peer
    group by b.organization_id
),

-- A day that was judged and that a detector did not look at has its lowest score.
taught as (
    select
        b.organization_id,
        max(t.log_odds) filter (where t.detector = 'harvest') as harvest,
        max(t.log_odds) filter (where t.detector = 'coordinated') as coordinated,
        count(*) > 0 as is_judged
    from watch_beginnings as b
    inner join watch_organizations as o
        on
            b.organization_id = o.organization_id
            and o.usage_date between b.first_seen and b.first_seen + getvariable('watch_trial_days') - 1
            and o.usage_date >= getvariable('watch_first_scored')
    left join watch_taught as t on b.organization_id = t.organization_id and o.usage_date = t.usage_date
    where b.is_peer
    group by b.organization_id
)

select
    d.*,
    t.harvest as harvest_log_odds,
    t.coordinated as coordinated_log_odds,
    coalesce(t.is_judged, false) as is_judged
from days as d
left join taught as t on d.organization_id = t.organization_id;
