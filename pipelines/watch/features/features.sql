-- One row a scored slice-day, all its features as numbers (null: not known). Names are those that taught detectors and
-- reasons use; lengths, ratios and amounts are decimal logarithms. Parameter: first_scored.
create or replace temp table watch_features as
with measured as (
    select
        s.usage_date,
        s.organization_id,
        s.slice,
        s.named,
        s.requests,
        s.output_tokens,
        s.answers_28,
        case s.slice when 'all' then 0 when 'key' then 1 when 'template' then 2 else 3 end as slice_kind,
        log10(s.output_tokens + 1) as output,
        log10(s.output_7 + 1) as output_week,
        log10(s.output_28 + 1) as output_month,
        log10((s.output_tokens + 1) / (s.answers + 1)) as length,
        log10((s.output_7 + 1) / (s.answers_7 + 1)) as length_week,
        log10((s.output_28 + 1) / (s.answers_28 + 1)) as length_month,
        log10((s.output_tokens + 1) / (s.answer_input_tokens + 1)) as ratio,
        log10((s.input_tokens + 1) / s.requests) as input,
        s.usual_output,
        s.usual_length,
        s.usual_ratio,
        s.usual_requests,
        s.usual_input,
        s.usual_failed,
        s.usual_hours,
        log10(s.requests) as log_requests,
        o.usual_output as organization_usual_output,
        o.usual_length as organization_usual_length,
        o.usual_ratio as organization_usual_ratio,
        o.usual_requests as organization_usual_requests,
        log10(o.output_tokens + 1) as organization_output,
        o.most_output,
        o.spread_output,
        o.peer_length,
        o.peer_ratio,
        s.output_tokens / (o.output_tokens + 1) as share,
        s.slice_days,
        s.active_28,
        o.age,
        o.own_days,
        s.active_hours as hours,
        s.active_10min / s.active_hours as slots_an_hour,
        log10(s.requests / s.active_10min) as pace,
        s.prompts / nullif(s.prompt_requests, 0) as new_prompts,
        s.prompts_7 / nullif(s.prompt_requests_7, 0) as new_prompts_week,
        s.cached_input_tokens / (s.input_tokens + 1) as cached,
        log10(nullif(s.templates, 0)) as templates,
        log10(nullif(s.end_users, 0)) as end_users,
        s.failed / s.requests as failed_share,
        s.rate_limited / s.requests as limited_share,
        s.length_finishes / nullif(s.answers, 0) as cut_share,
        s.multi_answer / s.requests as multi_share,
        s.logprobs_requests / s.requests as logprobs_share,
        s.cold_requests / s.requests as cold_share,
        o.released_share,
        o.released_excess,
        o.model_age,
        o.new_key_share,
        o.new_template_share,
        o.new_model_share,
        o.new_network_share,
        o.new_region_share,
        r.days_before as repeat_days,
        r.same_requests,
        r.same_requests / nullif(r.days_before, 0) as same_requests_share,
        case when s.prompt_requests > 0 then r.same_prompts end as same_prompts,
        case when s.prompt_requests > 0 then r.same_prompts / nullif(r.days_before, 0) end as same_prompts_share,
        case when s.prompt_requests > 0 then r.near_prompts / nullif(r.days_before, 0) end as near_prompts_share,
        r.is_suite_size,
        h.network_sharers,
        h.template_sharers,
        h.payment_sharers,
        h.signup_sharers,
        h.kinds_shared,
        (s.slice_days < 3)::integer as is_new
    from watch_slices as s
    inner join watch_organizations as o on s.usage_date = o.usage_date and s.organization_id = o.organization_id
    left join watch_repeats as r
        on
            s.usage_date = r.usage_date
            and s.organization_id = r.organization_id
            and s.slice = r.slice
            and s.named = r.named
    left join watch_shares as h on s.usage_date = h.usage_date and s.organization_id = h.organization_id
    where s.usage_date >= getvariable('watch_first_scored')
),

changes as (
    select
        *,
        length - peer_length as length_peers,
        length_week - peer_length as length_week_peers,
        length_month - peer_length as length_month_peers,
        ratio - peer_ratio as ratio_peers,
        length - usual_length as length_own,
        ratio - usual_ratio as ratio_own,
        length - organization_usual_length as length_organization,
        ratio - organization_usual_ratio as ratio_organization,
        output - usual_output as output_own,
        output - organization_usual_output as output_usual,
        organization_output - organization_usual_output as output_organization,
        organization_output - most_output as output_record,
        (organization_output - organization_usual_output) / (spread_output + 0.1) as output_sigmas,
        log_requests - usual_requests as requests_own,
        log_requests - organization_usual_requests as requests_usual,
        log_requests - end_users as requests_a_user,
        hours - usual_hours as hours_own,
        failed_share - usual_failed as failed_own,
        input - usual_input as input_own
    from measured
)

select
    *,
    percent_rank() over (partition by usage_date, slice, is_new order by output) as output_rank,
    percent_rank() over (partition by usage_date, slice, is_new order by output_week) as output_week_rank,
    percent_rank() over (partition by usage_date, slice, is_new order by output_month) as output_month_rank,
    percent_rank() over (partition by usage_date, slice, is_new order by length_peers) as length_rank,
    percent_rank() over (partition by usage_date, slice, is_new order by ratio_peers) as ratio_rank,
    percent_rank() over (partition by usage_date, slice, is_new order by pace) as pace_rank,
    percent_rank() over (partition by usage_date, slice, is_new order by coalesce(output_usual, -9)) as usual_rank
from changes;
