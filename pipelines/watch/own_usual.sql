-- One organisation's evidence on one day, beside its own median of the 28 days before.
with usual as (
    select
        median(output_tokens / nullif(answers, 0)) as answer_length,
        median(output_tokens / nullif(answer_input_tokens, 0)) as output_ratio,
        median(hour_entropy) as hour_entropy,
        median(top_template_requests / nullif(template_requests, 0)) as top_template_share,
        median(prompts / nullif(prompt_requests, 0)) as new_prompt_share,
        median(length_finishes / nullif(answers, 0)) as length_share,
        median((multi_answer + logprobs_requests) / requests) as probing_share,
        median(rate_limited / requests) as rate_limited_share,
        median(end_users) as end_users
    from marts.activity_daily
    where
        organization_id = getvariable('watch_organization')
        and usage_date between getvariable('watch_day') - 28 and getvariable('watch_day') - 1
)

select
    e.*,
    s.peer_organizations,
    s.age_days,
    s.age_is_censored,
    s.own_days,
    s.usual_output,
    s.unexplained_1,
    s.unexplained_7,
    s.unexplained_28,
    s.tail_tokens_1,
    s.tail_tokens_7,
    s.tail_tokens_28,
    s.share_1,
    s.share_7,
    s.share_28,
    u.answer_length as own_answer_length,
    u.output_ratio as own_output_ratio,
    u.hour_entropy as own_hour_entropy,
    u.top_template_share as own_top_template_share,
    u.new_prompt_share as own_new_prompt_share,
    u.length_share as own_length_share,
    u.probing_share as own_probing_share,
    u.rate_limited_share as own_rate_limited_share,
    u.end_users as own_end_users
from watch_evidence as e
inner join watch.organization_day_scores as s
    on e.usage_date = s.usage_date and e.organization_id = s.organization_id
cross join usual as u
where
    e.organization_id = getvariable('watch_organization')
    and e.usage_date = getvariable('watch_day');
