-- The evidence of each newcomer as chances and ranks, the risk made of it, the reasons in words, and the view.
-- Parameters: high. Words and weights are in temp table watch_newcomer_measures.
create or replace temp table watch_newcomer_facts as
select
    d.*,
    b.is_newcomer,
    b.first_seen,
    b.created_at,
    b.programme,
    u.burst_kind,
    u.burst_accounts,
    u.burst_expected,
    u.burst_ln_chance,
    p.linked as programme_linked,
    p.expected as programme_expected,
    case when b.has_facts then coalesce(p.ln_chance, 0) end as programme_ln_chance,
    case when d.has_networks then coalesce(s.network_sharers, 0) end as network_sharers,
    case when d.has_templates then coalesce(s.template_sharers, 0) end as template_sharers,
    case when b.payment_group is not null then coalesce(s.payment_sharers, 0) end as payment_sharers,
    case when b.signup_network is not null then coalesce(s.signup_sharers, 0) end as signup_sharers,
    case
        when d.has_networks or d.has_templates or b.payment_group is not null or b.signup_network is not null
            then coalesce(s.kinds_shared, 0)
    end as kinds_shared,
    count(*) over () as newcomers
from watch_first_days as d
inner join watch_beginnings as b on d.organization_id = b.organization_id
left join (
    -- The most of any day.
    select
        organization_id,
        max(network_sharers) as network_sharers,
        max(template_sharers) as template_sharers,
        max(payment_sharers) as payment_sharers,
        max(signup_sharers) as signup_sharers,
        max(kinds_shared) as kinds_shared
    from watch_shares
    group by organization_id
) as s on d.organization_id = s.organization_id
left join watch_bursts as u on d.organization_id = u.organization_id
left join watch_programmes as p on b.programme = p.programme;

-- One row a newcomer of the window and measure that is known. The tail is the share of them that is as high or, where
-- chance was worked out, that chance; it counts at most as much as to stand alone above all newcomers.
create or replace temp table watch_newcomer_evidence as
with measured as (
    select
        organization_id,
        newcomers,
        unnest([
            { 'measure': 'output', 'value': daily_output::double, 'ln_chance': null::double },
            { 'measure': 'answer_length', 'value': answer_length::double, 'ln_chance': null },
            { 'measure': 'pace', 'value': pace::double, 'ln_chance': null },
            { 'measure': 'new_prompts', 'value': new_prompt_share::double, 'ln_chance': null },
            {
                'measure': 'harvest',
                'value': case when is_judged then coalesce(harvest_log_odds, '-infinity'::double) end,
                'ln_chance': null
            },
            {
                'measure': 'coordinated',
                'value': case when is_judged then coalesce(coordinated_log_odds, '-infinity'::double) end,
                'ln_chance': null
            },
            { 'measure': 'network_sharers', 'value': network_sharers::double, 'ln_chance': null },
            { 'measure': 'template_sharers', 'value': template_sharers::double, 'ln_chance': null },
            { 'measure': 'payment_sharers', 'value': payment_sharers::double, 'ln_chance': null },
            { 'measure': 'signup_sharers', 'value': signup_sharers::double, 'ln_chance': null },
            { 'measure': 'kinds_shared', 'value': kinds_shared::double, 'ln_chance': null },
            { 'measure': 'burst', 'value': burst_accounts::double, 'ln_chance': burst_ln_chance },
            {
                'measure': 'programme',
                'value': case when programme_ln_chance is not null then coalesce(programme_linked, 0) end::double,
                'ln_chance': programme_ln_chance
            }
        ]) as one
    from watch_newcomer_facts
),

known as (
    select
        organization_id,
        newcomers,
        one.measure as measure,
        one.value as value,
        one.ln_chance as ln_chance
    from measured
    where one.value is not null
)

select
    organization_id,
    measure,
    value,
    case
        when ln_chance is null then ln(cume_dist() over (partition by measure order by value desc))
        else greatest(ln_chance, -ln(newcomers + 1))
    end as ln_tail,
    case
        when ln_chance is null then round(100 * (1 - cume_dist() over (partition by measure order by value desc)), 1)
    end as percentile,
    ln_chance
