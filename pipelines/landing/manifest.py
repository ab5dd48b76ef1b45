"""The manifest: a file's entry and its rows become visible together, by one rename, or not at all.

One JSON file a run, retry or drop under events/manifest/, numbered in order and never changed. Data files are
written first; what no manifest entry names does not exist. Nothing here reads or writes events themselves.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from pipelines.errors import MeterhouseError
from pipelines.landing import leftovers

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.home import Home

VERSION = 1


@dataclass(frozen=True, slots=True)
class FileEntry:
    """What became of one landed file. read = accepted + duplicates + amendments + quarantined + dropped.

    A retry or a drop of quarantined records writes the file's entry anew, with what holds since.
    """

    source: str
    file: str
    format: str
    file_digest: str
    reading_digest: str
    bytes: int
    records_read: int
    accepted: int
    duplicates: int
    amendments: int
    quarantined: int
    first_occurred_at: str | None
    last_occurred_at: str | None
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class Drop:
    """Who dropped quarantined records and why; `rows` is the file that keeps them, relative to the home."""

    by: str
    because: str
    records: int
    rows: str


@dataclass(frozen=True, slots=True)
class Commit:
    """One entry, of a run, a retry or a drop: what became of files, event files by day, and the days that changed.

    Paths are relative to the home. `touched_days` are UTC dates (ISO text), including days whose
    events were superseded by an amendment of another day.
    """

    number: int
    commit_id: str
    received_at: str
    files: list[FileEntry]
    events: dict[str, str] = field(default_factory=dict)
    keys: str | None = None
    superseded: str | None = None
    quarantine: str | None = None
    refused: str | None = None
    touched_days: list[str] = field(default_factory=list)
    drop: Drop | None = None
    version: int = VERSION


def manifest_folder(home: Home) -> Path:
    """Where the entries lie."""
    return home.events / "manifest"


def read_manifest(home: Home) -> list[Commit]:
    """All entries in the order they were made."""
    commits = []
    for path in sorted(manifest_folder(home).glob("*.json")):
        try:
            raw = json.loads(path.read_text(encoding="utf-8"))
            files = [FileEntry(**f) for f in raw.pop("files")]
            drop = raw.pop("drop", None)
            commits.append(Commit(files=files, drop=drop and Drop(**drop), **raw))
        except (ValueError, TypeError, KeyError) as error:
            raise MeterhouseError(
                f"this manifest entry cannot be read ({error}).",
                file=path,
                way_out="It was written by another version of Meterhouse or damaged: restore it from a backup.",
            ) from error
    return commits


def current_files(commits: list[Commit]) -> dict[tuple[str, str], tuple[FileEntry, Commit]]:
    """The standing entry of each (source, content digest): the latest."""
    return {(f.source, f.file_digest): (f, commit) for commit in commits for f in commit.files}


def write_commit(home: Home, commit: Commit) -> None:
    """Make a commit visible. Everything it names must already be on disk."""
    folder = manifest_folder(home)
    folder.mkdir(parents=True, exist_ok=True)
    final = folder / f"{commit.number:08d}-{commit.commit_id}.json"
    beside = final.with_suffix(".json.tmp")
    with beside.open("w", encoding="utf-8") as file:
        json.dump(asdict(commit), file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(final)
    sync_folder(folder)
    leftovers.done(home)


def sync_folder(folder: Path) -> None:
    """Make a rename in `folder` survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
