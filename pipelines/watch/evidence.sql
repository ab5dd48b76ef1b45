-- What a reason can quote, for every scored organisation-day: the measures, and the share of peer days that
-- are lower (percentile, 0 to 100; days that are equal count half).
create or replace temp table watch_evidence as
with measured as (
    select
        s.usage_date,
        s.organization_id,
        s.peer_group,
        a.requests,
        a.answers,
        a.output_tokens,
        a.output_tokens / nullif(a.answers, 0) as answer_length,
        a.output_tokens / nullif(a.answer_input_tokens, 0) as output_ratio,
        a.hour_entropy,
        a.top_template_requests / nullif(a.template_requests, 0) as top_template_share,
        a.prompts / nullif(a.prompt_requests, 0) as new_prompt_share,
        a.length_finishes / nullif(a.answers, 0) as length_share,
        (a.multi_answer + a.logprobs_requests) / a.requests as probing_share,
        a.rate_limited / a.requests as rate_limited_share,
        a.end_users,
        a.prompt_requests > 0 or a.template_requests > 0 as has_digests
    from watch.organization_day_scores as s
    inner join marts.activity_daily as a
        on s.usage_date = a.usage_date and s.organization_id = a.organization_id
)

select
    *,
    50 * (
        percent_rank() over (partition by peer_group order by answer_length nulls first)
        + cume_dist() over (partition by peer_group order by answer_length nulls first)
    ) as answer_length_percentile,
    50 * (
        percent_rank() over (partition by peer_group order by output_ratio nulls first)
        + cume_dist() over (partition by peer_group order by output_ratio nulls first)
    ) as output_ratio_percentile,
    50 * (
        percent_rank() over (partition by peer_group order by hour_entropy)
        + cume_dist() over (partition by peer_group order by hour_entropy)
    ) as hour_entropy_percentile,
    50 * (
        percent_rank() over (partition by peer_group order by top_template_share nulls first)
        + cume_dist() over (partition by peer_group order by top_template_share nulls first)
    ) as top_template_share_percentile,
    50 * (
        percent_rank() over (partition by peer_group order by new_prompt_share nulls first)
        + cume_dist() over (partition by peer_group order by new_prompt_share nulls first)
    ) as new_prompt_share_percentile,
    50 * (
        percent_rank() over (partition by peer_group order by length_share nulls first)
        + cume_dist() over (partition by peer_group order by length_share nulls first)
    ) as length_share_percentile,
    50 * (
        percent_rank() over (partition by peer_group order by probing_share)
        + cume_dist() over (partition by peer_group order by probing_share)
    ) as probing_share_percentile,
    50 * (
        percent_rank() over (partition by peer_group order by rate_limited_share)
        + cume_dist() over (partition by peer_group order by rate_limited_share)
    ) as rate_limited_share_percentile,
    50 * (
        percent_rank() over (partition by peer_group order by end_users)
        + cume_dist() over (partition by peer_group order by end_users)
    ) as end_users_percentile
from measured;
