"""Finds the landed files that no run has taken in yet, by content. Reads no records."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.landing.discover import LandedFile, content_digest, landed_files, reading_digest
from pipelines.landing.manifest import Commit, current_files

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.home import Home
    from pipelines.settings import Settings


@dataclass(frozen=True, slots=True)
class NewFile:
    """A landed file whose content is new: SHA-256 of its bytes, and digest of how it is read."""

    landed: LandedFile
    digest: str
    reading: str


def find_new(home: Home, settings: Settings, commits: list[Commit]) -> tuple[list[NewFile], list[Path]]:
    """Files whose content no run has taken in, and files that no source entry asks for.

    Digests are remembered by (path, size, time of change), so an unchanged landing folder costs
    one look at each name. A file of which nothing was accepted is new again when its source's
    mapping has changed.
    """
    found, unasked = landed_files(home, settings)
    known = current_files(commits)
    memory = _read_memory(home)
    new: dict[tuple[str, str], NewFile] = {}
    for landed in found:
        stamp = [landed.size, landed.mtime_ns]
        remembered = memory.get(str(landed.path))
        if remembered and remembered[:2] == stamp:
            digest = str(remembered[2])
        else:
            digest = content_digest(landed.path)
            memory[str(landed.path)] = [*stamp, digest]
        reading = reading_digest(landed.source)
        entry = known.get((landed.source.name, digest))
        if entry is not None:
            before = entry[0]
            retry = before.reading_digest != reading and before.records_read == before.quarantined > 0
            if not retry:
                continue
        new.setdefault((landed.source.name, digest), NewFile(landed, digest, reading))
    _write_memory(home, memory)
    return list(new.values()), unasked


def _memory_file(home: Home) -> Path:
    return home.work / "digests.json"


def _read_memory(home: Home) -> dict[str, list[int | str]]:
    try:
        return dict(json.loads(_memory_file(home).read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def _write_memory(home: Home, memory: dict[str, list[int | str]]) -> None:
    home.work.mkdir(parents=True, exist_ok=True)
    beside = _memory_file(home).with_suffix(".tmp")
    beside.write_text(json.dumps(memory), encoding="utf-8")
    beside.replace(_memory_file(home))
