"""Takes landed files in exactly once: read, check, identify, write beside, then commit.

The order is what makes it safe to kill at any moment: event files, key index and quarantine are
written under names no one reads, and one rename of the manifest entry makes all of it visible. A
commit that does not account for every record that the readers counted is refused.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pipelines import warehouse
from pipelines.landing.failures import TooLargeError
from pipelines.landing.leftovers import SCRATCH, sweep
from pipelines.landing.lines import compression_of
from pipelines.landing.manifest import Commit, FileEntry, current_files, read_manifest, write_commit
from pipelines.landing.new_files import find_new
from pipelines.landing.normalise import create_staging, part_refused
from pipelines.landing.objects import fetch
from pipelines.landing.quiet import (
    FilesChangedError,
    copies,
    require_unchanged,
    wait_until_quiet,
    whole_parts,
)
from pipelines.landing.readers import file_type_of
from pipelines.landing.redact import leave_out
from pipelines.landing.repeated import leave_repeated
from pipelines.landing.resolve import resolve
from pipelines.landing.staging import quarantine_conflicts, stage_all
from pipelines.landing.write import number_files, write_files, write_refused

if TYPE_CHECKING:
    from collections.abc import Callable

    import duckdb

    from pipelines.errors import MeterhouseError
    from pipelines.home import Home
    from pipelines.landing.new_files import NewFile
    from pipelines.landing.quarantine.again import Again
    from pipelines.settings import Settings

# Bytes of new logs, unpacked, up to which they are worked on in memory; and how many times a packed log is larger.
_IN_MEMORY = 2 << 30
_PACKED = 8


@dataclass(frozen=True, slots=True)
class IngestSummary:
    """Counts of one landing step; `seconds` is wall time. `unclear` says of what was left why: it has no source that
    could be told, or memory was too small for it.
    """

    files: int = 0
    records_read: int = 0
    accepted: int = 0
    duplicates: int = 0
    amendments: int = 0
    quarantined: int = 0
    seconds: float = 0.0
    unasked_files: tuple[str, ...] = ()
    growing_files: tuple[str, ...] = ()
    unclear: tuple[str, ...] = ()


def ingest(home: Home, settings: Settings, progress: Callable[[str, int, int], None] | None = None) -> IngestSummary:
    """Take in everything new under landing/ and in object stores, and commit it. Call it under the writer lock.

    `progress(file, done_files, all_files)` is called after each file. Bad records are quarantined; a folder whose
    format is unknown is left, and all else is taken in.
    """
    began = time.monotonic()
    commits = read_manifest(home)
    sweep(home, commits)
    fetch(home, settings, progress)
    new, landing = find_new(home, settings, commits)
    names = tuple(str(p.relative_to(home.root)) for p in landing.unasked)
    new, growing = wait_until_quiet(new, settings.landing.quiet_seconds)
    files: list[FileEntry] = []
    large: list[NewFile] = []
    left: list[MeterhouseError] = [*landing.unclear]
    with copies(home):
        while new or growing:
            # Of a file that is being written the whole lines are read, from a copy that nobody writes.
            parts = _unknown(whole_parts(home, growing), commits)
            try:
                files = _take_in(home, commits, [*new, *parts], progress)
                break
            except FilesChangedError as error:
                growing += [new[number] for number in error.numbers]
                new = [file for number, file in enumerate(new) if number not in error.numbers]
            except TooLargeError as error:
                # What was read beside it may have taken the memory: it is tried again by itself.
                large += [file for file in new if file.landed.path == error.path]
                new = [file for file in new if file.landed.path != error.path]
                if part := next((p for p in parts if p.landed.path == error.path), None):
                    left.append(error)
                    growing = [file for file in growing if not _is_part_of(part, file)]
        for file in large:
            try:
                files += _take_in(home, read_manifest(home), [file], progress)
            except TooLargeError as error:
                left.append(error)
            except FilesChangedError:
                growing.append(file)
    return replace(
        _total(files),
        seconds=time.monotonic() - began,
        unasked_files=names,
        growing_files=tuple(f"{f.landed.source.name}/{f.landed.name}" for f in growing),
        unclear=tuple(e.paragraph() for e in left),
    )


def _take_in(
    home: Home, commits: list[Commit], new: list[NewFile], progress: Callable[[str, int, int], None] | None
) -> list[FileEntry]:
    """Take files in and commit them; returns their entries."""
    if not new:
        return []
    received_at = now()
    # What spills from memory is not packed, and takes six times the place.
    large = sum(f.landed.size * (_PACKED if _is_packed(f) else 1) for f in new) > _IN_MEMORY
    with warehouse.connect(home, in_memory=not large, scratch=SCRATCH if large else None) as con:
        read = take_in(con, home, commits, new, received_at, progress)
        commit = write_files(con, home, new, read, number=len(commits) + 1, received_at=received_at)
        commit = replace(commit, refused=write_refused(con, home, commit.commit_id))
    write_commit(home, commit)
    return commit.files


def _is_part_of(part: NewFile, file: NewFile) -> bool:
    """Whether a copy is of this file: sources may have files of one name."""
    return (part.landed.source.name, part.landed.name) == (file.landed.source.name, file.landed.name)


def _is_packed(file: NewFile) -> bool:
    return bool(compression_of(file.landed.path)) or file_type_of(file.landed.path) == "parquet"


def _unknown(parts: list[NewFile], commits: list[Commit]) -> list[NewFile]:
    """Of copies of whole lines, those that no run has taken in."""
    known = current_files(commits)
    return [part for part in parts if (part.landed.source.name, part.digest) not in known]


def now() -> str:
    """This instant in UTC, as the manifest writes it."""
    return datetime.now(UTC).replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")


def take_in(
    con: duckdb.DuckDBPyConnection,
    home: Home,
    commits: list[Commit],
    new: list[NewFile],
    received_at: str,
    progress: Callable[[str, int, int], None] | None = None,
    again: Again | None = None,
) -> list[int]:
    """Read files and decide what becomes of each record; nothing is written yet.

    Afterwards `staged`, `verdicts`, `superseded` and `quarantine_rows` are what `write_files` needs. Returns how
    many records of each file it has to account for: all, or those that are taken in `again`.
    """
    create_staging(con)
    read = stage_all(con, home, new, received_at, progress)
    require_unchanged(new)
    part_refused(con)
    if again:
        read = again.choose(con, read)
    resolve(con, [home.root / c.keys for c in commits if c.keys])
    quarantine_conflicts(con, new)
    leave_out(con, new)
    if again:
        again.keep_others(con)
    else:
        number_files(con, new)
        leave_repeated(con, [home.root / c.refused for c in commits if c.refused])
    return read


def _total(files: list[FileEntry]) -> IngestSummary:
    return IngestSummary(
        files=len(files),
        records_read=sum(f.records_read for f in files),
        accepted=sum(f.accepted for f in files),
        duplicates=sum(f.duplicates for f in files),
        amendments=sum(f.amendments for f in files),
        quarantined=sum(f.quarantined for f in files),
    )
