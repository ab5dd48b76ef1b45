"""From a format's mapped texts to typed canonical events, each with the reason if it is refused.

The checks are generated from the contract, so a new column is checked without a line here. What a
format's fields mean belongs in `formats/`; which of two deliveries counts belongs in `resolve.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.landing.contract import (
    ADDED,
    BODY,
    BUCKETS,
    COLUMNS,
    INPUT_BUCKETS,
    MAPPED,
    MAX_METER,
    MAX_NAME,
    MAX_TEXT,
    MAX_TOKENS,
    METERS,
    NAMES,
    OUTPUT_BUCKETS,
    SERVICE_TIERS,
    TEXTS,
    Column,
)
from pipelines.sql import identifier, literal

if TYPE_CHECKING:
    import duckdb

    from pipelines.settings import Source

# A call that "ended" before this cannot be one of an LLM API: a wrong unit or an empty clock.
EARLIEST = "2015-01-01"
# Texts that are brought to one form, whatever the format. These functions name their text many times over, so it is
# made before, in a column: DuckDB would make it anew each time.
_NAMED = {
    "api_key_id": "key_id",
    "end_user_id": "person_id",
    "client_network": "network_id",
    "client_agent": "agent_id",
    "operation": "one_word",
    "error_type": "one_word",
    "finish_reason": "one_word",
    "prompt_digest": "one_word",
    "template_digest": "one_word",
    "provider": "provider_name",
    "service_tier": "service_tier_name",
}

# What a text that does not fit its column is not.
_NOUNS = {
    "BIGINT": "a whole number",
    "INTEGER": "a whole number",
    "TIMESTAMP": "a time",
    "BOOLEAN": "true or false",
    "DOUBLE": "a number",
    "DECIMAL(28,12)": "a number",
    "hours": f"a number of hours up to {MAX_METER:,} with at most 6 decimals",
}

STAGED_COLUMNS = ", ".join(f"{identifier(c.name)} {c.type}" for c in COLUMNS if c.name != "received_at")


def create_staging(con: duckdb.DuckDBPyConnection) -> None:
    """Empty tables for one run: `staged` (accepted so far) and `refused` (with reasons).

    The raw text of a refused record is the source's own, unless it is `cleared` of what may not be kept.
    They are shared by the cursors of one connection; everything else of a file is the cursor's own.
    """
    con.execute(f"""
        create or replace table staged (
            file_no integer, line bigint, key uuid, field varchar, reason varchar, raw varchar, {STAGED_COLUMNS})""")
    con.execute("""
        create or replace table refused
            (file_no integer, line bigint, field varchar, reason varchar, raw varchar, cleared boolean)""")


def stage_file(
    con: duckdb.DuckDBPyConnection,
    mapping_sql: str,
    *,
    place: str,
    source: Source,
    received_at: str,
    refused_too: bool = True,
) -> None:
    """Map, check and type the records of the open file and append them to `staged`.

    `place` is SQL for the file's number and the line in it. `received_at` is an ISO timestamp in UTC. A record that is
    refused has a reason there, and its text; without `refused_too` it is left out.
    """
    con.execute(f"create or replace temp view mapped as {_with_constants(con, mapping_sql)}")
    kinds = {name: kind for name, kind, *_ in con.execute("describe mapped").fetchall()}
    typed = ",\n".join(f"{_typed(c, kinds[c.name])} as {identifier(c.name)}" for c in MAPPED)
    given = ",\n".join(f"{_given(c)} as {identifier(c.name)}" for c in MAPPED if c.type == "VARCHAR")
    texts = ",\n".join(
        f"{identifier(c.name)} as {identifier('text_' + c.name)}" for c in MAPPED if kinds[c.name] == "VARCHAR"
    )
    stored = [c.name for c in COLUMNS if c.name != "received_at"]
    values = [_body_digest() if name == "body_digest" else identifier(name) for name in stored]
    con.execute(f"""
        insert into staged (file_no, line, key, field, reason, raw, {", ".join(map(identifier, stored))})
        with given as (
            select * replace ({given}) from mapped
        ),
        typed as (
            select line, raw, unreadable, problem, {typed}{"," if texts else ""} {texts}
            from given
        ),
        completed as (
            select *, {_sum(INPUT_BUCKETS)} as summed_input, {_sum(OUTPUT_BUCKETS)} as summed_output,
                {", ".join(f"{sql} as filled_{name}" for name, sql in _completions())}
            from typed
        ),
        judged as (
            select *, {_verdict(kinds, received_at, source)} as verdict from completed
        ),
        named as (
            select line, verdict, raw,
                {literal(source.name)} as source,
                case when verdict is null then {_base_model("model")} end as base_model,
                case when {_base_model("model")} is null then 'base' else 'fine_tuned' end as model_tier,
                {", ".join(f"{_kept(c)} as {identifier(c.name)}" for c in MAPPED)}
            from judged
        )
        select {place}, md5(source || chr(31) || event_id)::uuid, verdict.field, verdict.reason,
            case when verdict is not null then held_text(raw) end, {", ".join(values)}
        from named{"" if refused_too else " where verdict is null"}""")


def part_refused(con: duckdb.DuckDBPyConnection) -> None:
    """Move what was found wanting from `staged` to `refused`; call it once, when all files are staged."""
    con.execute("""
        insert into refused
        select file_no, line, field, reason, raw, false from staged where reason is not null""")
    con.execute("delete from staged where reason is not null")


def _with_constants(con: duckdb.DuckDBPyConnection, mapping_sql: str) -> str:
    """The mapping with the source's constants where a record has no value of its own."""
    names = [name for name, *_ in con.execute("describe source_constants").fetchall()]
    [values] = con.execute("from source_constants").fetchall()
    filled = ", ".join(
        f"coalesce(nullif(trim({identifier(n)}::varchar), ''), {literal(v)}) as {identifier(n)}"
        for n, v in zip(names, values, strict=True)
        if v is not None
    )
    return f"select * replace ({filled}) from ({mapping_sql})" if filled else mapping_sql


