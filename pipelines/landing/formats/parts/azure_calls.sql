-- The records of each call brought together, from `fields`: what its counts are, and what else is told of it.
with counted as (
    select
        *,
        coalesce(
            may_count and (
                model_name is not null or deployment is not null
                or coalesce(prompt_text, '0') != '0' or coalesce(completion_text, '0') != '0'
            )
            and (prompt_text is not null or completion_text is not null),
            false
        ) as has_counts,
        case
            when contains(model_name, '.ft-') or ends_with(lower(model_name), lower(model_version)) then model_name
            else coalesce(model_name || '-' || model_version, model_name)
        end as model
    from fields
),

calls as (
    select
        line,
        raw,
        unreadable,
        category,
        may_count,
        is_gateway,
        is_resource,
        call_id,
        bool_or(has_counts) over call as is_counted,
        bool_or(may_count or is_resource) over call as is_model_call,
        bool_or(is_resource) over call as is_azure_openai,
        bool_or(cache_hit) over call as gateway_cache_hit,
        min(case when has_counts then prompt_text end) over call as least_prompt,
        max(case when has_counts then prompt_text end) over call as prompt_text,
        min(case when has_counts then completion_text end) over call as least_completion,
        max(case when has_counts then completion_text end) over call as completion_text,
        max(case when has_counts then cached_text end) over call as cached_text,
        max(case when has_counts then total_text end) over call as total_text,
        min(case when has_counts then model_name end) over call as least_model,
        max(case when has_counts then model_name end) over call as most_model,
        -- Of the records of Azure OpenAI only one may know the version.
        max(model) over call as model,
        coalesce(
            min(case when has_counts then started end) over call, min(started) over call
        ) as started,
        coalesce(
            max(answered) over call,
            max(
                case
                    when is_gateway and milliseconds between 0 and 86400000
                        then try(instant(started) + to_milliseconds(milliseconds))
                end
            ) over call
        ) as ended,
        max(case when is_gateway or is_resource then status_code end) over call as status_code,
        max(case when (is_gateway or is_resource) and milliseconds >= 0 then milliseconds end) over call as latency,
        max(
            case when not starts_with(operation_text, 'Microsoft.') then operation_text end
        ) over call as operation_text,
        max(error_reason) over call as error_reason,
        max(subscription) over call as subscription,
        max(product) over call as product,
        max(person) over call as person,
        max(address) over call as address,
        max(case when is_resource then place_of_serving end) over call as place_of_serving
    from counted
    window call as (partition by call_id, case when call_id is null then line end)
)

select
    *,
    tokens(prompt_text) as prompt,
    tokens(completion_text) as completion,
    tokens(cached_text) as cached,
    coalesce(status_code >= 400, false) as failed,
    coalesce(
        not is_counted and is_model_call and status_code between 401 and 599 and status_code != 408, false
    ) as failed_uncounted
from calls
