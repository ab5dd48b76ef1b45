-- Unexplained output over the last span days of each organisation-day: the part of its output that is more
-- than its own usual volume AND more than its traffic leads one to expect, which is the mean of (requests at
-- its usual answer length) and (input at its usual output/input ratio). A launch explains itself by requests
-- and input, a backfill with short answers by length, longer documents by input; harvesting by none.
-- "Usual" is the median of the reference days before the span, drawn toward the peers by as much as few or
-- unsteady own days deserve (normal-normal posterior), plus one predictive standard deviation.
insert into watch_unexplained
with spans as (
    select
        usage_date,
        organization_id,
        dominant_model,
        is_scored,
        count(*) over recent as span_days,
        sum(output_tokens) over recent as span_output,
        sum(answers) over recent as span_answers,
        sum(answer_input_tokens) over recent as span_input,
        count(log_length) over own as own_days,
        median(log_output) over own as own_output,
        median(log_length) over own as own_length,
        median(log_ratio) over own as own_ratio,
        mad(log_output) over own as own_output_mad,
        mad(log_length) over own as own_length_mad,
        mad(log_ratio) over own as own_ratio_mad
    from watch_days
    window
        recent as (
            partition by organization_id order by usage_date
            range between interval (getvariable('watch_span') - 1) day preceding and current row
        ),
        own as (
            partition by organization_id order by usage_date
            range between
            interval (getvariable('watch_span') - 1 + getvariable('watch_reference')) day preceding
            and interval (getvariable('watch_span')) day preceding
        )
),

spreads as (
    select
        s.usage_date,
        s.organization_id,
        s.span_days,
        s.span_output,
        s.span_answers,
        s.span_input,
        s.own_days,
        s.own_output,
        s.own_length,
        s.own_ratio,
        p.log_length as peer_length,
        p.log_ratio as peer_ratio,
        p.between_length,
        p.between_ratio,
        watch_within(s.own_days, s.own_output_mad, p.within_output) as sd_output,
        watch_within(s.own_days, s.own_length_mad, p.within_length) as sd_length,
        watch_within(s.own_days, s.own_ratio_mad, p.within_ratio) as sd_ratio,
        -- A mean of few answers wavers: this is its variance when lengths spread as wide as their mean.
        1 / (pow(ln(10), 2) * greatest(s.span_answers, 1)) as mean_variance
    from spans as s
    left join watch_peers as m on s.dominant_model = m.peer_model
    inner join watch_peers as p on p.peer_model = coalesce(m.peer_model, '')
    where s.is_scored
),

usual as (
    select
        *,
        watch_level(own_days, own_length, sd_length, peer_length, between_length) as usual_length,
        watch_level(own_days, own_ratio, sd_ratio, peer_ratio, between_ratio) as usual_ratio,
        sqrt(pow(watch_next_day(own_days, sd_length, between_length), 2) + mean_variance) as allowed_length,
        sqrt(pow(watch_next_day(own_days, sd_ratio, between_ratio), 2) + mean_variance) as allowed_ratio,
        case when own_days > 0 then span_days * pow(10, own_output + sd_output) else 0 end as allowed_output
    from spreads
)

select
    getvariable('watch_span') as span,
    usage_date,
    organization_id,
    own_days,
    span_days,
    span_output,
    span_answers,
    span_input,
    case when own_days > 0 then pow(10, own_output) else 0 end as usual_output,
    pow(10, usual_length) as usual_length,
    pow(10, usual_ratio) as usual_ratio,
    round(greatest(span_output - allowed_output, 0))::bigint as fresh_tokens,
    round(greatest(least(
        span_output - allowed_output,
        span_output - (
            span_answers * pow(10, usual_length + allowed_length)
            + span_input * pow(10, usual_ratio + allowed_ratio)
        ) / 2
    ), 0))::bigint as unexplained_tokens
from usual;
