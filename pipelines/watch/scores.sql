-- Surprise of each organisation-day: the mean of -ln(tail rank) of its unexplained output, as an amount and
-- as a share of its output, over 1, 7 and (where enough history lies before) 28 days. Ranks are within the
-- peer group: same dominant model, and new or settled; a group of too few organisations widens.
create or replace temp table watch_measured as
select
    d.usage_date,
    d.organization_id,
    d.dominant_model,
    d.age_days,
    d.age_is_censored,
    span1.own_days,
    case when span1.own_days < getvariable('watch_settled_days') then 'new' else 'settled' end as standing,
    span1.usual_output,
    span1.usual_length,
    span1.usual_ratio,
    span1.fresh_tokens,
    span1.unexplained_tokens as unexplained_1,
    span7.unexplained_tokens as unexplained_7,
    span28.unexplained_tokens as unexplained_28,
    span1.unexplained_tokens / (span1.span_output + 1) as share_1,
    span7.unexplained_tokens / (span7.span_output + 1) as share_7,
    span28.unexplained_tokens / (span28.span_output + 1) as share_28
from watch_days as d
inner join watch_unexplained as span1
    on d.usage_date = span1.usage_date and d.organization_id = span1.organization_id and span1.span = 1
inner join watch_unexplained as span7
    on d.usage_date = span7.usage_date and d.organization_id = span7.organization_id and span7.span = 7
left join watch_unexplained as span28
    on
        d.usage_date = span28.usage_date
        and d.organization_id = span28.organization_id
        and span28.span = 28
        and span28.own_days >= getvariable('watch_history_days');

create or replace temp table watch_grouped as
with sizes as (
    select
        dominant_model,
        standing,
        count(distinct organization_id) as organizations
    from watch_measured
    group by grouping sets ((dominant_model, standing), (standing), ())
)

select
    m.*,
    case
        when s.organizations >= getvariable('watch_least_peers')
            then m.standing || ' on ' || m.dominant_model
        when t.organizations >= getvariable('watch_least_peers') then m.standing || ' accounts'
        else 'all accounts'
    end as peer_group
from watch_measured as m
inner join sizes as s on m.dominant_model = s.dominant_model and m.standing = s.standing
inner join sizes as t on t.dominant_model is null and m.standing = t.standing;

create or replace table watch.organization_day_scores as
with counted as (
    select
        *,
        count(*) over (partition by peer_group) as peer_days,
        count(unexplained_28) over (partition by peer_group) as month_days
    from watch_grouped
),

-- Share of the organisation-days that are at least as high, itself included; never 0.
tails as (
    select
        *,
        cume_dist() over (partition by peer_group order by unexplained_1 desc)
        * peer_days / (peer_days + 1) as tail_tokens_1,
        cume_dist() over (partition by peer_group order by share_1 desc)
        * peer_days / (peer_days + 1) as tail_share_1,
        cume_dist() over (partition by peer_group order by unexplained_7 desc)
        * peer_days / (peer_days + 1) as tail_tokens_7,
        cume_dist() over (partition by peer_group order by share_7 desc)
        * peer_days / (peer_days + 1) as tail_share_7,
        -- Null where there is too little history before.
        if(
            unexplained_28 is null,
            null,
            cume_dist() over (partition by peer_group, unexplained_28 is null order by unexplained_28 desc)
            * month_days / (month_days + 1)
        ) as tail_tokens_28,
        -- Null where there is too little history before.
        if(
            share_28 is null,
            null,
            cume_dist() over (partition by peer_group, share_28 is null order by share_28 desc)
            * month_days / (month_days + 1)
        ) as tail_share_28
    from counted
),

surprises as (
    select
        *,
        round(case
            when tail_tokens_28 is null
                then -(ln(tail_tokens_1) + ln(tail_share_1) + ln(tail_tokens_7) + ln(tail_share_7)) / 4
            else -(
                ln(tail_tokens_1) + ln(tail_share_1) + ln(tail_tokens_7) + ln(tail_share_7)
                + ln(tail_tokens_28) + ln(tail_share_28)
            ) / 6
        end, 9) as surprise
    from tails
),

organizations as (
    select
        peer_group,
        count(distinct organization_id) as peer_organizations
    from watch_grouped
    group by peer_group
)

select
    s.usage_date,
    s.organization_id,
    s.peer_group,
    o.peer_organizations,
    s.age_days,
    s.age_is_censored,
    s.own_days,
    s.usual_output,
    s.usual_length,
    s.usual_ratio,
    s.fresh_tokens,
    s.unexplained_1,
    s.unexplained_7,
    s.unexplained_28,
    s.share_1,
    s.share_7,
    s.share_28,
    s.tail_tokens_1,
    s.tail_share_1,
    s.tail_tokens_7,
    s.tail_share_7,
    s.tail_tokens_28,
    s.tail_share_28,
    s.surprise,
    -- Conformal: how many scored organisation-days are at least as surprising, itself included.
    cume_dist() over (order by s.surprise desc) * count(*) over () / (count(*) over () + 1) as p_value
from surprises as s
inner join organizations as o on s.peer_group = o.peer_group;