def _typed(column: Column, kind: str) -> str:
    """A mapped value in its contract type; null where the text does not hold one."""
    name = identifier(column.name)
    if column.type == "VARCHAR":
        return f"{_NAMED[column.name]}({name})" if column.name in _NAMED else name
    if kind == column.type:
        return name
    if _is_hours(column):
        return f"case when {name} is not null then hours({name}) end"
    if column.type in {"BIGINT", "INTEGER"}:
        # Most columns that can be left out are, and then nothing is parsed.
        return f"case when {name} is not null then try_cast(whole({name}) as {column.type}) end"
    if column.type == "TIMESTAMP":
        return f"instant({name})"
    if column.type == "DOUBLE":
        return f"case when isfinite(try_cast({name} as double)) then try_cast({name} as double) end"
    return f"try_cast({name} as {column.type})"


def _given(column: Column) -> str:
    """A mapped text that says something, else null."""
    text = f"given({identifier(column.name)}::varchar)"
    return f"agent_name({text})" if column.name == "client_agent" else text


def _is_hours(column: Column) -> bool:
    return column.role == "meter" and column.type.startswith("DECIMAL")


def _completions() -> list[tuple[str, str]]:
    """What a record may leave out, and what then holds."""
    zero = [(b, f"coalesce({b}, 0)") for b in (*BUCKETS, *METERS, "reasoning_tokens", "revision")]
    return [
        *zero,
        ("service_tier", "coalesce(service_tier, 'standard')"),
        ("gateway_cache_hit", "coalesce(gateway_cache_hit, false)"),
        ("raw_input_tokens", "coalesce(raw_input_tokens, try_cast(summed_input as bigint))"),
        ("raw_output_tokens", "coalesce(raw_output_tokens, try_cast(summed_output as bigint))"),
    ]


def _filled(name: str) -> str:
    """A column after completion."""
    return f"filled_{name}" if name in {c for c, _ in _completions()} else identifier(name)


def _kept(column: Column) -> str:
    """What is staged of a column: of a refused record no text, which may be of any length."""
    value = _filled(column.name)
    return f"case when verdict is null then {value} end" if column.type == "VARCHAR" else value


def _sum(buckets: tuple[str, ...]) -> str:
    # Made for records that are refused too, so it must hold any bigints.
    return " + ".join(f"coalesce({b}, 0)::hugeint" for b in buckets)


