-- Hours of GPUs by model and currency: what of their cost is in that of requests, and what stood idle.
select
    provider,
    model,
    model_tier,
    cost_currency as currency,
    min(usage_date) as first_day,
    max(usage_date) as last_day,
    sum(gpu_hours) as gpu_hours,
    sum(case when idle_amount > 0 then gpu_hours else 0 end) as idle_hours,
    sum(serving_amount) as serving_amount,
    sum(allocated_amount) as allocated_amount,
    sum(idle_amount) as idle_amount
from serving_days
group by provider, model, model_tier, cost_currency
order by idle_amount desc nulls first, provider, model, model_tier, currency;
