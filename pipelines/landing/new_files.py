"""Finds the landed files that no run has taken in yet, by content. Reads no records."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.landing.discover import LandedFile, Landing, content_digest, landed_files, reading_digest
from pipelines.landing.manifest import Commit, current_files

if TYPE_CHECKING:
    from pipelines.home import Home
    from pipelines.settings import Settings

# Path → size, time of change in nanoseconds, SHA-256.
_Memory = dict[str, list[int | str]]


@dataclass(frozen=True, slots=True)
class NewFile:
    """A landed file whose content is new: SHA-256 of its bytes, and digest of how it is read."""

    landed: LandedFile
    digest: str
    reading: str


def landed_contents(home: Home, settings: Settings) -> tuple[list[NewFile], Landing]:
    """Every landed file with what its content is known by, and what lies under landing/.

    Digests are remembered by (path, size, time of change), so an unchanged landing folder costs
    one look at each name. A file that is taken away while this looks at it is left out. Needs no lock.
    """
    landing = landed_files(home, settings)
    memory = _read_memory(home)
    seen: _Memory = {}
    contents: list[NewFile] = []
    for landed in landing.files:
        stamp = [landed.size, landed.mtime_ns]
        remembered = memory.get(str(landed.path))
        if remembered and remembered[:2] == stamp:
            digest = str(remembered[2])
        else:
            try:
                digest = content_digest(landed.path)
            except FileNotFoundError:
                continue
        seen[str(landed.path)] = [*stamp, digest]
        contents.append(NewFile(landed, digest, reading_digest(landed.source)))
    if seen != memory:
        _write_memory(home, seen)
    return contents, landing


def find_new(home: Home, settings: Settings, commits: list[Commit]) -> tuple[list[NewFile], Landing]:
    """Files whose content no run has taken in, and what lies under landing/.

    A file of which everything is in quarantine is new again when its source's mapping has changed.
    Needs no lock.
    """
    contents, landing = landed_contents(home, settings)
    known = current_files(commits)
    new: dict[tuple[str, str], NewFile] = {}
    for file in contents:
        key = (file.landed.source.name, file.digest)
        if entry := known.get(key):
            before = entry[0]
            retry = before.reading_digest != file.reading and before.records_read == before.quarantined > 0
            if not retry:
                continue
        new.setdefault(key, file)
    return list(new.values()), landing


def _memory_file(home: Home) -> Path:
    return home.work / "digests.json"


def _read_memory(home: Home) -> _Memory:
    try:
        return dict(json.loads(_memory_file(home).read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def _write_memory(home: Home, memory: _Memory) -> None:
    """Replace the memory in one rename; run and sensor may do so at the same time."""
    home.make_work()
    with tempfile.NamedTemporaryFile(
        "w", dir=home.work, prefix="digests-", suffix=".tmp", delete=False, encoding="utf-8"
    ) as beside:
        json.dump(memory, beside)
    Path(beside.name).replace(_memory_file(home))
