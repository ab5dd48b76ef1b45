/*---
title = "OpenAI fine-tuning jobs, one a line or as pages of a list"
file_types = ["jsonl"]
recognise = ["object", "training_file", "trained_tokens"]
inside = "$.data[*]"

# training_hours, organization, project and provider are what a logger adds.
[shape]
id = "VARCHAR"
object = "VARCHAR"
model = "VARCHAR"
fine_tuned_model = "VARCHAR"
status = "VARCHAR"
created_at = "VARCHAR"
finished_at = "VARCHAR"
trained_tokens = "VARCHAR"
training_hours = "VARCHAR"
user_provided_suffix = "VARCHAR"
organization = "VARCHAR"
organization_id = "VARCHAR"
project = "VARCHAR"
project_id = "VARCHAR"
provider = "VARCHAR"

[shape.error]
code = "VARCHAR"

[shape.method]
type = "VARCHAR"

[shape.metadata]
organization = "VARCHAR"
project = "VARCHAR"

# A page of the list of jobs.
[[shape.data]]
id = "VARCHAR"
object = "VARCHAR"
model = "VARCHAR"
fine_tuned_model = "VARCHAR"
status = "VARCHAR"
created_at = "VARCHAR"
finished_at = "VARCHAR"
trained_tokens = "VARCHAR"
training_hours = "VARCHAR"
user_provided_suffix = "VARCHAR"
organization = "VARCHAR"
organization_id = "VARCHAR"
project = "VARCHAR"
project_id = "VARCHAR"
provider = "VARCHAR"

[shape.data.error]
code = "VARCHAR"

[shape.data.method]
type = "VARCHAR"

[shape.data.metadata]
organization = "VARCHAR"
project = "VARCHAR"
---*/
-- OpenAI's reference of the fine-tuning job: trained_tokens is the number of billable tokens, so already times epochs,
-- and null while the job runs. Only a job that is over is charged; one that still runs is refused, and read when it
-- comes again. Reinforcement jobs are billed by the hours of their training loop (billing guide of that API), which no
-- job says: from created_at to finished_at it also waits and is checked. training_hours beside it is taken for them.
-- The base model decides the price, so a job that made no tuned model gets an id of that form, from its base, its
-- suffix and its own id. organization_id is always OpenAI's own: who pays is better said by organization or metadata.
with lines as (
    select
        line,
        raw as text,
        doc,
        case when json_valid(raw) then json_extract(raw, '$.data[*]') else [] end as listed
    from records
),

places as (
    select
        *,
        unnest(generate_series(1, greatest(1, len(listed)))) as position
    from lines
),

jobs as (
    select
        line,
        position,
        doc,
        coalesce(listed[position]::varchar, text) as raw,
        doc is null or json_type(listed[position]) != 'OBJECT' as unreadable,
        case
            when len(listed) > 0 then doc.data[position]
            else
                {
                    'id': doc.id,
                    'object': doc.object,
                    'model': doc.model,
                    'fine_tuned_model': doc.fine_tuned_model,
                    'status': doc.status,
                    'created_at': doc.created_at,
                    'finished_at': doc.finished_at,
                    'trained_tokens': doc.trained_tokens,
                    'training_hours': doc.training_hours,
                    'user_provided_suffix': doc.user_provided_suffix,
                    'organization': doc.organization,
                    'organization_id': doc.organization_id,
                    'project': doc.project,
                    'project_id': doc.project_id,
                    'provider': doc.provider,
                    'error': doc.error,
                    'method': doc.method,
                    'metadata': doc.metadata
                }
        end as job
    from places
),

named as (
    select
        row_number() over (order by line, position) as line,
        raw,
        coalesce(unreadable, false) as unreadable,
        job,
        job.status in ('succeeded', 'failed', 'cancelled') as is_over,
        coalesce(job.method.type = 'reinforcement', false) as is_by_hour,
        coalesce(provider_name(job.provider), (select provider from source_constants), 'openai') as provider_name_given
    from jobs
)

select
    line,
    raw,
    unreadable,
    case
        when coalesce(job.object, '') != 'fine_tuning.job'
            then problem(
                'object', 'is ' || coalesce(shown(job.object), 'missing') || ': only a fine_tuning.job is read'
            )
        when not coalesce(is_over, false)
            then problem(
                'status',
                'is ' || coalesce(shown(job.status), 'missing')
                || ', so the job is not finished: it is charged when it comes again and is'
            )
        when is_by_hour and given(job.training_hours) is null
            then problem(
                'method.type',
                'is reinforcement: such a job is billed by hours of training, which it does not say; log training_hours'
            )
        when not is_by_hour and job.trained_tokens is null and job.status = 'succeeded'
            then problem('trained_tokens', 'is missing')
        when not is_by_hour and job.trained_tokens is null
            then problem('trained_tokens', 'is missing, and the job is over (' || job.status || '): nothing is charged')
        when not_count(job.trained_tokens) then bad_count('trained_tokens', job.trained_tokens)
        when job.status = 'succeeded' and job.finished_at is null then problem('finished_at', 'is missing')
    end as problem,
    job.id as event_id,
    null::integer as revision,
    -- A cancelled job may not say when.
    coalesce(job.finished_at, job.created_at) as occurred_at,
    coalesce(given(job.organization), given(job.metadata.organization), job.organization_id) as organization_id,
    coalesce(given(job.project), given(job.project_id), job.metadata.project) as product_id,
    null::varchar as api_key_id,
    null::varchar as end_user_id,
    provider_name_given as provider,
    case
        when given(job.fine_tuned_model) is not null then job.fine_tuned_model
        when starts_with(job.model, 'ft:') or contains(job.model, ':ft-') or contains(job.model, '.ft-') then job.model
        when provider_name_given = 'azure' then job.model || '.ft-' || job.id
        else 'ft:' || job.model || '::' || coalesce(job.user_provided_suffix, '') || ':' || job.id
    end as model,
    null::varchar as service_tier,
    'fine_tuning' as operation,
    null::bigint as input_tokens,
    null::bigint as cached_input_tokens,
    null::bigint as cache_write_5m_tokens,
    null::bigint as cache_write_1h_tokens,
    null::bigint as audio_input_tokens,
    null::bigint as image_input_tokens,
    null::bigint as output_tokens,
    null::bigint as audio_output_tokens,
    null::bigint as image_output_tokens,
    case when not is_by_hour then tokens(job.trained_tokens) end as training_tokens,
    case when is_by_hour then job.training_hours end as training_hours,
    null::decimal(18, 6) as hosting_hours,
    null::bigint as web_search_calls,
    null::bigint as file_search_calls,
    null::bigint as code_execution_calls,
    null::bigint as reasoning_tokens,
    null::bigint as raw_input_tokens,
    null::bigint as raw_output_tokens,
    case job.status when 'succeeded' then 200 when 'failed' then 500 end as status,
    case when job.status = 'failed' then job.error.code end as error_type,
    job.status as finish_reason,
    null::bigint as latency_ms,
    null::boolean as gateway_cache_hit,
    null::varchar as region,
    null::varchar as client_network,
    null::varchar as client_agent,
    null::varchar as prompt_digest,
    null::varchar as template_digest,
    null::bigint as max_output_tokens,
    null::double as temperature,
    null::integer as n,
    null::boolean as logprobs,
    null::varchar as reported_cost
from named
