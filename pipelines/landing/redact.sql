-- What of a refused record's text is kept: its structure, its numbers, and the texts that its format reads.
-- Works on tokens of the text, so that what is kept stays as it was, and so that what is no JSON can be kept too.

-- A quoted text, closed or cut off by the end of the whole; ' is for what Python prints.
create or replace macro quoted() as (
    '(?:"(?:[^"\\]|\\.)*\\?(?:"|$)|''(?:[^''\\]|\\.)*\\?(?:''|$))'
);

-- A text in tokens that add up to it: quoted texts, colons, numbers and words, and what stands between them.
create or replace macro tokens_of(t) as (
    regexp_extract_all(t, '(?s)' || quoted() || '|\s*:\s*|[^\s"''{}\[\],:]+|[\s{}\[\],]+')
);

create or replace macro is_quoted(t) as (left(t, 1) in ('"', ''''));

create or replace macro is_colon(t) as (contains(t, ':') and not is_quoted(t));

-- Places of tokens, for a lambda that looks at neighbours.
create or replace macro places(ts) as (generate_series(1, length(ts)));

-- What a quoted text says. Few hold an escape, and only those have to be parsed.
create or replace macro unquoted(t) as (
    case
        when contains(t, '\') then coalesce(try(json_extract_string(t, '$')), t)
        else substr(t, 2, length(t) - 2)
    end
);

-- Whether the i-th token is a key, and whether it is the value of one.
create or replace macro is_key(ts, i) as (is_quoted(ts[i]) and is_colon(ts[i + 1]));

create or replace macro has_key(ts, i) as (i > 2 and is_colon(ts[i - 1]) and is_quoted(ts[i - 2]));

-- For each token the key that it is the value of, else null: in a column, for `kept_value` names it many times over.
create or replace macro keys_of(ts) as (
    list_transform(places(ts), lambda i: case when has_key(ts, i) then unquoted(ts[i - 2]) end)
);

create or replace macro is_number(t) as (regexp_full_match(t, '["'']?[-+0-9.eE]{1,40}["'']?'));

-- A number or one of the words that JSON and Python have.
create or replace macro says_no_text(t) as (
    is_number(t) or regexp_full_match(t, '(?i)true|false|null|none|nan|[-+]?inf(inity)?')
);

-- Keys whose value is a secret, whatever it looks like. A count may be called token too.
create or replace macro is_secret(k, v) as (
    regexp_matches(k, '(?i)(api|access|private)[-_ ]?key|authorization|secret|passw|credential|cookie')
    or (regexp_matches(k, '(?i)token$') and not is_number(v))
);

-- The value of a key: *** for a secret or a person (`hidden`), … for a text that the format does not read there, or
-- that is no number or time where it reads one (`typed`).
-- `pairs` are the names and values of the texts that it reads, null where the record is no JSON.
create or replace macro kept_value(k, v, names, hidden, typed, pairs) as (
    case
        when v in ('null', 'None', '""', '''''') then v
        when list_contains(hidden, k) then '"***"'
        when is_quoted(v) and list_contains(typed, k) and not is_value(unquoted(v)) then '"…"'
        when list_contains(names, k)
            then case
                when not is_quoted(v) then case when says_no_text(v) then v else '…' end
                -- No id, model or time is as long.
                when length(v) > 122 then '"…"'
                when pairs is null then v
                when list_contains(pairs, k || chr(31) || unquoted(v)) then v
                else '"…"'
            end
        when is_secret(k, v) then '"***"'
        -- OTLP writes whole numbers so.
        when k = 'intValue' and is_number(v) and length(v) <= 22 then v
        when is_quoted(v) then '"…"'
        when says_no_text(v) then v
        else '…'
    end
);

create or replace macro kept_token(ts, ks, i, names, hidden, typed, pairs) as (
    case
        when left(ts[i], 1) in ('{', '}', '[', ']', ',', ':', ' ', chr(9), chr(10), chr(13)) then ts[i]
        -- A key is a name; what is as long as a sentence is text.
        when is_key(ts, i)
            then case when length(ts[i]) > 66 or regexp_matches(ts[i], '\s\S+\s\S+\s') then '"…"' else ts[i] end
        when ks[i] is not null then kept_value(ks[i], ts[i], names, hidden, typed, pairs)
        when is_quoted(ts[i]) then case when length(ts[i]) <= 2 then ts[i] else '"…"' end
        when says_no_text(ts[i]) then ts[i]
        else '…'
    end
);

-- Numbers in a row are an embedding, or a text as a model reads it.
create or replace macro without_vectors(t) as (
    regexp_replace(t, '\[\s*[-+0-9.eE]+\s*(?:,\s*[-+0-9.eE]+\s*)+,?\s*(?:\]|$)', '[…]', 'g')
);

create or replace macro kept_of(ts, ks, names, hidden, typed, pairs) as (
    without_vectors(
        array_to_string(list_transform(places(ts), lambda i: kept_token(ts, ks, i, names, hidden, typed, pairs)), '')
    )
);

-- The first so many tokens; … stands for the others.
create or replace macro up_to_most(ts, most) as (
    case when length(ts) > most then list_append(ts[:most], '…') else ts end
);

-- Objects that a table holds as text, as objects; not in a text of more than `most` tokens.
create or replace macro unwrapped(t, boxes, most) as (
    case
        when regexp_matches(t, '"\s*:\s*"\s*\{')
            then list_transform(
                [tokens_of(t)],
                lambda ts: case
                    when length(ts) > most then t
                    else array_to_string(
                        list_transform(
                            places(ts),
                            lambda i: case
                                when
                                    has_key(ts, i) and is_quoted(ts[i])
                                    and list_contains(boxes, unquoted(ts[i - 2]))
                                    and json_type(try_cast(unquoted(ts[i]) as json)) = 'OBJECT'
                                    then unquoted(ts[i])
                                else ts[i]
                            end
                        ),
                        ''
                    )
                end
            )[1]
        else t
    end
);

-- Of a text that is no JSON, which key is below which is not known: from the first object or array onward that the
-- format does not read, nothing is kept. What does not begin as JSON does has no structure to keep.
create or replace macro up_to_unread(ts, boxes) as (
    case
        when not coalesce(regexp_matches(ts[1], '^\s*[{\[]'), false) then ['[text left out]']
        else list_transform(
            [
                list_position(
                    list_transform(
                        places(ts),
                        lambda i: is_key(ts, i) and left(ts[i + 2], 1) in ('{', '[')
                        and not list_contains(boxes, unquoted(ts[i]))
                    ),
                    true
                )
            ],
            lambda cut: case when cut > 0 then list_append(ts[:cut - 1], '…') else ts end
        )[1]
    end
);

-- The text of a refused record as it is held until it is looked at here: many that are very long are not held whole.
-- Of such a one every quoted text is cut where `kept_value` would leave it out anyway; what is longer still, or no
-- JSON, is cut as a whole. A digest of the whole stands behind it, so that two that begin alike stay two.
create or replace macro held_text(t) as (
    case
        -- As rtrim does it, five times faster.
        when strlen(t) <= 65536 then regexp_replace(t, '[\r\n]+$', '')
        when json_valid(t)
            then rtrim(left(
                regexp_replace(
                    t,
                    -- Two escapes that are one character stay together.
                    '("(?:[^"\\]|\\u[dD][89abAB]..\\u[dD]...|\\u[0-9a-fA-F]{4}|\\.){0,130})(?:[^"\\]|\\.)*"',
                    '\1"', 'g'
                ),
                131072
            ), chr(10) || chr(13)) || chr(29) || md5(t)
        else left(t, 4096) || chr(29) || md5(t)
    end
);

-- What `held_text` keeps, without the digest.
create or replace macro text_held(t) as (regexp_replace(t, '\x1d[0-9a-f]{32}$', ''));
