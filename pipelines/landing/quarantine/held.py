"""What is in quarantine now, and which of it is meant: the one place that reads it for the commands.

What is done with it belongs in `retry.py`, `drop.py` and `groups.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from pipelines.errors import MeterhouseError
from pipelines.landing.manifest import FileEntry, current_files, read_manifest
from pipelines.sql import literal

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import duckdb

    from pipelines.home import Home
    from pipelines.landing.manifest import Commit

# Source and SHA-256: what a landed file is known by.
Key = tuple[str, str]

# A reason without what differs from record to record: the values in it, and what is said after the first colon.
_KIND = r"regexp_replace(split_part(reason, ': ', 1), '\b(is|to) -?[0-9]+\b', '\1 N', 'g')"


@dataclass(frozen=True, slots=True)
class Selection:
    """Which quarantined records are meant: all those that fit everything that is given.

    `reason` is a part of the reason, in any case of letters. `place` is a file, or a file and line as in
    `day.jsonl:12`, below its source's folder or below landing/.
    """

    source: str | None = None
    reason: str | None = None
    place: str | None = None

    @property
    def everything(self) -> bool:
        """Whether nothing is left out."""
        return self == Selection()

    def condition(self) -> str:
        """SQL over `held`."""
        tests = ["true"]
        if self.source is not None:
            tests.append(f"source = {literal(self.source)}")
        if self.reason is not None:
            part = literal(self.reason.lower())
            tests.append(f"(contains(lower(reason), {part}) or contains(lower(kind), {part}))")
        if self.place is not None:
            places = ["file", "source || '/' || file"]
            places += [f"{p} || ':' || line" for p in places]
            tests.append(f"coalesce({literal(self.place)} in ({', '.join(places)}), false)")
        return " and ".join(tests)


def open_held(
    con: duckdb.DuckDBPyConnection, home: Home, selection: Selection
) -> tuple[list[Commit], dict[Key, FileEntry]]:
    """Define table `held`, one row for each record in quarantine, and say of each whether it is `chosen`.

    Columns: number (from 1, by source, file and line), source, format, file, file_digest, line (null where the whole
    file is meant), field, reason, kind (the reason without its values), raw, first_seen (when a run first met the
    file, UTC), chosen. Returns the manifest and its standing entries.
    """
    commits = read_manifest(home)
    standing = {key: entry for key, (entry, _) in current_files(commits).items()}
    con.execute("""
        create or replace temp table standing
            (commit_id varchar, source varchar, format varchar, file_digest varchar, first_seen timestamp)""")
    first_seen: dict[Key, str] = {}
    for commit in commits:
        for file in commit.files:
            first_seen.setdefault((file.source, file.file_digest), commit.received_at)
    rows = [
        (commit.commit_id, file.source, file.format, file.file_digest, first_seen[key])
        for key, (file, commit) in current_files(commits).items()
        if file.quarantined
    ]
    if rows:
        # In one statement: row by row costs a millisecond each.
        names = ("commit_id", "source", "format", "file_digest", "first_seen")
        con.register("standing_rows", pa.table(dict(zip(names, map(pa.array, zip(*rows, strict=True)), strict=True))))
        con.execute("insert into standing by name from standing_rows")
        con.unregister("standing_rows")
    found = _rows_of([home.root / c.quarantine for c in commits if c.quarantine])
    con.execute(f"""
        create or replace temp table held as
        with known as (
            select q.source, format, file, q.file_digest, line, field, reason, raw, first_seen, {_KIND} as kind
            from {found} as q inner join standing as s using (commit_id, source, file_digest)
        )
        select row_number() over (order by source, file, file_digest, line, field, reason, raw) as number, *,
            {selection.condition()} as chosen
        from known""")
    return commits, standing


def chosen_files(con: duckdb.DuckDBPyConnection) -> list[tuple[Key, str, int]]:
    """(source, digest), name and number of chosen records of each file that has any, sorted by name."""
    rows = con.execute("""
        select source, file_digest, any_value(file), count(*) from held where chosen
        group by source, file_digest order by source, any_value(file), file_digest""").fetchall()
    return [((source, digest), file, records) for source, digest, file, records in rows]


def require_some(con: duckdb.DuckDBPyConnection, home: Home, selection: Selection) -> None:
    """Refuse a selection that fits nothing: most likely a slip of the pen."""
    held, chosen = con.execute("select count(*), count(*) filter (where chosen) from held").fetchone() or (0, 0)
    if not chosen and not selection.everything:
        raise MeterhouseError(
            f"none of the {held:,} records in quarantine is meant by this." if held else "nothing is in quarantine.",
            file=home.quarantine,
            way_out="`meterhouse quarantine list` names sources and reasons, `show` files and lines.",
        )


def _rows_of(paths: Iterable[Path]) -> str:
    files = ", ".join(literal(p) for p in paths)
    if files:
        return f"read_parquet([{files}], union_by_name = true)"
    names = ("commit_id", "source", "file", "file_digest", "field", "reason", "raw")
    return f"(select {', '.join(f'null::varchar as {n}' for n in names)}, null::bigint as line where false)"
