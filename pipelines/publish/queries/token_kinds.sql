-- Tokens of each bucket by day of the window.
select
    (charge_date - (select window_first from period))::integer as day_index,
    sum(columns(getvariable('buckets')))
from spend
group by charge_date
order by charge_date;
