-- Functions that every format mapping may use. All return null, never an error, on bad text.

-- Text as a whole number (12, "12", 12.0, 1e3), else null: fractions are not rounded.
create or replace temp macro whole(t) as (
    case
        when contains(t::varchar, '.') or contains(t::varchar, 'e') or contains(t::varchar, 'E')
            -- Each comparison catches fractions that the other's precision hides.
            then case
                when
                    try_cast(t as decimal(38, 10)) = try_cast(t as bigint)
                    and try_cast(t as double) = try_cast(t as bigint)
                    then try_cast(t as bigint)
            end
        else try_cast(t as bigint)
    end
);

-- A count of tokens is a whole number from 0 to the contract's ceiling.
create or replace temp macro not_count(t) as (
    t is not null and (whole(t) is null or whole(t) < 0 or whole(t) > max_tokens())
);

-- Text as a count of tokens, 0 where it is none: sums and differences of these cannot overflow.
create or replace temp macro tokens(t) as (
    case when whole(t) between 0 and max_tokens() then whole(t) else 0 end
);

-- ISO 8601 text (no zone: UTC) or seconds, milliseconds or microseconds since 1970, as UTC.
create or replace temp macro instant(t) as (
    case
        -- The cheap test first: a calendar date has a hyphen, an epoch time has none (or only in front).
        when position('-' in t) > 1 then try_cast(t as timestamptz) at time zone 'UTC'
        when abs(try_cast(t as decimal(26, 6))) < 100000000000
            then make_timestamp(try_cast(try_cast(t as decimal(26, 6)) * 1000000 as bigint))
        when abs(try_cast(t as decimal(26, 6))) < 100000000000000
            then make_timestamp(try_cast(try_cast(t as decimal(26, 6)) * 1000 as bigint))
        when abs(try_cast(t as decimal(26, 6))) < 100000000000000000
            then make_timestamp(try_cast(try_cast(t as decimal(26, 6)) as bigint))
    end
);

-- One name a provider, so that logs of several gateways meet the same rates.
create or replace temp macro provider_name(t) as (
    case lower(trim(t))
        when '' then null
        when 'vertex_ai' then 'google'
        when 'gemini' then 'google'
        when 'gcp.vertex_ai' then 'google'
        when 'gcp.gemini' then 'google'
        when 'azure_ai' then 'azure'
        when 'azure.ai.openai' then 'azure'
        when 'aws.bedrock' then 'bedrock'
        when 'bedrock_converse' then 'bedrock'
        when 'mistral_ai' then 'mistral'
        when 'x_ai' then 'xai'
        when 'text-completion-openai' then 'openai'
        else lower(trim(t))
    end
);

-- The tier as served. "auto" is only ever asked for, never served; "fast" is reported as priority.
create or replace temp macro service_tier_name(t) as (
    case lower(trim(t))
        when 'default' then 'standard'
        when '' then 'standard'
        when 'auto' then 'standard'
        when 'on_demand' then 'standard'
        when 'fast' then 'priority'
        else lower(trim(t))
    end
);

-- Text that says something, else null: several logs write '' for what they do not know.
create or replace temp macro given(t) as (nullif(trim(t), ''));

-- A stable name for something that must not be stored in clear.
create or replace temp macro pseudonym(t) as ('h_' || substr(sha256({{ salt }} || t), 1, 24));

-- Ids pass unless they look like a secret key, an e-mail address or a network address.
create or replace temp macro safe_id(t) as (
    case
        -- Cheap tests first: few ids can be any of these.
        when not (
            contains(t, '@') or contains(t, ':') or contains(t, '.')
            or lower(left(t, 2)) in ('sk', 'pk', 'rk', 'gs', 'xa', 'hf', 'ke', 'be', 'ba', 'ai', 'ey')
        ) then t
        when
            regexp_matches(
                t,
                '^(?i:sk|pk|rk|gsk|xai|hf|key|bearer|basic)[-_ ][A-Za-z0-9._-]{12,}|^sk-.{4,}'
                || '|^AIza[A-Za-z0-9_-]{20,}|^eyJ[A-Za-z0-9_-]{10,}\.|@'
                || '|^[0-9]{1,3}(\.[0-9]{1,3}){3}([:/][0-9]+)?$'
                || '|^\[?[0-9a-fA-F]*:[0-9a-fA-F]*:[0-9a-fA-F:.]*([]%/].*)?$'
            )
            then pseudonym(t)
        else t
    end
);

