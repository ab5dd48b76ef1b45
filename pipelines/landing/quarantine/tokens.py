"""How many tokens quarantined records speak of, as far as what is kept of their text tells.

The text goes through the mapping of its source as it stands now: the one that a retry would use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.landing.contract import INPUT_BUCKETS, MAX_TOKENS, OUTPUT_BUCKETS
from pipelines.landing.formats import load_formats
from pipelines.landing.readers import define_constants, define_records
from pipelines.landing.staging import define_macros
from pipelines.settings import Source
from pipelines.sql import identifier, literal

if TYPE_CHECKING:
    import duckdb

    from pipelines.home import Home
    from pipelines.landing.formats import Format
    from pipelines.settings import Settings


def count_tokens(con: duckdb.DuckDBPyConnection, home: Home, settings: Settings) -> None:
    """Table `stakes` (number, tokens) of the chosen records of `held`; tokens are null where they cannot be read.

    They are the provider's own totals, else the sum of the buckets that can be read.
    """
    define_macros(con, home)
    con.execute("create or replace temp table stakes (number bigint, tokens hugeint)")
    sources = con.execute("select source, any_value(format) from held where chosen group by source order by source")
    for name, format_name in sources.fetchall():
        source = settings.source(name) or _as_landed(name, format_name)
        if source is None:
            continue
        fmt = load_formats()[source.format]
        # Formats whose lines hold many records number them anew, from 1: so they have these numbers before, too.
        con.execute(f"""
            create or replace temp table numbered as
            select row_number() over (order by number) as line, number, {_in_its_place(fmt)} as raw
            from held where chosen and line is not null and source = {literal(name)}""")
        con.execute("create or replace temp view landed_lines as select line, raw from numbered")
        define_constants(con, source)
        define_records(con, fmt, source)
        con.execute(f"""
            insert into stakes
            with counted as (
                select line, unreadable, {_whole("raw_input_tokens")} as told_input,
                    {_whole("raw_output_tokens")} as told_output, {_whole("training_tokens")} as training,
                    {_sum(INPUT_BUCKETS)} as summed_input, {_sum(OUTPUT_BUCKETS)} as summed_output
                from ({fmt.sql()})
            ),
            added as (
                select line, told_input is not null or told_output is not null as is_told, list_sum([
                    coalesce(told_input, summed_input), coalesce(told_output, summed_output), training
                ]) as tokens
                from counted where not unreadable
            )
            -- Some mappings make 0 of what is not there: only a total that was told can be 0.
            select number, max(tokens) from added inner join numbered using (line)
            where is_told or tokens > 0 group by number""")


def _in_its_place(fmt: Format) -> str:
    """SQL for a kept text as a line of its format: what is kept of a line with many records is the record alone."""
    if fmt.inside is None:
        return "raw"
    names = fmt.inside.removeprefix("$.").removesuffix("[*]").split("[*].")
    begin, end = "".join(f'{{"{name}":[' for name in names), "]}" * len(names)
    has = f"json_exists(raw, {literal('$.' + names[0])})"
    return f"case when json_valid(raw) and not {has} then {literal(begin)} || raw || {literal(end)} else raw end"


def _as_landed(name: str, format_name: str) -> Source | None:
    """A source without an entry of its own; None where the format cannot do without."""
    if load_formats()[format_name].shape == "mapping":
        return None
    return Source(name=name, format=format_name)


def _whole(column: str) -> str:
    value = f"try_cast(whole({identifier(column)}::varchar) as hugeint)"
    return f"case when {value} between 0 and {MAX_TOKENS} then {value} end"


def _sum(columns: tuple[str, ...]) -> str:
    return f"list_sum([{', '.join(map(_whole, columns))}])"
