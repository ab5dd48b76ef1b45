"""Finds what lies under landing/ and which source and format each file belongs to.

Reads file heads only; taking records in belongs in `ingest.py`.
"""

from __future__ import annotations

import fnmatch
import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

import duckdb
from pydantic import ValidationError

from pipelines.errors import MeterhouseError
from pipelines.landing.csv_rows import csv_header
from pipelines.landing.failures import UnreadableFileError, first_cause, is_machine_failure, machine_failure
from pipelines.landing.formats import load_formats
from pipelines.landing.lines import LineReader
from pipelines.landing.readers import file_type_of
from pipelines.settings import Settings, Source
from pipelines.sql import literal

if TYPE_CHECKING:
    from pipelines.home import Home
    from pipelines.landing.formats import Format

# Beside a source's entry and its format, what decides how its files are read.
_RULES = (
    "macros.sql", "zone.sql", "normalise.py", "contract.py", "readers.py", "csv_rows.py", "csv_records.py", "lines.py",
    "json_array.py", "limits.py", "parquet_parts.py",
)  # fmt: skip
_UNFINISHED = (".tmp", ".part", ".partial", ".crdownload", ".swp")


@dataclass(frozen=True, slots=True)
class LandedFile:
    """A file under landing/: its source entry, path, name below the source's folder, size and time."""

    source: Source
    path: Path
    name: str
    size: int
    mtime_ns: int


class UnclearSourceError(MeterhouseError):
    """What lies under landing/ without a source that could be told."""


@dataclass(frozen=True, slots=True)
class Landing:
    """What lies under landing/, sorted by source and name.

    `unasked` are files that their source's entry leaves out; `unclear` says of files without a source why: nothing of
    them is read, and all else is.
    """

    files: list[LandedFile]
    unasked: list[Path]
    unclear: list[UnclearSourceError]


def landed_files(home: Home, settings: Settings) -> Landing:
    """All files to consider.

    They lie under landing/, or under fetched/ where a source's objects were copied to. Hidden files and files with the
    suffix of an unfinished copy are left alone. A folder without an entry is recognised by the content of its first
    file with a record; one that has none yet is no source yet.
    """
    found: list[LandedFile] = []
    unasked: list[Path] = []
    unclear: list[UnclearSourceError] = []
    folders = [p for p in home.landing.iterdir() if not p.name.startswith(".")] if home.landing.is_dir() else []
    folders += [p for s in settings.sources if s.url and (p := home.fetched / s.name).is_dir()]
    for folder in sorted(folders, key=lambda p: (p.name, p)):
        if folder.is_file():
            unclear.append(
                UnclearSourceError(
                    "a file lies directly under landing/, so its source is unknown.",
                    file=folder,
                    way_out="Move it into a folder named for its source, as in landing/gateway/.",
                )
            )
            continue
        files = [p for p in sorted(folder.rglob("*")) if p.is_file() and is_finished(p.relative_to(folder))]
        if not files:
            continue
        try:
            source = settings.source(folder.name) or _recognise(folder, files)
        except UnclearSourceError as error:
            unclear.append(error)
            continue
        if source is None:
            continue
        for path in files:
            name = path.relative_to(folder).as_posix()
            if not is_asked_for(source, name):
                unasked.append(path)
                continue
            stat = path.stat()
            found.append(LandedFile(source, path, name, stat.st_size, stat.st_mtime_ns))
    return Landing(found, unasked, unclear)


def is_asked_for(source: Source, name: str) -> bool:
    """Whether a source's `files` pattern takes in a name below its folder."""
    return fnmatch.fnmatch(name, source.files) or fnmatch.fnmatch(PurePath(name).name, source.files)


def is_finished(name: PurePath) -> bool:
    """Whether a name below a source's folder is one to read: not hidden, and no unfinished copy."""
    return not any(part.startswith(".") for part in name.parts) and name.suffix.lower() not in _UNFINISHED


def _recognise(folder: Path, files: list[Path]) -> Source | None:
    """The format of a folder without an entry, by the keys of the first record; None where there is no record."""
    check_name(folder)
    keys: set[str] | None = None
    problem = ""
    for path in files:
        try:
            fmt, _, keys = format_of(path)
        except UnreadableFileError as error:
            problem = problem or f"; {path.name} cannot be read: {error}"
            continue
        if fmt:
            return Source.model_validate({"name": folder.name, "format": fmt.name})
    if keys is None and not problem:
        return None
    raise UnclearSourceError(
        f"the format of landing/{folder.name}/ is not recognised (fields seen: "
        f"{', '.join(sorted(keys or ())[:12]) or 'none'}{problem}).",
        file=files[0],
        way_out=f'Add a [[sources]] entry with name = "{folder.name}" and its format to meterhouse.toml '
        '(format = "mapped" reads any CSV, JSON lines or Parquet), or move the folder out of landing/.',
    )


def format_of(path: Path) -> tuple[Format | None, tuple[str, ...], set[str] | None]:
    """The format that a file's first record gives away, by which fields, and all fields of that record.

    There are none where it has no record. Raises UnreadableFileError where its content cannot be read.
    """
    keys = record_keys(path)
    for fmt in load_formats().values():
        for alternative in fmt.recognise:
            if set(alternative) <= (keys or set()):
                return fmt, tuple(alternative), keys
    return None, (), keys


def check_name(folder: Path) -> None:
    """Raise UnclearSourceError for a folder whose name no source can have."""
    try:
        Source(name=folder.name, format="canonical")
    except ValidationError as error:
        raise UnclearSourceError(
            f"landing/{folder.name}/ cannot be a source: a name begins with a letter or digit and has only "
            "letters (A-Z, a-z), digits, '.', '_' and '-'.",
            file=folder,
            way_out="Rename the folder, or move it out of landing/.",
        ) from error


def record_keys(path: Path) -> set[str] | None:
    """Field names of the first readable record of a file; empty where no record has any, None where there is none.

    Raises UnreadableFileError where the content cannot be read, MeterhouseError where the machine cannot just now.
    """
    kind = file_type_of(path)
    lines = None
    with duckdb.connect() as con:
        try:
            if kind == "csv":
                return set(csv_header(path)[0]) or None
            if kind == "parquet":
                rows = con.execute(f"describe select * from read_parquet({literal(path)})").fetchall()
                return {row[0] for row in rows}
            lines = LineReader(path)
            con.register("first_lines", lines.stream())
            row = con.execute("""
                select json_keys(raw) from first_lines
                where json_valid(raw) and json_type(raw) = 'OBJECT' limit 1""").fetchone()
        except (duckdb.Error, OSError, UnreadableFileError) as caught:
            error = (lines and lines.failure) or caught
            if is_machine_failure(error):
                raise machine_failure(error, path) from error
            raise UnreadableFileError(first_cause(error, path, path.name)) from error
    if row:
        return set(row[0])
    return set() if lines.count() else None


def content_digest(path: Path) -> str:
    """SHA-256 of the file's bytes: a file is known by content, not by name.

    Raises FileNotFoundError when it is gone, MeterhouseError when it cannot be read just now.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise machine_failure(error, path) from error


def reading_digest(source: Source) -> str:
    """Digest of how a source is read: its entry, its format's mapping and the rules for all formats."""
    text = json.dumps(source.model_dump(mode="json"), sort_keys=True) + load_formats()[source.format].body + _rules()
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@cache
def _rules() -> str:
    return "".join(Path(__file__).with_name(name).read_text(encoding="utf-8") for name in _RULES)
