"""Tells refused records that were refused before: a log that has grown brings its bad lines again each time.

A refused record may have no identity of its own, so it is known by its source, its line and a salted digest of its
text. One of a kind is in quarantine, in the file that brought it first; the others are duplicates.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.sql import literal

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb


def leave_repeated(con: duckdb.DuckDBPyConnection, index: list[Path]) -> None:
    """Move refused records that another file brought, earlier or in this run, from quarantine to duplicates.

    Needs `refused`, `quarantine_rows`, `verdicts` and `files`. `index` are the files that earlier runs wrote from
    `refused_texts` (source, line, text_digest, file_digest), which this defines: what is in quarantine since this run.
    """
    con.execute("""
        create or replace temp table refused_texts as
        select file_no, line, source, file_digest, pseudonym(raw) as text_digest
        from refused inner join files using (file_no)
        where line is not null""")
    names = "[" + ", ".join(literal(path) for path in index) + "]"
    before = f"read_parquet({names})" if index else "(from refused_texts where false)"
    con.execute(f"""
        create or replace temp table repeated as
        with before as (
            select source, line, text_digest, file_digest from {before}
            semi join refused_texts using (source, line, text_digest)
        )
        select file_no, line from refused_texts as now
        where exists (
            select 1 from before
            where before.source = now.source and before.line = now.line and before.text_digest = now.text_digest
                -- A file that is read once more, after its mapping was mended, repeats nothing.
                and before.file_digest != now.file_digest
        )
        union
        select file_no, line from refused_texts
        qualify row_number() over (partition by source, line, text_digest order by file_digest) > 1""")
    con.execute("""
        insert into verdicts (file_no, line, verdict)
        select file_no, line, 'duplicate' from repeated""")
    for table in ("quarantine_rows", "refused_texts"):
        con.execute(f"delete from {table} where (file_no, line) in (select (file_no, line) from repeated)")
