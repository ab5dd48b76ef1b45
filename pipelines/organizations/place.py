"""Where a home keeps its facts about organisations, and what tells a run that they changed."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from pipelines.errors import MeterhouseError

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.home import Home

FILES = ("organizations.csv", "organizations.yaml")
_NEAR = ("organizations.yml", "organizations.json", "organisations.csv", "organisations.yaml", "organisations.yml")


def files_of(home: Home) -> list[Path]:
    """The files of facts that are there: one at most, if all is well."""
    # A link that leads nowhere is a file that cannot be read, not a home without facts.
    return [path for path in (home.root / name for name in FILES) if path.exists() or path.is_symlink()]


def facts_file(home: Home) -> Path | None:
    """The file to read; None where there is none. Raises MeterhouseError where it is not clear which it is."""
    found = files_of(home)
    if len(found) > 1:
        raise MeterhouseError(
            f"there is {FILES[1]} as well, and only one of them can hold the facts about organisations.",
            file=found[0],
            way_out="Move all rows into one of them and remove the other.",
        )
    if not found:
        for name in _NEAR:
            if (home.root / name).exists():
                raise MeterhouseError(
                    "facts about organisations are not read from a file of this name.",
                    file=home.root / name,
                    way_out=f"Name it {' or '.join(FILES)}.",
                )
    return found[0] if found else None


def _content(path: Path) -> bytes:
    """Digest of what the file says; nothing of one that cannot be read, which is told when it is."""
    try:
        return hashlib.sha256(path.read_bytes()).digest()
    except OSError:
        return b""


def facts_digest(home: Home) -> str:
    """Digest of the files of facts as they lie there; another one makes the next run redo the watch."""
    digest = hashlib.sha256()
    for name in (*FILES, *_NEAR):
        path = home.root / name
        if path.exists() or path.is_symlink():
            digest.update(name.encode() + b"\0" + _content(path))
    return digest.hexdigest()
