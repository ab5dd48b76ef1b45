-- What everyone tries first, one score a day and organisation: static volume, a static rule on volume and answer
-- length, three sigma, MAD, EWMA chart, CUSUM and a seasonal test by hour. Each looks back only.
create or replace temp table bench_baselines as
with days as (
    select
        usage_date,
        organization_id,
        output_tokens,
        answers,
        log10(output_tokens + 1) as logged
    from marts.activity_daily
),

history as (
    select
        *,
        avg(logged) over before as mean,
        coalesce(stddev_samp(logged) over before, 0) as deviation,
        median(logged) over before as middle,
        coalesce(mad(logged) over before, 0) as absolute,
        count(*) over before as known,
        row_number() over (partition by organization_id order by usage_date) as n
    from days
    window before as (
        partition by organization_id order by usage_date
        range between interval 28 day preceding and interval 1 day preceding
    )
),

steps as (
    select
        *,
        -- One who was never seen has a mean of nothing: all is new.
        (logged - coalesce(mean, 0)) / greatest(deviation, 0.1) as sigmas,
        (logged - coalesce(middle, 0)) / greatest(1.4826 * absolute, 0.1) as mads
    from history
),

-- An EWMA of lambda 0.3 and the one-sided CUSUM with a slack of half a sigma (Page 1954), both as sums over the days
-- so far: S = C - min(0, least C so far).
weighted as (
    select
        *,
        sum(0.3 * pow(0.7, -n) * step) over so_far * pow(0.7, n) as ewma,
        sum(step - 0.5) over so_far as climbed
    from (select
        *,
        least(greatest(sigmas, -10), 10) as step
    from steps) as clipped
    window so_far as (
        partition by organization_id order by usage_date rows between unbounded preceding and current row
    )
),

carried as (
    select
        *,
        climbed - least(0, min(climbed) over (
            partition by organization_id order by usage_date rows between unbounded preceding and current row
        )) as cusum
    from weighted
),

hourly as (
    select
        usage_date,
        organization_id,
        max(abs(logged - middle) / greatest(1.4826 * absolute, 0.1)) as extreme
    from (
        select
            usage_date,
            organization_id,
            log10(output_tokens + 1) as logged,
            median(log10(output_tokens + 1)) over same_hour as middle,
            coalesce(mad(log10(output_tokens + 1)) over same_hour, 0) as absolute
        from marts.activity_hourly
        window same_hour as (
            partition by organization_id, extract(hour from usage_hour) order by usage_date
            range between interval 28 day preceding and interval 1 day preceding
        )
    ) as same_hours
    group by all
)

select
    c.usage_date,
    c.organization_id,
    c.output_tokens::double as static_volume,
    least(c.output_tokens / 1e6, c.output_tokens / greatest(c.answers, 1) / 500) as static_rule,
    c.sigmas as three_sigma,
    c.mads as mad,
    c.ewma,
    c.cusum,
    coalesce(h.extreme, 0) as s_h_esd
from carried as c
left join hourly as h on c.usage_date = h.usage_date and c.organization_id = h.organization_id;
