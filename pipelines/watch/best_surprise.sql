-- How surprising each organisation was on its most surprising day of the window.
select
    organization_id,
    max(surprise) as surprise
from watch.organization_day_scores
group by organization_id
order by organization_id;
