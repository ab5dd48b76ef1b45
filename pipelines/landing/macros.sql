-- Functions that every format mapping may use. All return null, never an error, on bad text.

-- Text as a whole number (12, "12", 12.0, 1e3), else null: fractions are not rounded.
create or replace macro whole(t) as (
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
create or replace macro not_count(t) as (
    t is not null and not coalesce(whole(t) between 0 and max_tokens(), false)
);

-- Text as a count of tokens, 0 where it is none: sums and differences of these cannot overflow.
create or replace macro tokens(t) as (
    case
        -- Most fields that can be left out are.
        when t is null then 0
        when whole(t) between 0 and max_tokens() then whole(t)
        else 0
    end
);

-- Text as a count of tokens, null where it is none.
create or replace macro known_tokens(t) as (
    case when t is not null and whole(t) between 0 and max_tokens() then whole(t) end
);

-- Of the image tokens of a prompt, those that no cache held, or null where the numbers do not tell: cached tokens
-- may be of any kind. Either the parts of the prompt leave out what was cached: then they add up to what is left. Or
-- they include it: then there is a least and a most that can be images of it, and these must be the same number.
-- `texts` and `cached_images` are what the provider says of them, else null; `rest` is the prompt without its audio
-- part, `stored` what was read from or written to a cache, `written` the written part of it.
create or replace macro fresh_images(images, cached_images, texts, rest, stored, written) as (
    case
        when images = 0 then 0
        when texts + images = rest - stored then images
        when
            greatest(cached_images, stored - (rest - images), 0) = least(images, stored, cached_images + written)
            then images - least(images, stored, cached_images + written)
    end
);

-- Text as hours (12, "0.25", 1e-05), else null: what has a seventh decimal is not rounded.
create or replace macro hours(t) as (
    case
        when regexp_full_match(trim(t::varchar), '[+-]?[0-9]*(\.[0-9]{0,6}0*)?') then try_cast(t as decimal(18, 6))
        -- Of texts as short as these, what the precision of one comparison hides the other catches.
        when
            regexp_full_match(trim(t::varchar), '[+-]?[0-9.]{1,20}[eE][+-]?[0-9]{1,2}')
            and try_cast(t as decimal(38, 26)) = try_cast(try_cast(t as decimal(18, 6)) as decimal(38, 26))
            and try_cast(t as double) = try_cast(t as decimal(18, 6))::double
            then try_cast(t as decimal(18, 6))
    end
);

-- ISO 8601 text as UTC; where it names no zone, in that of the source, which is the connection's: see zone.sql.
-- DuckDB takes any offset; no clock is further from UTC than 14 hours.
create or replace macro calendar_instant(t) as (
    case
        when ends_with(t, 'Z') or not regexp_matches(t, ':.*[+-](1[5-9]|[2-9][0-9])(:?[0-9]{2})?\s*$')
            then try_cast(t as timestamptz) at time zone 'UTC'
    end
);

-- A time in UTC as text that `instant` reads back, whatever the zone of the source.
create or replace macro utc_text(t) as (t::timestamp::varchar || 'Z');

-- ISO 8601 text or seconds, milliseconds or microseconds since 1970, as UTC.
create or replace macro instant(t) as (
    case
        -- The cheap test first: a calendar date has a hyphen, an epoch time has none (or only in front).
        when position('-' in t) > 1 then calendar_instant(t)
        when abs(try_cast(t as decimal(26, 6))) < 100000000000
            then make_timestamp(try_cast(try_cast(t as decimal(26, 6)) * 1000000 as bigint))
        when abs(try_cast(t as decimal(26, 6))) < 100000000000000
            then make_timestamp(try_cast(try_cast(t as decimal(26, 6)) * 1000 as bigint))
        when abs(try_cast(t as decimal(26, 6))) < 100000000000000000
            then make_timestamp(try_cast(try_cast(t as decimal(26, 6)) as bigint))
    end
);

-- One name a provider, so that logs of several gateways meet the same rates.
create or replace macro provider_name(t) as (
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
        when 'together_ai' then 'together'
        when 'fireworks_ai' then 'fireworks'
        when 'cohere_chat' then 'cohere'
        when 'text-completion-openai' then 'openai'
        else lower(trim(t))
    end
);

-- The tier as served. "auto" is only ever asked for, never served; "fast" is reported as priority.
create or replace macro service_tier_name(t) as (
    case lower(trim(t))
        when 'default' then 'standard'
        when '' then 'standard'
        when 'auto' then 'standard'
        when 'on_demand' then 'standard'
        when 'fast' then 'priority'
        else lower(trim(t))
    end
);

-- Text that says something, else null: several logs write '' for what they do not know. Few texts have spaces at
-- their ends (other blanks than ' ' take more than one byte), and trimming is dear. The text is named many times over:
-- let it be a column.
create or replace macro given(t) as (
    nullif(
        case when starts_with(t, ' ') or ends_with(t, ' ') or strlen(t) != length(t) then trim(t) else t end, ''
    )
);

-- A stable name for something that must not be stored in clear. The salt is a variable of the connection, so that no
-- file of DuckDB's holds it.
create or replace macro pseudonym(t) as (
    'h_' || substr(sha256(coalesce(getvariable('salt'), error('the salt is not set on this connection')) || t), 1, 24)
);

-- A key by a name of ours: only what is a digest already (ours, or a whole SHA-256) stays as it is.
create or replace macro key_id(t) as (
    case
        when length(t) in (26, 64) and regexp_full_match(t, 'h_[0-9a-f]{24}|[0-9a-f]{64}') then t
        else pseudonym(t)
    end
);

-- A person by a name of ours: any text may be one, so only our own pseudonym stays as it is.
create or replace macro person_id(t) as (
    case when length(t) = 26 and regexp_full_match(t, 'h_[0-9a-f]{24}') then t else pseudonym(t) end
);

-- Ids pass unless they look like a secret key, an e-mail address or a network address.
create or replace macro safe_id(t) as (
    case
        -- Cheap tests first: few ids can be any of these.
        when not (
            contains(t, '@') or contains(t, ':') or contains(t, '.')
            or contains('sk pk rk gs xa hf ke be ba ai ey', lower(left(t, 2)))
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
create or replace macro agent_name(t) as (
    case
        -- The name alone already, as most are.
        when regexp_full_match(t, '[A-Za-z0-9._-]{1,64}') then t
        when not contains(split_part(t, ' ', 1), '@')
            then nullif(left(regexp_extract(t, '^[^\s/;,()]+(/[A-Za-z][A-Za-z._-]*)?'), 64), '')
    end
);

-- A class or a digest, which is one word; what else a source has in its place may be what somebody wrote.
create or replace macro one_word(t) as (
    case
        when
            strlen(t) <= 128 and strlen(t) = length(t)
            and not contains(t, ' ') and not contains(t, chr(10)) and not contains(t, chr(9))
            then t
        else pseudonym(t)
    end
);

-- The text of a record that is kept for mending, without secret keys, e-mail and network addresses.
create or replace macro masked(t) as (
    regexp_replace(
        regexp_replace(
            regexp_replace(
                regexp_replace(
                    regexp_replace(t, '[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+', '***', 'g'),
                    '(?i)\b(sk|pk|rk|gsk|xai|hf|pplx|nvapi|csk|ghp)([-_])[a-z0-9_-]{8,}'
                    || '|\b(key|fw|r8|tgp_v1)([-_])[a-z0-9_-]{12,}'
                    || '|\b(bearer|basic)( +)[a-z0-9._~+/=-]{8,}',
                    '\1\2\3\4\5\6***', 'g'
                ),
                '\b(sk-|AIza|eyJ|AKIA|ASIA)[A-Za-z0-9._-]{4,}', '\1***', 'g'
            ),
            '\b[0-9]{1,3}(\.[0-9]{1,3}){3}\b', '***', 'g'
        ),
        '(^|[\s"'',;=\[(])(([0-9a-fA-F]{1,4}(:[0-9a-fA-F]{1,4})*)?::([0-9a-fA-F]{1,4}(:[0-9a-fA-F]{1,4})*)?'
        || '|[0-9a-fA-F]{1,4}(:[0-9a-fA-F]{1,4}){4,7})', '\1***', 'g'
    )
);

-- A network by its name, or by one of ours: a name has no blanks, and nothing of an address or a key in it.
create or replace macro network_id(t) as (
    case
        when
            not regexp_full_match(t, '[A-Za-z0-9_.:-]{1,64}')
            -- Of four bytes, of eight pairs (as the names of hosts have them), or a number.
            or regexp_matches(
                t,
                '[0-9]{1,3}([._-][0-9]{1,3}){3}|:.*:|[0-9a-fA-F]{1,4}(-[0-9a-fA-F]{1,4})*--'
                || '|([0-9a-fA-F]{1,4}-){7}|^(0[xX][0-9a-fA-F]+|[0-9]+)$'
            )
            -- As long names in lower case there are digests, which are no keys.
            or (regexp_matches(t, '[A-Za-z0-9_-]{20}') and regexp_matches(t, '[0-9]') and regexp_matches(t, '[A-Z]'))
            then pseudonym(t)
        else safe_id(t)
    end
);

-- A program by its name, or by one of ours where a key may have been written in its place.
create or replace macro agent_id(t) as (
    case
        when
            strlen(t) >= 12 and regexp_matches(t, '[0-9]')
            and (regexp_matches(t, '[A-Za-z0-9_+=-]{20}') or masked(t) != t)
            then pseudonym(t)
        else safe_id(t)
    end
);

-- Whether a text is a number, with or without a unit, a time or one word, shorter than a key.
create or replace macro is_value(t) as (
    regexp_full_match(t, '[-+0-9.eE]{1,80}')
    or (
        length(t) <= 40
        and regexp_full_match(
            t,
            '\S+|\S*[0-9]\S*\s[A-Za-z]{1,12}|(?i:(\S*[0-9]\S*'
            || '|(mon|tue|wed|thu|fri|sat|sun|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*[.,]?'
            || '|[ap]\.?m\.?|z|utc|gmt|[ecmp][sd]t|cest|cet|bst|ist|jst)(\s|$)){2,8}'
        )
        and not regexp_matches(t, '\w{24}')
    )
);

-- A value as a reason may show it.
create or replace macro shown(t) as (
    case
        when is_value(t) then t
        else 'a text of ' || length(t) || ' characters'
    end
);

-- What is wrong with a record: the source's own field name and a predicate that reads on from it.
create or replace macro problem(f, r) as ({ 'field': f, 'reason': f || ' ' || r });

create or replace macro bad_calls(f, t) as problem(
    f, 'is not a number of calls (a whole number from 0 to ' || format('{:,}', max_meter()) || '): ' || shown(t)
);

create or replace macro unsplit_images(f, images, stored) as problem(
    f, 'is ' || images || ', and ' || stored || ' input tokens were read from or written to a cache: how many of '
    || 'these were images does not follow; log the uncached text_tokens or cached_tokens_details.image_tokens too'
);

create or replace macro bad_count(f, t) as problem(
    f, 'is not a number of tokens (a whole number from 0 to ' || format('{:,}', max_tokens()) || '): ' || shown(t)
);
