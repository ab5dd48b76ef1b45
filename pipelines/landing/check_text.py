"""How `meterhouse check` prints what would become of a file. Working it out belongs in `check.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text

from pipelines.landing.check import OUTCOMES
from pipelines.pricing.page import heading, lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb
    from rich.console import Console

    from pipelines.landing.check import Checked

_WORDS = {
    "accepted": "accepted",
    "amendment": "amendments",
    "duplicate": "duplicates",
    "quarantined": "quarantined",
}
_SHOWN = 5
_BRIEF = ("event_id", "occurred_at", "organization_id", "provider", "model", "raw_input_tokens", "raw_output_tokens")


def print_file(console: Console, con: duckdb.DuckDBPyConnection, number: int, file: Checked) -> None:
    """What the file is, how many of its records would become what, and why some would be refused."""
    heading(console, str(file.file), above=min(number, 1))
    counts = dict(
        con.execute("select outcome, count(*) from checked where file_no = ? group by 1", [number]).fetchall()
    )
    found = [
        ("format", f"{file.source.format}, known by {file.known_by}; {file.file_type} file"),
        ("records", f"{file.records:,}"),
        *((_WORDS[o], f"{counts[o]:,}") for o in OUTCOMES if counts.get(o)),
        *_content(con, number),
    ]
    if file.taken_in_before:
        found.append(("note", "this very content was taken in before: a run would leave the file alone"))
    if file.left:
        found.append(("note", f"a run leaves the file where it is: {file.left}"))
    lines(console, found)
    for label, text in _refusals(con, number):
        lines(console, [(label, text)])


def _content(con: duckdb.DuckDBPyConnection, number: int) -> Iterator[tuple[str, str]]:
    """Span, organisations, models and tokens of what would be accepted."""
    row = con.execute(
        """
        select
            min(occurred_at)::varchar, max(occurred_at)::varchar, count(distinct organization_id),
            sum(raw_input_tokens)::bigint, sum(raw_output_tokens)::bigint
        from checked where file_no = ? and event_id is not null""",
        [number],
    ).fetchone()
    if row is None or row[0] is None:
        return
    first, last, organizations, tokens_in, tokens_out = row
    yield "from", f"{first} to {last} UTC"
    yield "organisations", f"{organizations:,}"
    yield "tokens", f"{tokens_in:,} in, {tokens_out:,} out"
    models = con.execute(
        """
        select provider || ' ' || model, count(*) from checked
        where file_no = ? and event_id is not null group by 1 order by 2 desc, 1""",
        [number],
    ).fetchall()
    named = ", ".join(f"{name} ({requests:,})" for name, requests in models[:_SHOWN])
    yield "models", named + (f" and {len(models) - _SHOWN:,} more" if len(models) > _SHOWN else "")


def _refusals(con: duckdb.DuckDBPyConnection, number: int) -> Iterator[tuple[str, str]]:
    """Reasons alike but for the value are one: how many, one of them in full, and the first lines."""
    rows = con.execute(
        f"""
        select count(*), arg_min(reason, coalesce(line, 0)), list(line order by line)[1:{_SHOWN}]
        from checked where file_no = ? and outcome = 'quarantined'
        group by field, regexp_replace(reason, ': .*', '', 's') order by 1 desc, 2""",
        [number],
    ).fetchall()
    for count, reason, numbers in rows:
        some = [str(n) for n in numbers or [] if n is not None]
        at = f" (line{'s' if len(some) > 1 else ''} {', '.join(some)}{', …' if count > len(some) else ''})"
        yield f"{count:,} refused", reason + (at if some else "")


def print_lines(console: Console, con: duckdb.DuckDBPyConnection, files: list[Checked]) -> None:
    """A line a record, in order, each as long as it has to be."""
    several = len(files) > 1
    for row in _in_order(con):
        number = "" if row["line"] is None else row["line"]
        where = f"{files[row['file_no']].file.name}:{number}" if several else str(number)
        told = row["reason"] or (
            f"{row['event_id']}  {row['occurred_at']} UTC  {row['organization_id']}  {row['provider']} {row['model']}  "
            f"{row['raw_input_tokens']:,} in  {row['raw_output_tokens']:,} out"
        )
        console.print(Text(f"{where:>8}  {row['outcome']:<11}  {told}"), soft_wrap=True)


def json_lines(con: duckdb.DuckDBPyConnection, files: list[Checked]) -> Iterator[str]:
    """A JSON object a record, in order, for programs."""
    con.execute("create or replace temp table checked_files (file_no integer, file varchar, format varchar)")
    con.executemany(
        "insert into checked_files values (?, ?, ?)", [[i, str(f.file), f.source.format] for i, f in enumerate(files)]
    )
    rows = con.execute(f"""
        select to_json(r) from (
            select file, format, line, outcome, field, reason, {", ".join(_BRIEF)}
            from checked inner join checked_files using (file_no) order by file_no, line
        ) as r""")
    while found := rows.fetchmany(10_000):
        yield from (text for (text,) in found)


def _in_order(con: duckdb.DuckDBPyConnection) -> Iterator[dict[str, Any]]:
    rows = con.execute(f"""
        select file_no, line, outcome, reason, {", ".join(_BRIEF)} from checked order by file_no, line""")
    names = [c[0] for c in rows.description or []]
    while found := rows.fetchmany(10_000):
        yield from (dict(zip(names, row, strict=True)) for row in found)
