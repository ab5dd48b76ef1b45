"""Drops quarantined records for good, on record: who, when, why, and what they were.

The record is the manifest's own entry, which is never changed, and a file of the dropped rows beside the quarantine.
"""

from __future__ import annotations

import hashlib
import os
import pwd
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pipelines import warehouse
from pipelines.errors import MeterhouseError
from pipelines.landing.ingest import now
from pipelines.landing.leftovers import note, sweep
from pipelines.landing.manifest import Commit, Drop, read_manifest, write_commit
from pipelines.landing.quarantine.held import Selection, chosen_files, open_held, require_some
from pipelines.landing.write import write_quarantine, write_rows
from pipelines.sql import literal

if TYPE_CHECKING:
    from pipelines.home import Home

_LONGEST_REASON = 1_000


@dataclass(frozen=True, slots=True)
class Dropped:
    """One drop on record. `at` is UTC; `groups` are (source, what was wrong, files, records)."""

    at: str
    by: str
    because: str
    records: int
    groups: tuple[tuple[str, str, int, int], ...]

    def as_json(self) -> dict[str, Any]:
        """For `list --dropped --json`."""
        names = ("source", "reason", "files", "records")
        return {
            "dropped_at": self.at,
            "dropped_by": self.by,
            "because": self.because,
            "records": self.records,
            "groups": [dict(zip(names, group, strict=True)) for group in self.groups],
        }


def to_drop(home: Home, selection: Selection) -> int:
    """How many records a drop would take; raises MeterhouseError for none, or where nothing says which."""
    if selection.everything:
        raise MeterhouseError(
            "nothing says which records to drop.",
            way_out="Name a file or file:line, --source or --reason, as `meterhouse quarantine list` shows them.",
        )
    with warehouse.connect(home, in_memory=True) as con:
        open_held(con, home, selection)
        require_some(con, home, selection)
        return sum(records for _, _, records in chosen_files(con))


def drop(home: Home, selection: Selection, because: str, *, expected: int) -> Dropped:
    """Take the chosen records out of quarantine and keep on record that, by whom and why. Holds the writer lock.

    Raises MeterhouseError, and drops nothing, where `because` says nothing or other than `expected` records are
    chosen by now.
    """
    because = " ".join(because.split())
    if not because or len(because) > _LONGEST_REASON:
        raise MeterhouseError(
            "a drop needs a reason" + (f" of at most {_LONGEST_REASON:,} characters." if because else "."),
            way_out='Give one with --because, as in --because "test traffic of 3 May".',
        )
    with warehouse.writer_lock(home), warehouse.connect(home, in_memory=True) as con:
        commits, standing = open_held(con, home, selection)
        chosen = chosen_files(con)
        records = sum(n for _, _, n in chosen)
        if not records or records != expected:
            raise MeterhouseError(
                f"the quarantine has changed: {records:,} records are meant now, {expected:,} were a moment ago.",
                file=home.quarantine,
                way_out="Nothing was dropped. Look at them with `meterhouse quarantine show`, and drop again.",
            )
        number = len(commits) + 1
        named = ";".join(f"{source}:{digest}:{n}" for (source, digest), _, n in chosen)
        commit_id = hashlib.sha256(f"drop;{number};{named}".encode()).hexdigest()[:16]
        con.execute("""
            create or replace temp table of_chosen_files as
            from held semi join (select * from held where chosen) as c using (source, file_digest)""")
        sweep(home, commits)
        note(home, commit_id)
        rows = write_rows(
            con, home, f"quarantine/dropped/{commit_id}.parquet",
            """select source, file, file_digest, line, field, reason, raw from held where chosen
               order by source, file, line""",
        )  # fmt: skip
        dropped = Drop(by=_user(), because=because, records=records, rows=str(rows))
        commit = Commit(
            number=number,
            commit_id=commit_id,
            received_at=now(),
            files=[
                replace(
                    standing[key],
                    quarantined=standing[key].quarantined - n,
                    dropped=standing[key].dropped + n,
                )
                for key, _, n in chosen
            ],
            quarantine=write_quarantine(con, home, commit_id, "(from of_chosen_files where not chosen)"),
            drop=dropped,
        )
        write_commit(home, commit)
    return _told(home, commit, dropped)


def all_dropped(home: Home, source: str | None = None) -> list[Dropped]:
    """Every drop on record, the latest first; with `source` those with records of it."""
    found = [_told(home, c, c.drop) for c in reversed(read_manifest(home)) if c.drop]
    return [d for d in found if source is None or source in {group[0] for group in d.groups}]


def _told(home: Home, commit: Commit, dropped: Drop) -> Dropped:
    with warehouse.connect(home, in_memory=True) as con:
        groups = con.execute(f"""
            select source, split_part(reason, ': ', 1), count(distinct file_digest), count(*)
            from read_parquet({literal(home.root / dropped.rows)}) group by 1, 2 order by 4 desc, 1, 2""").fetchall()
    return Dropped(commit.received_at, dropped.by, dropped.because, dropped.records, tuple(groups))


def _user() -> str:
    """The user of this machine that runs the command: not what the environment says."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"
