-- Organisations, products and models of all days, and which of them are among the largest. A model stands for its
-- family, each with its provider; of tuned models, the largest of all are told apart too.
create table all_organisations as
select
    organization_id,
    row_number() over (
        order by sum(revenue_amount) desc nulls last, sum(requests) desc, organization_id
    ) <= getvariable('most_names')
    or organization_id in (select case_members.organization_id from case_members) as is_kept
from all_spend_daily
group by organization_id;

create table all_products as
select
    product_id,
    row_number() over (
        order by sum(revenue_amount) desc nulls last, sum(requests) desc, product_id
    ) <= getvariable('most_names') as is_kept
from all_spend_daily
group by product_id;

create table all_families as
select
    provider,
    coalesce(nullif(base_model, ''), model) as family,
    row_number() over (
        order by sum(revenue_amount) desc nulls last, sum(requests) desc, provider, family
    ) <= getvariable('most_names') as is_kept
from all_spend_daily
group by provider, family;

create table all_models as
select
    provider,
    model,
    row_number() over (
        order by sum(revenue_amount) desc nulls last, sum(requests) desc, provider, model
    ) <= getvariable('most_names') as is_kept
from all_spend_daily
group by provider, model;

create view large_families as
select (provider, family) as name
from all_families
where is_kept;

create view large_models as
select (provider, model) as name
from all_models
where is_kept;

create view name_counts as
select
    'organisations' as kind,
    count(*) as names,
    count(*) filter (where not is_kept) as others
from all_organisations
union all
select
    'products' as kind,
    count(*) as names,
    count(*) filter (where not is_kept) as others
from all_products
union all
select
    'models' as kind,
    count(*) as names,
    count(*) filter (where not is_kept) as others
from all_models;
