-- What payment_group and signup_network are stored as: digests as they come, everything that may be a card, an
-- account, an address or a person under a name of ours. Needs the macros of the landing step.

-- Digits of a card or an account without what people set between them.
create or replace macro bare_number(t) as (upper(regexp_replace(t, '[ .-]', '', 'g')));

create or replace macro is_account(t) as (
    regexp_full_match(bare_number(t), '[0-9]{8,19}|[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}')
    -- So looks a digest in hexadecimal, too; one in lower case or of its full length is none of these.
    and not regexp_full_match(t, '[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}')
);

create or replace macro payment_name(t) as (
    case
        when t is null or regexp_full_match(t, 'h_[0-9a-f]{24}|[0-9a-f]{64}') then t
        when is_account(t) then pseudonym(bare_number(t))
        when contains(t, '@') then pseudonym(lower(t))
        else network_id(t)
    end
);

-- As the landing step has it, so that it is the same name as that of a client's network.
create or replace macro signup_name(t) as (
    case
        when regexp_full_match(t, 'h_[0-9a-f]{24}|[0-9a-f]{64}') then t
        when regexp_full_match(bare_number(t), '[0-9]{12,19}') and not contains(t, '.') then pseudonym(bare_number(t))
        else network_id(t)
    end
);
