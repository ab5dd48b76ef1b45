-- Hours in which an organisation's key may be in other hands, for those days only that are larger than usual or
-- come from places never seen: what the last one, three and six hours were like, beside the organisation's usual day.
create or replace temp table watch_hour_features as
with days as (
    select
        usage_date,
        organization_id,
        usual_output,
        usual_requests,
        usual_length,
        most_output,
        own_days,
        age
    from watch_organizations
    where
        usage_date >= getvariable('watch_first_scored')
        and own_days >= 2
        and (
            log10(output_tokens + 1) - usual_output > 0.2
            or log10(requests) - usual_requests > 0.2
            or coalesce(new_network_share, 0) > 0.05
            or coalesce(new_region_share, 0) > 0.05
        )
),

hours as (
    select
        h.usage_date,
        h.usage_hour,
        h.organization_id,
        h.requests,
        h.failed,
        h.output_tokens,
        sum(h.requests) over three as requests_3,
        sum(h.failed) over three as failed_3,
        sum(h.output_tokens) over three as output_3,
        sum(h.answers) over three as answers_3,
        sum(h.input_tokens) over three as input_3,
        sum(h.requests) over six as requests_6,
        sum(h.output_tokens) over six as output_6,
        sum(h.failed) over six as failed_6,
        sum(p.new_network_requests) over three as new_network_3,
        sum(p.new_region_requests) over three as new_region_3,
        sum(p.new_model_requests) over three as new_model_3,
        sum(p.placed) over three as placed_3,
        max(p.networks) over three as networks_3,
        sum(h.requests) over so_far as requests_so_far,
        sum(h.output_tokens) over so_far as output_so_far
    from marts.activity_hourly as h
    left join watch_place_hours as p
        on h.usage_hour = p.usage_hour and h.organization_id = p.organization_id
    where h.usage_date between getvariable('watch_first_scored') - 1 and getvariable('watch_last_day')
    window
        three as (
            partition by h.organization_id order by h.usage_hour
            range between interval 2 hour preceding and current row
        ),
        six as (
            partition by h.organization_id order by h.usage_hour
            range between interval 5 hour preceding and current row
        ),
        so_far as (
            partition by h.organization_id, h.usage_date order by h.usage_hour
            rows between unbounded preceding and current row
        )
),

-- On how many of the four weeks before the organisation was active at this hour of the day.
clock as (
    select
        organization_id,
        usage_hour,
        count(*) over (
            partition by organization_id, extract(hour from usage_hour) order by usage_date
            range between interval 28 day preceding and interval 1 day preceding
        ) as days
    from marts.activity_hourly
    where
        usage_date between getvariable('watch_first_read') and getvariable('watch_last_day')
        and organization_id in (select organization_id from days)
)

select
    h.usage_date,
    h.usage_hour,
    h.organization_id,
    h.output_tokens,
    h.requests_so_far,
    d.own_days,
    d.age,
    d.usual_output,
    d.usual_requests,
    d.usual_length,
    d.most_output,
    log10(h.output_3 + 1) - d.usual_output as output_3_day,
    log10(h.output_6 + 1) - d.usual_output as output_6_day,
    log10(h.output_so_far + 1) - d.usual_output as output_so_far_day,
    log10(h.output_so_far + 1) - d.most_output as output_so_far_record,
    log10(h.requests_3) - d.usual_requests as requests_3_day,
    log10(h.requests_6) - d.usual_requests as requests_6_day,
    log10(h.requests_so_far) - d.usual_requests as requests_so_far_day,
    log10(h.output_6 + 1) as output_6,
    log10(h.requests_6) as requests_6,
    h.failed_3 / h.requests_3 as failed_3_share,
    h.failed_6 / h.requests_6 as failed_6_share,
    log10(h.failed_6 + 1) as failed_6,
    log10((h.output_3 + 1) / (h.answers_3 + 1)) - d.usual_length as length_3_own,
    log10((h.input_3 + 1) / h.requests_3) as input_3,
    h.new_network_3 / h.placed_3 as new_network_3_share,
    h.new_region_3 / h.placed_3 as new_region_3_share,
    h.new_model_3 / h.placed_3 as new_model_3_share,
    h.networks_3,
    c.days / greatest(d.own_days, 1) as hour_usual
from hours as h
inner join days as d on h.usage_date = d.usage_date and h.organization_id = d.organization_id
inner join clock as c on h.organization_id = c.organization_id and h.usage_hour = c.usage_hour;
