-- The latest decision of each case of the queue.
update watch.extraction_flags
set
    state = d.state,
    reviewer = d.reviewer,
    decided_at = d.decided_at,
    why = d.why,
    until = d.until
from (
    select
        case_id,
        arg_max(state, entry) as state,
        arg_max(reviewer, entry) as reviewer,
        arg_max(decided_at, entry) as decided_at,
        arg_max(why, entry) as why,
        -- Null where the latest names no date: a struct is taken whole.
        arg_max({ 'until': until }, entry).until as until
    from watch.case_decisions
    group by case_id
) as d
where watch.extraction_flags.case_id = d.case_id;

-- A case that is in the queue in spite of a note is above it or later: the latest note on its organisations speaks
-- for it all the same.
update watch.extraction_flags
set
    counter_evidence = to_json(
        list_append(from_json(watch.extraction_flags.counter_evidence, '["JSON"]'), to_json(n.told))
    )
from (
    with members as (
        select
            case_id,
            detector,
            first_seen,
            last_seen,
            unnest(
                list_distinct([organization_id] || from_json(linked_organizations, '["VARCHAR"]'))
            ) as organization_id
        from watch.extraction_flags
    ),

    noted as (
        select
            m.*,
            n.entry,
            n.case_id as decided_case,
            n.state,
            n.reviewer,
            n.decided_at,
            n.cap_output_tokens_per_day,
            n.until
        from members as m
        inner join watch.allow_notes as n on m.organization_id = n.organization_id and m.detector = n.detector
        qualify n.entry = max(n.entry) over (partition by m.case_id)
    ),

    highest as (
        select
            n.case_id,
            -- The one that is furthest above its cap: the first field decides.
            max({
                'part': a.output_tokens / n.cap_output_tokens_per_day,
                'output': a.output_tokens,
                'cap': n.cap_output_tokens_per_day
            }) as day
        from noted as n
        inner join marts.activity_daily as a
            on n.organization_id = a.organization_id and a.usage_date between n.first_seen and n.last_seen
        group by n.case_id
    )

    select
        n.case_id,
        {
            'code': 'allow_note',
            'text':
            'A decision (' || any_value(n.state) || ' by ' || any_value(n.reviewer) || ' on '
            || any_value(n.decided_at)::date::varchar || ', case ' || any_value(n.decided_case) || ') allows this up to'
            || ' a size, until ' || any_value(n.until)::varchar
            || if(any_value(n.last_seen) > any_value(n.until), ', which has passed', '')
            || ': the highest day of this case (own_baseline: the size that is allowed)',
            'value': any_value(h.day.output),
            'unit': 'output tokens a day',
            'own_baseline': any_value(h.day.cap),
            'peer_percentile': null
        } as told
    from noted as n
    inner join highest as h on n.case_id = h.case_id
    group by n.case_id
) as n
where watch.extraction_flags.case_id = n.case_id;
