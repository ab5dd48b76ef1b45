"""Says what would become of the lines of a file if it landed now. Nothing of the home is written.

The very steps of a run are taken, on scratch space, against what the home has taken in. How it is printed belongs in
`check_text.py`.
"""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from pipelines import warehouse
from pipelines.errors import MeterhouseError
from pipelines.home import Home
from pipelines.landing.discover import (
    LandedFile,
    check_name,
    content_digest,
    format_of,
    is_asked_for,
    is_finished,
    reading_digest,
)
from pipelines.landing.failures import UnreadableFileError
from pipelines.landing.formats import load_formats
from pipelines.landing.ingest import now, take_in
from pipelines.landing.manifest import current_files, read_manifest
from pipelines.landing.new_files import NewFile
from pipelines.landing.readers import file_type_of
from pipelines.settings import Source

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

    from pipelines.landing.formats import Format
    from pipelines.landing.manifest import Commit
    from pipelines.settings import Settings

OUTCOMES = ("accepted", "amendment", "duplicate", "quarantined")
# What would become of each line: file_no, line, outcome, field and reason of a refusal, and the event in brief.
_LINES = """
    create or replace temp table checked as
    with told as (
        select file_no, line, case when verdict = 'amendment' then verdict end as verdict
        from verdicts where verdict in ('accepted', 'amendment')
    )
    select
        s.file_no, s.line, coalesce(told.verdict, 'accepted') as outcome, null::varchar as field,
        null::varchar as reason, s.event_id, s.occurred_at, s.organization_id, s.provider, s.model,
        s.raw_input_tokens, s.raw_output_tokens
    from staged as s left join told using (file_no, line)
    union all by name
    select
        file_no, line, verdict as outcome,
        'the same record was taken in before, or stands in another line' as reason
    from verdicts where verdict = 'duplicate'
    union all by name
    select file_no, line, 'quarantined' as outcome, field, reason from quarantine_rows"""


@dataclass(frozen=True, slots=True)
class Checked:
    """A file as it would be read: source entry, by what its format is known, records, and if it was taken in before.

    `left` says why a run would not read it where it is, if so.
    """

    file: Path
    source: Source
    known_by: str
    file_type: str
    records: int
    taken_in_before: bool
    left: str | None = None


@contextmanager
def checked(
    home: Home, settings: Settings, files: list[Path], source: str | None = None, log_format: str | None = None
) -> Iterator[tuple[list[Checked], duckdb.DuckDBPyConnection]]:
    """Files as a run would take them in together; the connection has table `checked`, a row a record.

    `source` and `log_format` stand in for what the file's folder and content say. Raises MeterhouseError where the
    format of a file cannot be told.
    """
    for path in files:
        if not path.is_file():
            raise MeterhouseError("it is no file, and a run leaves it alone.", file=path, way_out="Name a file.")
    sources = [_source(home, settings, path, source, log_format) for path in files]
    new = [_new(path, entry) for path, (entry, _) in zip(files, sources, strict=True)]
    commits = read_manifest(home)
    known = current_files(commits)
    with tempfile.TemporaryDirectory(prefix="meterhouse-check-") as scratch:
        beside = Home(Path(scratch))
        if home.salt_file.exists():
            # Duplicates are told by digests of pseudonyms.
            shutil.copy2(home.salt_file, beside.salt_file)
        with warehouse.connect(beside, in_memory=True) as con:
            read = take_in(con, beside, [_rooted(home, c) for c in commits], new, now())
            con.execute(_LINES)
            yield (
                [
                    Checked(
                        path, entry, known_by, file_type_of(path) or "jsonl", read[number],
                        (entry.name, new[number].digest) in known, _left_by_a_run(home, path, entry),
                    )
                    for number, (path, (entry, known_by)) in enumerate(zip(files, sources, strict=True))
                ],
                con,
            )  # fmt: skip


def _source(
    home: Home, settings: Settings, path: Path, source: str | None, log_format: str | None
) -> tuple[Source, str]:
    """The entry that a file is read by, and why that one."""
    name = source or _folder(home, path)
    entry = settings.source(name) if name else None
    if log_format:
        if log_format not in load_formats():
            raise MeterhouseError(
                f"{log_format!r} is not a format; known: {', '.join(load_formats())}.", way_out="Correct --format."
            )
        base = entry or Source(name=name or "checked", format="canonical")
        return base.model_copy(update={"format": log_format}), "--format"
    if entry:
        return entry, f"the entry of source {entry.name} in meterhouse.toml"
    if source and not (home.landing / source).is_dir():
        raise MeterhouseError(
            f"there is no source {source!r}.",
            file=home.config,
            way_out="Name one of its [[sources]] or a folder under landing/, or leave --source out.",
        )
    if name and not source:
        check_name(home.landing / name)
    fmt, fields = _recognised(path)
    return Source(name=name or "checked", format=fmt.name), f"the fields {', '.join(fields)}"


def _recognised(path: Path) -> tuple[Format, tuple[str, ...]]:
    """The format of a file, and the fields that give it away."""
    try:
        fmt, fields, keys = format_of(path)
        if fmt:
            return fmt, fields
        cause = "it has no record"
        if keys is not None:
            cause = f"fields of the first record: {', '.join(sorted(keys)[:12]) or 'none could be read'}"
    except UnreadableFileError as error:
        cause = f"it cannot be read: {error}"
    raise MeterhouseError(
        f"its format is not recognised ({cause}).",
        file=path,
        way_out="Try --format NAME (`meterhouse formats` lists them), or --source NAME with a [[sources]] entry in "
        'meterhouse.toml; format = "mapped" reads any CSV, JSON lines or Parquet.',
    )


def _folder(home: Home, path: Path) -> str | None:
    """The source whose folder the file lies in, if it lies under landing/."""
    parts = _below_landing(home, path)
    return parts[0] if len(parts) > 1 else None


def _below_landing(home: Home, path: Path) -> tuple[str, ...]:
    """The names on the way from landing/ to a file, as it is named or as it is once links are followed; else none."""
    for way in (Path.absolute, Path.resolve):
        with suppress(ValueError):
            return way(path).relative_to(way(home.landing)).parts
    return ()


def _left_by_a_run(home: Home, path: Path, entry: Source) -> str | None:
    """Why a run would not read the file where it is, if it would not."""
    parts = _below_landing(home, path)
    if not parts:
        return None
    if len(parts) == 1:
        return "it lies directly under landing/: move it into a folder named for its source"
    name = PurePath(*parts[1:])
    if parts[0].startswith(".") or not is_finished(name):
        return "its name is hidden or that of an unfinished copy"
    if any((home.landing / PurePath(*parts[:n])).is_symlink() for n in range(2, len(parts))):
        return "it lies in a folder that is a link: only the folder of a source may be one"
    if not is_asked_for(entry, name.as_posix()):
        return "the `files` pattern of its source leaves it out"
    return None


def _new(path: Path, entry: Source) -> NewFile:
    stat = path.stat()
    landed = LandedFile(entry, path, path.name, stat.st_size, stat.st_mtime_ns)
    return NewFile(landed, content_digest(path), reading_digest(entry))


def _rooted(home: Home, commit: Commit) -> Commit:
    """The commit with its indexes named from the root, for a reader elsewhere."""

    def rooted(name: str | None) -> str | None:
        return name and str((home.root / name).absolute())

    return replace(commit, keys=rooted(commit.keys), refused=rooted(commit.refused))
