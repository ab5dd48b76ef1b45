"""Decides what of a refused record's text may be kept, and writes it to `quarantine_rows`.

Structure, numbers and the texts that the format reads stay, so that the record can be mended; keys,
hidden, and whatever callers and models wrote do not. How that is done to a text is in `redact.sql`,
how what was accepted is made unrecognisable in `macros.sql`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.landing.fields import Fields, fields_of
from pipelines.landing.formats import load_formats
from pipelines.landing.limits import MOST_BROKEN, MOST_PAIRS, MOST_TOKENS
from pipelines.landing.readers import file_type_of
from pipelines.sql import literal

if TYPE_CHECKING:
    from collections.abc import Iterable

    import duckdb

    from pipelines.landing.new_files import NewFile


def leave_out(con: duckdb.DuckDBPyConnection, new: list[NewFile]) -> None:
    """Write `quarantine_rows` (file_no, line, field, reason, raw): `refused`, without what may not be kept."""
    con.execute("create or replace temp view held_texts as select * replace (text_held(raw) as raw) from refused")
    con.execute("""
        create or replace temp table quarantine_rows as
        select file_no, line, field, masked(reason) as reason, masked(raw) as raw from held_texts where cleared""")
    numbers = con.execute("select distinct file_no from refused where not cleared order by 1").fetchall()
    alike: dict[Fields, list[int]] = {}
    for (number,) in numbers:
        landed = new[number].landed
        nested = (file_type_of(landed.path) or "jsonl") == "jsonl"
        fields = fields_of(load_formats()[landed.source.format], landed.source, nested=nested)
        alike.setdefault(fields, []).append(number)
    for fields, files in alike.items():
        names, hidden, typed, boxes = map(
            _list, (fields.names(), sorted(fields.hidden), sorted(fields.typed), fields.boxes())
        )
        chosen = f"held_texts where not cleared and file_no in ({', '.join(map(str, files))})"
        con.execute(f"""
            insert into quarantine_rows
            with whole as (
                select file_no, line, field, reason, unwrapped(raw, {boxes}, {MOST_TOKENS}) as raw
                from {chosen} and json_valid(raw)
            ),
            -- Vectors are left out anyway, and would be most of the tokens.
            tokens as (
                select file_no, line, field, reason, {_pairs(fields)}[:{MOST_PAIRS}] as pairs,
                    up_to_most(tokens_of(without_vectors(raw)), {MOST_TOKENS}) as raw
                from whole
            ),
            told as (select *, keys_of(raw) as keys from tokens)
            select file_no, line, field, masked(reason), masked(kept_of(raw, keys, {names}, {hidden}, {typed}, pairs))
            from told""")
        con.execute(f"""
            insert into quarantine_rows
            -- A macro's argument is evaluated wherever it names it: for each token, if it were not a column.
            with tokens as materialized (
                select file_no, line, field, reason, tokens_of(left(raw, {MOST_BROKEN})) as raw
                from {chosen} and not json_valid(raw)
            ),
            cut as (select * replace (up_to_unread(raw, {boxes}) as raw) from tokens),
            told as (select *, keys_of(raw) as keys from cut)
            select file_no, line, field, masked(reason),
                masked(kept_of(raw, keys, {names}, {hidden}, {typed}, null::varchar[]))
            from told""")


def _pairs(fields: Fields) -> str:
    """Name and text of every field that a record has where the format reads it."""
    kept = [p for p in fields.paths if p[-1] not in fields.hidden]
    plain = [p for p in kept if "*" not in p]
    parts = ["[]::varchar[]"]
    if plain:
        pointers = _list("/" + "/".join(part.replace("~", "~0").replace("/", "~1") for part in p) for p in plain)
        parts.append(
            f"list_transform(json_extract_string(raw, {pointers}), "
            f"lambda v, i: ({_list(p[-1] for p in plain)})[i] || chr(31) || v)"
        )
    for path in (p for p in kept if "*" in p):
        place = "$" + "".join("[*]" if part == "*" else f'."{part}"' for part in path)
        parts.append(
            f"list_transform(json_extract_string(raw, {literal(place)}), lambda v: {literal(path[-1])} || chr(31) || v)"
        )
    return f"list_concat({', '.join(parts)})" if len(parts) > 1 else parts[0]


def _list(texts: Iterable[str]) -> str:
    return f"[{', '.join(map(literal, texts))}]::varchar[]"