from known;

create or replace table watch.newcomers as
with parts as (
    select
        e.organization_id,
        m.story,
        avg(-e.ln_tail) as strength
    from watch_newcomer_evidence as e
    inner join watch_newcomer_measures as m on e.measure = m.measure
    where m.story != ''
    group by e.organization_id, m.story, m.part
),

stories as (
    select
        organization_id,
        story,
        round(avg(strength), 6) as risk
    from parts
    group by organization_id, story
),

risks as (
    select
        organization_id,
        max(risk) filter (where story = 'ties') as ties_risk,
        max(risk) filter (where story = 'behaviour') as behaviour_risk,
        max(risk) as risk
    from stories
    group by organization_id
),

percentiles as (
    select
        organization_id,
        max(percentile) filter (where measure = 'output') as output_percentile,
        max(percentile) filter (where measure = 'answer_length') as answer_length_percentile,
        max(percentile) filter (where measure = 'pace') as pace_percentile,
        max(percentile) filter (where measure = 'new_prompts') as new_prompt_percentile
    from watch_newcomer_evidence
    group by organization_id
),

worded as (
    select
        e.*,
        case f.burst_kind
            when 'signup' then 'sign-up network' when 'payment' then 'payment method' else 'client network'
        end as thing,
        coalesce(f.programme, '') as programme,
        case e.measure when 'burst' then f.burst_expected else f.programme_expected end as expected
    from watch_newcomer_evidence as e
    inner join watch_newcomer_facts as f on e.organization_id = f.organization_id
),

told as (
    select
        e.organization_id,
        to_json(list({
            'code': m.code,
            'text': replace(
                replace(replace(m.text, '{thing}', e.thing), '{programme}', e.programme),
                '{expected}',
                case when e.expected >= 0.01 then format('{:.2g}', e.expected) else 'less than 0.01' end
            ),
            'value': round(e.value, 4),
            'unit': m.unit,
            'own_baseline': null::double,
            'peer_percentile': e.percentile
        } order by coalesce(e.ln_chance, e.ln_tail), m.code)) as reasons
    from worded as e
    inner join watch_newcomer_measures as m on e.measure = m.measure
    where
        e.value >= m.told_from
        or (e.percentile >= getvariable('watch_high') and isfinite(e.value))
        or (e.ln_chance <= ln(1 - getvariable('watch_high') / 100) and e.value > 0)
    group by e.organization_id
)

select
    row_number() over (order by r.risk desc, f.organization_id asc)::integer as rank,
    f.organization_id,
    f.first_seen,
    f.created_at,
    f.programme,
    f.requests,
    f.answers,
    f.output_tokens,
    f.burst_kind,
    f.burst_accounts,
    round(f.burst_expected, 6) as burst_expected,
    exp(round(f.burst_ln_chance, 6)) as burst_chance,
    f.programme_linked,
    round(f.programme_expected, 6) as programme_expected,
    exp(round(f.programme_ln_chance, 6)) as programme_chance,
    f.network_sharers,
    f.template_sharers,
    f.payment_sharers,
    f.signup_sharers,
    f.kinds_shared,
    p.output_percentile,
    p.answer_length_percentile,
    p.pace_percentile,
    p.new_prompt_percentile,
    f.harvest_log_odds,
    f.coordinated_log_odds,
    r.ties_risk,
    r.behaviour_risk,
    r.risk,
    f.newcomers as compared_with,
    coalesce(t.reasons, '[]'::json) as reasons
from watch_newcomer_facts as f
inner join risks as r on f.organization_id = r.organization_id
inner join percentiles as p on f.organization_id = p.organization_id
left join told as t on f.organization_id = t.organization_id
where f.is_newcomer
order by rank;

comment on table watch.newcomers is 'newcomers by the risk of their first days: a ranked list, not alerts';

create or replace view published.newcomers as from watch.newcomers;
