-- Standard deviation from day to day: the own one and the peers', weighted by own days and prior_days.
create or replace temp macro watch_within(own_days, own_mad, peer_sd) as sqrt(
    (own_days * pow(1.4826 * coalesce(own_mad, 0), 2) + getvariable('watch_prior_days') * pow(peer_sd, 2))
    / (own_days + getvariable('watch_prior_days'))
);

-- Normal-normal posterior of an organisation's own level: its mean, and the deviation of its next day.
create or replace temp macro watch_level(own_days, own_level, sd, peer_level, peer_sd) as (
    (own_days / pow(sd, 2) * coalesce(own_level, 0) + peer_level / pow(peer_sd, 2))
    / (own_days / pow(sd, 2) + 1 / pow(peer_sd, 2))
);
create or replace temp macro watch_next_day(own_days, sd, peer_sd) as sqrt(
    pow(sd, 2) + 1 / (own_days / pow(sd, 2) + 1 / pow(peer_sd, 2))
);

-- The organisation-days the watch looks at, with the logarithms its baselines are made of. Parameters:
-- first_read, first_scored, last_day (dates), history_days.
create or replace temp table watch_days as
with span as (
    select min(usage_date) as data_from from marts.activity_daily
),

first_seen as (
    select
        organization_id,
        min(usage_date) as first_seen
    from marts.activity_daily
    group by organization_id
)

select
    a.usage_date,
    a.organization_id,
    f.first_seen,
    -- An account that was there when the data begin may be of any age.
    f.first_seen - s.data_from < getvariable('watch_history_days') as age_is_censored,
    a.usage_date - f.first_seen as age_days,
    a.usage_date >= getvariable('watch_first_scored') as in_window,
    a.usage_date >= getvariable('watch_first_scored')
    and a.usage_date - s.data_from >= getvariable('watch_history_days') as is_scored,
    a.dominant_model,
    a.requests,
    a.answers,
    a.answer_input_tokens,
    a.output_tokens,
    case when a.answers > 0 then log10(a.output_tokens + 1) end as log_output,
    case when a.answers > 0 then log10((a.output_tokens + 1) / a.answers) end as log_length,
    case when a.answers > 0 then log10((a.output_tokens + 1) / (a.answer_input_tokens + 1)) end as log_ratio
from marts.activity_daily as a
inner join first_seen as f on a.organization_id = f.organization_id
cross join span as s
where a.usage_date between getvariable('watch_first_read') and getvariable('watch_last_day');

-- What is usual among organisations on the same model: the middle, the spread between organisations, and the
-- spread from day to day within one. Models with too few organisations use everyone's ('' = all models).
create or replace temp table watch_peers as
with organizations as (
    select
        organization_id,
        mode(dominant_model order by dominant_model asc) as dominant_model,
        count(log_length) >= getvariable('watch_prior_days') as has_history,
        median(log_output) as log_output,
        median(log_length) as log_length,
        median(log_ratio) as log_ratio,
        mad(log_output) as spread_output,
        mad(log_length) as spread_length,
        mad(log_ratio) as spread_ratio
    from watch_days
    where log_length is not null
    group by organization_id
),

both_levels as (
    select
        *,
        dominant_model as peer_model
    from organizations
    union all
    select
        *,
        '' as peer_model
    from organizations
)

select
    peer_model,
    count(*) as organizations,
    median(log_length) as log_length,
    median(log_ratio) as log_ratio,
    -- 1.4826 x MAD is the standard deviation of a normal; least_spread keeps a division meaningful.
    greatest(1.4826 * mad(log_length), getvariable('watch_least_spread')) as between_length,
    greatest(1.4826 * mad(log_ratio), getvariable('watch_least_spread')) as between_ratio,
    greatest(
        coalesce(1.4826 * median(spread_length) filter (where has_history), 0),
        getvariable('watch_least_spread')
    ) as within_length,
    greatest(
        coalesce(1.4826 * median(spread_ratio) filter (where has_history), 0),
        getvariable('watch_least_spread')
    ) as within_ratio,
    greatest(
        coalesce(1.4826 * median(spread_output) filter (where has_history), 0),
        getvariable('watch_least_spread')
    ) as within_output
from both_levels
group by peer_model
having peer_model = '' or count(*) >= getvariable('watch_least_peers');

-- Filled once for each span by unexplained.sql.
create or replace temp table watch_unexplained (
    span integer,
    usage_date date,
    organization_id varchar,
    own_days bigint,
    span_days bigint,
    span_output hugeint,
    span_answers hugeint,
    span_input hugeint,
    usual_output double,
    usual_length double,
    usual_ratio double,
    fresh_tokens bigint,
    unexplained_tokens bigint
);
