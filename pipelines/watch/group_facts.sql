-- What the members of a group have in common between two days. Parameters: members, first, last.
with accounts as (
    select
        organization_id,
        organization_id in (select unnest(getvariable('watch_members'))) as is_member,
        bool_or(not age_is_censored and age_days < getvariable('watch_new_days')) as is_new,
        sum(output_tokens)::bigint as output_tokens,
        sum(answers)::bigint as answers
    from watch_days
    where usage_date between getvariable('watch_first') and getvariable('watch_last')
    group by organization_id
)

select
    count(*) filter (where is_member and is_new) as new_members,
    count(*) filter (where is_member and not is_new) as settled_members,
    sum(output_tokens) filter (where is_member) / nullif(sum(answers) filter (where is_member), 0)
        as mean_answer_length,
    median(output_tokens / answers) filter (where answers > 0) as peer_answer_length,
    round(1.4826 * mad(log10((output_tokens + 1) / answers)) filter (where answers > 0 and is_member), 6)
        as length_spread,
    round(1.4826 * mad(log10((output_tokens + 1) / answers)) filter (where answers > 0), 6)
        as usual_length_spread
from accounts;
