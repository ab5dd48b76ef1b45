"""Takes the chosen records of files that are read again, and leaves everything else of them as it stands.

The files go the one way of `ingest.take_in`; this only says which of their records count. Which those are belongs in
`held.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

    from pipelines.landing.manifest import FileEntry

_READ_OTHERWISE = (
    "its records are counted or numbered otherwise now than when it was landed, so these cannot be told from the others"
)


@dataclass(slots=True)
class Again:
    """The standing entries of the files, in the order in which they are read again.

    Needs the tables `held` and `files`. Afterwards `left` says of each file, by number, that nothing was taken from
    it and why.
    """

    before: list[FileEntry]
    left: dict[int, str] = field(default_factory=dict)
    _whole: set[int] = field(default_factory=set)

    def choose(self, con: duckdb.DuckDBPyConnection, read: list[int]) -> list[int]:
        """Leave of `staged` and `refused` the chosen records; returns how many of each file are to be accounted for.

        A file of which nothing but chosen records is known is taken as if it had never been landed. Of any other each
        chosen record has to be found once, and every record be counted as before.
        """
        con.execute("""
            create or replace temp table again as
            select file_no, line, chosen from held inner join files using (source, file_digest)""")
        chosen = dict(con.execute("select file_no, count(*) filter (where chosen) from again group by 1").fetchall())
        self._whole = {n for n, entry in enumerate(self.before) if entry.records_read == chosen[n]}
        parts = [n for n in range(len(self.before)) if n not in self._whole]
        for number in parts:
            if read[number] != self.before[number].records_read:
                self.left[number] = _READ_OTHERWISE
        unreadable = con.execute("select file_no, reason from refused where line is null").fetchall()
        self.left |= {number: reason for number, reason in unreadable if number not in self._whole}
        found = con.execute(f"""
            with every as (select file_no, line from staged union all select file_no, line from refused),
            counted as (select file_no, line, count(*) as n from every group by all)
            select distinct file_no from again left join counted using (file_no, line)
            where chosen and coalesce(n, 0) != 1 and file_no in ({_numbers(parts)})""").fetchall()
        self.left = {number: _READ_OTHERWISE for (number,) in found} | self.left
        for table in ("staged", "refused"):
            con.execute(f"""
                delete from {table} where file_no not in ({_numbers(self._whole)}) and (
                    file_no in ({_numbers(self.left)})
                    or not exists (
                        select 1 from again where chosen and again.file_no = {table}.file_no
                            and again.line = {table}.line
                    )
                )""")
        return [n if i in self._whole else self.before[i].quarantined for i, n in enumerate(read)]

    def keep_others(self, con: duckdb.DuckDBPyConnection) -> None:
        """Let the records that were not taken again stay in quarantine as they are."""
        con.execute(f"""
            insert into quarantine_rows
            select file_no, line, field, reason, raw from held inner join files using (source, file_digest)
            where not chosen or file_no in ({_numbers(self.left)})""")

    def changed(self, con: duckdb.DuckDBPyConnection) -> bool:
        """Whether anything became of the records, or another reason was found."""
        [(something,)] = con.execute("""
            with was as (
                select file_no, line, field, reason, raw from held inner join files using (source, file_digest)
            ),
            now as (select file_no, line, field, reason, raw from quarantine_rows)
            select exists (from staged)
                or exists (from verdicts where verdict = 'duplicate')
                or exists (from was except all from now)
                or exists (from now except all from was)""").fetchall()
        return bool(something)

    def merged(self, found: list[FileEntry]) -> list[FileEntry]:
        """What stands of each file now: `found` are the counts of what was taken again."""
        return [
            entry if number in self._whole else _added(before, entry)
            for number, (before, entry) in enumerate(zip(self.before, found, strict=True))
        ]


def _added(before: FileEntry, again: FileEntry) -> FileEntry:
    first = [t for t in (before.first_occurred_at, again.first_occurred_at) if t]
    last = [t for t in (before.last_occurred_at, again.last_occurred_at) if t]
    return replace(
        before,
        accepted=before.accepted + again.accepted,
        duplicates=before.duplicates + again.duplicates,
        amendments=before.amendments + again.amendments,
        quarantined=again.quarantined,
        first_occurred_at=min(first, default=None),
        last_occurred_at=max(last, default=None),
    )


def _numbers(numbers: set[int] | list[int] | dict[int, str]) -> str:
    """For SQL's `in`, which wants at least one."""
    return ", ".join(map(str, [-1, *numbers]))