def _verdict(kinds: dict[str, str], received_at: str, source: Source) -> str:
    """CASE that yields {field, reason} for the first thing wrong with a record, else null."""
    rules: list[tuple[str, str, str]] = []
    for c in MAPPED:
        if kinds[c.name] == "VARCHAR" and c.type != "VARCHAR":
            text = identifier("text_" + c.name)
            what = literal(f"is not {_NOUNS['hours' if _is_hours(c) else c.type]}")
            if c.type == "TIMESTAMP" and source.time_zone != "UTC":
                once = literal(f" that a clock in {source.time_zone} showed once; log an offset from UTC with it")
                local = f"try_cast({text} as timestamp) is not null and not regexp_matches({text}, ':.*[+-][0-9]{{2}}')"
                what += f" || case when {local} then {once} else '' end"
            # Nearly every record passes the first test, so the dearer ones are hardly ever made.
            test = f"{identifier(c.name)} is null and {text} is not null and trim({text}) != ''"
            rules.append((test, c.name, f"{what} || ': ' || shown({text})"))
        if c.required:
            rules.append((f"{identifier(c.name)} is null", c.name, "'is missing'"))
    rules.append(("event_id is null", "event_id", "'is missing'"))
    rules += [
        (
            f"length({name}) > {most}",
            name,
            f"'is longer than the {most:,} characters of a {kind}: ' || length({name})",
        )
        for names, most, kind in ((NAMES, MAX_NAME, "name"), (TEXTS, MAX_TEXT, "text"))
        for name in names
    ]
    rules += [(f"{b} < 0", b, f"'is negative: ' || {b}") for b in (*BUCKETS, *METERS, "reasoning_tokens", "revision")]
    # Before any sum of them is made.
    rules += [
        (f"{b} > {MAX_TOKENS}", b, f"'is more than {MAX_TOKENS:,}, far beyond any call: ' || {b}")
        for b in (*BUCKETS, "reasoning_tokens", "raw_input_tokens", "raw_output_tokens")
    ]
    rules += [
        (f"{m} > {MAX_METER}", m, f"'is more than {MAX_METER:,}, far beyond any call or job: ' || {m}") for m in METERS
    ]
    rules += [
        (
            f"not isfinite(occurred_at) or occurred_at < timestamp '{EARLIEST}'",
            "occurred_at",
            f"'is before {EARLIEST}: ' || occurred_at",
        ),
        (
            f"occurred_at > timestamp {literal(received_at)} + interval {source.future_tolerance_minutes} minutes",
            "occurred_at",
            f"'is more than {_duration(source.future_tolerance_minutes)} in the future: ' || occurred_at",
        ),
        (
            f"filled_service_tier not in ({', '.join(map(literal, SERVICE_TIERS))})",
            "service_tier",
            f"'is none of {', '.join(SERVICE_TIERS)}: ' || shown(service_tier)",
        ),
        (
            "summed_input != filled_raw_input_tokens and not filled_gateway_cache_hit",
            "raw_input_tokens",
            "'is ' || raw_input_tokens || ', but the input buckets add up to ' || summed_input",
        ),
        (
            "summed_output != filled_raw_output_tokens and not filled_gateway_cache_hit",
            "raw_output_tokens",
            "'is ' || raw_output_tokens || ', but the output buckets add up to ' || summed_output",
        ),
        (
            "filled_reasoning_tokens > filled_output_tokens",
            "reasoning_tokens",
            "'is more than output_tokens, of which it is a part'",
        ),
    ]
    cases = "\n".join(
        f"when {test} then {{'field': {literal(field)}, 'reason': {literal(field + ' ')} || {reason}}}"
        for test, field, reason in rules
    )
    return f"""case
        when unreadable then {{'field': null::varchar, 'reason':
            case
                when not json_valid(raw) then 'not valid JSON' || {_broken("raw")}
                when starts_with(ltrim(raw), '{{') then 'a nested field holds text that is not a JSON object'
                else 'not a record: expected a JSON object'
            end}}
        when problem is not null then problem
        {cases}
    end"""


def _broken(raw: str) -> str:
    """What can be said of a text that is no JSON. Bytes that are not UTF-8 were made \\x.. when it was read."""
    return f"""case
        when regexp_matches({raw}, '\\\\x[0-9a-f]{{2}}') then ': it holds bytes that are not UTF-8'
        when contains({raw}, chr(0)) then ': it holds NUL bytes'
        else ''
    end"""


def _duration(minutes: int) -> str:
    """`90 minutes`, `1 day`."""
    for unit, size in (("day", 1440), ("hour", 60)):
        if minutes and minutes % size == 0:
            return f"{minutes // size} {unit}" + ("s" if minutes > size else "")
    return f"{minutes} minutes"


def _base_model(model: str) -> str:
    """Base of a tuned model: `ft:base:org:suffix:id`, the older `base:ft-org-…`, Azure's `base.ft-…`."""
    return f"""case
        when starts_with({model}, 'ft:') then nullif(split_part({model}, ':', 2), '')
        when contains({model}, ':ft-') then nullif(split_part({model}, ':ft-', 1), '')
        when contains({model}, '.ft-') then nullif(split_part({model}, '.ft-', 1), '')
    end"""


def _body_digest() -> str:
    # A unit separator ends every column. Empty texts were made null before, so an empty part is a null.
    parts = ", ".join(f"{identifier(c)}::varchar, chr(31)" for c in BODY if c not in ADDED)
    used = " or ".join(f"{identifier(c)} != 0" for c in ADDED)
    named = ", ".join(f"case when {identifier(c)} != 0 then '{c}=' || {identifier(c)} || chr(31) end" for c in ADDED)
    return f"md5(concat({parts}, case when {used} then concat({named}) end))::uuid"