-- Who called, by its product's name alone: 'OpenAI/Python 1.40.0' is 'OpenAI/Python', 'curl/8.4' is 'curl'.
create or replace temp macro agent_family(t) as (
    case
        when not contains(split_part(t, ' ', 1), '@')
            then nullif(safe_id(left(regexp_extract(t, '^[^\s/;,()]+(/[A-Za-z][A-Za-z._-]*)?'), 64)), '')
    end
);

-- The fields of a refused record that hold what people and models wrote, at any depth.
create or replace temp macro text_field() as (
    '(?is)\\*["''](messages?|prompts?|input|inputs|input_text|content|contents|text|texts|completion|output'
    || '|output_text|choices|arguments|instructions|response_text|reasoning_content|proxy_server_request'
    || '|error_message|traceback)\\*["'']\s*:'
);

-- Text from its first such field onward is left out.
create or replace temp macro cut_text(t) as (regexp_replace(t, text_field() || '.*', '[text left out]'));

-- The text of a record without what people and models wrote in it. The usual fields of a JSON object are
-- dropped, so that what identifies the record stays; where one is left deeper down, or in text that is
-- not valid JSON, everything from there on is left out.
create or replace temp macro without_text(t) as (
    case
        when not (regexp_matches(t, text_field()) or regexp_matches(t, '(?i)\\*["'']response\\*["'']\s*:')) then t
        when starts_with(ltrim(t), '{') and json_valid(t)
            then cut_text(
                json_merge_patch(
                    json_merge_patch(
                        try_cast(t as json),
                        '{"messages": null, "message": null, "prompt": null, "input": null, "content": null,
                          "text": null, "completion": null, "output": null, "output_text": null,
                          "choices": null, "arguments": null, "instructions": null,
                          "proxy_server_request": null}'
                    ),
                    -- A batch line's response says what became of the request; any other is the answer itself.
                    case
                        when json_type(try_cast(t as json), '$.response.body') = 'OBJECT'
                            then '{"response": {"body": {"choices": null, "output": null, "output_text": null,
                                   "content": null, "instructions": null}}}'
                        when json_exists(try_cast(t as json), '$.response.status_code') then '{}'
                        else '{"response": null}'
                    end
                )::varchar
            )
        else cut_text(regexp_replace(t, '(?is)\\*["'']response\\*["'']\s*:\s*\\*["''\[].*', '[text left out]'))
    end
);

-- The text of a record that is kept for mending, without secret keys, e-mail and network addresses.
create or replace temp macro masked(t) as (
    regexp_replace(
        regexp_replace(
            regexp_replace(
                regexp_replace(
                    regexp_replace(t, '[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+', '***', 'g'),
                    '(?i)\b(sk|pk|rk|gsk|xai|hf)([-_])[a-z0-9_-]{8,}'
                    || '|\b(bearer|basic)( +)[a-z0-9._~+/=-]{8,}',
                    '\1\2\3\4***', 'g'
                ),
                '\b(sk-|AIza|eyJ)[A-Za-z0-9._-]{4,}', '\1***', 'g'
            ),
            '\b[0-9]{1,3}(\.[0-9]{1,3}){3}\b', '***', 'g'
        ),
        '(^|[\s"'',;=\[(])(([0-9a-fA-F]{1,4}(:[0-9a-fA-F]{1,4})*)?::([0-9a-fA-F]{1,4}(:[0-9a-fA-F]{1,4})*)?'
        || '|[0-9a-fA-F]{1,4}(:[0-9a-fA-F]{1,4}){4,7})', '\1***', 'g'
    )
);

-- What is wrong with a record: the source's own field name and a predicate that reads on from it.
create or replace temp macro problem(f, r) as ({ 'field': f, 'reason': f || ' ' || r });

create or replace temp macro bad_count(f, t) as problem(
    f, 'is not a number of tokens (a whole number from 0 to ' || max_tokens() || '): ' || left(t, 80)
);
