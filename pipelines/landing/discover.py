"""Finds what lies under landing/ and which source and format each file belongs to.

Reads file heads only; taking records in belongs in `ingest.py`.
"""

from __future__ import annotations

import fnmatch
import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
from pydantic import ValidationError

from pipelines.errors import MeterhouseError
from pipelines.landing.csv_records import csv_header
from pipelines.landing.failures import UnreadableFileError, is_machine_failure, machine_failure
from pipelines.landing.formats import load_formats
from pipelines.landing.lines import LineReader
from pipelines.landing.readers import file_type_of
from pipelines.settings import Settings, Source
from pipelines.sql import literal

if TYPE_CHECKING:
    from pipelines.home import Home

# Beside a source's entry and its format, what decides how its files are read.
_RULES = ("macros.sql", "normalise.py", "contract.py", "readers.py", "csv_records.py", "lines.py", "json_array.py")
_UNFINISHED = (".tmp", ".part", ".partial", ".crdownload", ".swp")


@dataclass(frozen=True, slots=True)
class LandedFile:
    """A file under landing/: its source entry, path, name below the source's folder, size and time."""

    source: Source
    path: Path
    name: str
    size: int
    mtime_ns: int


def landed_files(home: Home, settings: Settings) -> tuple[list[LandedFile], list[Path]]:
    """All files to consider, sorted by source and name, and those no source entry asks for.

    Hidden files and files with the suffix of an unfinished copy are left alone. A folder without
    an entry is recognised by the content of its first file.
    """
    found: list[LandedFile] = []
    unasked: list[Path] = []
    if not home.landing.is_dir():
        return found, unasked
    for folder in sorted(p for p in home.landing.iterdir() if not p.name.startswith(".")):
        if folder.is_file():
            raise MeterhouseError(
                "a file lies directly under landing/, so its source is unknown.",
                file=folder,
                way_out="Move it into a folder named for its source, as in landing/gateway/.",
            )
        files = [p for p in sorted(folder.rglob("*")) if p.is_file() and _is_finished(p, folder)]
        if not files:
            continue
        source = settings.source(folder.name) or _recognise(folder, files)
        for path in files:
            name = path.relative_to(folder).as_posix()
            if not (fnmatch.fnmatch(name, source.files) or fnmatch.fnmatch(path.name, source.files)):
                unasked.append(path)
                continue
            stat = path.stat()
            found.append(LandedFile(source, path, name, stat.st_size, stat.st_mtime_ns))
    return found, unasked


def _is_finished(path: Path, folder: Path) -> bool:
    hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
    return not hidden and path.suffix.lower() not in _UNFINISHED


def _recognise(folder: Path, files: list[Path]) -> Source:
    """The format of a folder without an entry, by the keys of its first record."""
    _check_name(folder)
    keys: set[str] = set()
    for path in files:
        keys = record_keys(path)
        for fmt in load_formats().values():
            if any(set(alternative) <= keys for alternative in fmt.recognise):
                return Source.model_validate({"name": folder.name, "format": fmt.name})
    raise MeterhouseError(
        f"the format of landing/{folder.name}/ is not recognised (fields seen: "
        f"{', '.join(sorted(keys)[:12]) or 'none'}).",
        file=files[0],
        way_out=f'Add a [[sources]] entry with name = "{folder.name}" and its format to meterhouse.toml '
        '(format = "mapped" reads any CSV, JSON lines or Parquet), or move the folder out of landing/.',
    )


def _check_name(folder: Path) -> None:
    """Refuse a folder whose name no source can have."""
    try:
        Source(name=folder.name, format="canonical")
    except ValidationError as error:
        raise MeterhouseError(
            f"landing/{folder.name}/ cannot be a source: a name begins with a letter or digit and has only "
            "letters (A-Z, a-z), digits, '.', '_' and '-'.",
            file=folder,
            way_out="Rename the folder, or move it out of landing/.",
        ) from error


def record_keys(path: Path) -> set[str]:
    """Field names of the first readable record of a file; empty when there is none."""
    kind = file_type_of(path)
    with duckdb.connect() as con:
        try:
            if kind == "csv":
                return set(csv_header(path)[0])
            if kind == "parquet":
                rows = con.execute(f"describe select * from read_parquet({literal(path)})").fetchall()
                return {row[0] for row in rows}
            con.register("first_lines", LineReader(path).stream())
            row = con.execute("""
                select json_keys(raw) from first_lines
                where json_valid(raw) and json_type(raw) = 'OBJECT' limit 1""").fetchone()
        except (duckdb.Error, OSError, UnreadableFileError) as error:
            if is_machine_failure(error):
                raise machine_failure(error, path) from error
            return set()
    return set(row[0]) if row else set()


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
