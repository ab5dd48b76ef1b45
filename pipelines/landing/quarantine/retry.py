"""Reads quarantined records again, after a fix of the settings or of a format, and takes them in as a run does.

What is kept of a record's text is not enough to take it from: the landed file is read, known by its content. Where it
is gone, its records stay and the result says so. One manifest entry makes everything of a retry visible.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pipelines import warehouse
from pipelines.landing.ingest import now, take_in
from pipelines.landing.leftovers import sweep
from pipelines.landing.manifest import write_commit
from pipelines.landing.new_files import landed_contents
from pipelines.landing.quarantine.again import Again
from pipelines.landing.quarantine.held import chosen_files, open_held, require_some
from pipelines.landing.quiet import copies, part_of, up_to_line_end
from pipelines.landing.write import number_files, write_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pipelines.home import Home
    from pipelines.landing.manifest import FileEntry
    from pipelines.landing.new_files import NewFile
    from pipelines.landing.quarantine.held import Key, Selection
    from pipelines.settings import Settings

GONE = (
    "the landed file is gone, or its source's `files` leaves it out now: put it back under landing/ (any name will "
    "do), or drop these records"
)


@dataclass(frozen=True, slots=True)
class Left:
    """Records of one file that could not be read again, and why."""

    source: str
    file: str
    records: int
    why: str


@dataclass(frozen=True, slots=True)
class RetrySummary:
    """What became of the records that were tried: `tried` quarantine records of `files` files.

    `quarantined` are refused again; `days` are the UTC days (ISO text) that the next run rebuilds.
    """

    files: int = 0
    tried: int = 0
    accepted: int = 0
    duplicates: int = 0
    amendments: int = 0
    quarantined: int = 0
    days: tuple[str, ...] = ()
    left: tuple[Left, ...] = ()


def retry(
    home: Home,
    settings: Settings,
    selection: Selection,
    progress: Callable[[str, int, int], None] | None = None,
) -> RetrySummary:
    """Read the chosen records again and commit what became of them. Holds the writer lock.

    A retry that changes nothing writes nothing. Raises MeterhouseError where the selection fits no record.
    """
    with warehouse.writer_lock(home), copies(home), warehouse.connect(home, in_memory=True) as con:
        commits, standing = open_held(con, home, selection)
        require_some(con, home, selection)
        chosen = chosen_files(con)
        if not chosen:
            return RetrySummary()
        sweep(home, commits)
        contents = landed_contents(home, settings)[0]
        present = by_content(contents)
        present |= _grown(home, contents, [standing[key] for key, _, _ in chosen if key not in present])
        found = [(key, name, records) for key, name, records in chosen if key in present]
        gone = [Left(key[0], name, records, GONE) for key, name, records in chosen if key not in present]
        if not found:
            return RetrySummary(left=tuple(gone))
        new = [under_first_name(present[key], standing[key]) for key, _, _ in found]
        number_files(con, new)
        again = Again([standing[key] for key, _, _ in found])
        received_at = now()
        read = take_in(con, home, commits, new, received_at, progress, again)
        left = [Left(found[n][0][0], found[n][1], found[n][2], why) for n, why in sorted(again.left.items())]
        tried = [(n, records) for n, (_, _, records) in enumerate(found) if n not in again.left]
        counted = RetrySummary(len(tried), sum(r for _, r in tried), left=tuple(gone + left))
        if not again.changed(con):
            return replace(counted, quarantined=counted.tried)
        commit = write_files(con, home, new, read, number=len(commits) + 1, received_at=received_at)
        write_commit(home, replace(commit, files=again.merged(commit.files)))
        kept = sum(standing[key].quarantined - records for key, _, records in found) + sum(r.records for r in left)
    return replace(
        counted,
        accepted=sum(f.accepted for f in commit.files),
        duplicates=sum(f.duplicates for f in commit.files),
        amendments=sum(f.amendments for f in commit.files),
        quarantined=sum(f.quarantined for f in commit.files) - kept,
        days=tuple(commit.touched_days),
    )


def _grown(home: Home, contents: list[NewFile], missing: Iterable[FileEntry]) -> dict[Key, NewFile]:
    """Of files that have been appended to since, copies of what they were, as long as that is their beginning still.

    A line that was torn then is whole by now.
    """
    named = {(f.landed.source.name, f.landed.name): f for f in contents}
    found = {}
    for entry in missing:
        file = named.get((entry.source, entry.file))
        part = part_of(home, file, entry.bytes) if file and file.landed.size > entry.bytes else None
        if part and part.digest == entry.file_digest:
            found[entry.source, entry.file_digest] = up_to_line_end(part, file.landed.path) if file else part
    return found


def by_content(files: Iterable[NewFile]) -> dict[Key, NewFile]:
    """Landed files by what they are known by; of copies the first by name."""
    found: dict[Key, NewFile] = {}
    for file in files:
        found.setdefault((file.landed.source.name, file.digest), file)
    return found


def under_first_name(file: NewFile, entry: FileEntry) -> NewFile:
    """The file under the name that it was landed by, whatever it is called now."""
    return replace(file, landed=replace(file.landed, name=entry.file))
