"""Fetches the objects of sources that live in an object store, so that they are read as landed files are.

`fetched/<source>/` of the home is a copy of what the store holds: an object is fetched when its name, size or version
is new, whole or not at all. What becomes of its content is decided by the content, as for every landed file, so an
object that is fetched twice, renamed or appended to adds nothing twice. Anything that fsspec reads can be named.
"""

from __future__ import annotations

import fnmatch
import json
import os
import tempfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from pipelines.errors import MeterhouseError
from pipelines.landing.discover import is_finished
from pipelines.machine import machine_error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fsspec import AbstractFileSystem

    from pipelines.home import Home
    from pipelines.settings import Settings, Source

# Object → size and what tells its versions apart.
_Memory = dict[str, list[int | str]]
# By what stores tell versions apart, the surest first.
_VERSIONS = ("ETag", "etag", "md5Hash", "content_md5", "LastModified", "last_modified", "updated", "mtime", "created")


def fetch(home: Home, settings: Settings, progress: Callable[[str, int, int], None] | None = None) -> int:
    """Copy new objects of every source that has a `url`; returns how many. Call it under the writer lock.

    Raises MeterhouseError where a store cannot be reached or read; what was fetched before stays.
    """
    return sum(_fetch_source(home, source, progress) for source in settings.sources if source.url)


def _fetch_source(home: Home, source: Source, progress: Callable[[str, int, int], None] | None) -> int:
    folder = home.fetched / source.name
    folder.mkdir(parents=True, exist_ok=True)
    memory = _read_memory(home, source)
    fetched = 0
    try:
        store, root = _open(source)
        found = list(_objects(store, root, source))
        new = [(name, path, stamp) for name, path, stamp in found if memory.get(name) != stamp]
        for number, (name, path, stamp) in enumerate(new):
            target = _target(folder, name, source)
            if _copy(store, path, target):
                memory[name] = stamp
                fetched += 1
            if progress:
                progress(f"{source.name}/{name}", number + 1, len(new))
    except MeterhouseError:
        raise
    # Every store has errors of its own, and none of them is ours.
    except Exception as error:
        # A permission may be that of the store.
        if (known := machine_error(error)) and not isinstance(error, PermissionError):
            raise known from error
        raise MeterhouseError(
            f"the objects of source {source.name!r} at {source.url} cannot be fetched: "
            f"{type(error).__name__}: {' '.join(str(error).split())[:300]}.",
            file=home.config,
            way_out="Nothing was lost: mend the address, the credentials or the network, and run again.",
        ) from error
    finally:
        if fetched:
            _write_memory(home, source, memory)
    return fetched


def _open(source: Source) -> tuple[AbstractFileSystem, str]:
    import fsspec

    try:
        store, root = fsspec.url_to_fs(source.url, **source.storage)
    except (ImportError, ValueError) as error:
        raise MeterhouseError(
            f"source {source.name!r}: {source.url} needs a package or protocol that is not there: {error}.",
            way_out="Install the package of that store beside Meterhouse (s3fs, gcsfs, adlfs, ...), or correct `url`.",
        ) from error
    # What another run saw in a listing may be old.
    store.invalidate_cache()
    return store, root


def _objects(store: AbstractFileSystem, root: str, source: Source) -> Iterator[tuple[str, str, list[int | str]]]:
    """Name below the root, path and stamp of every object that the source asks for, in order."""
    listed = store.find(root, detail=True, withdirs=False)
    for path, info in sorted(listed.items()):
        name = PurePosixPath(path).relative_to(PurePosixPath(root)).as_posix() if path != root else Path(path).name
        wanted = fnmatch.fnmatch(name, source.files) or fnmatch.fnmatch(PurePosixPath(name).name, source.files)
        if wanted and is_finished(PurePosixPath(name)):
            yield name, path, _stamp(info)


def _stamp(info: dict[str, Any]) -> list[int | str]:
    version = next((str(info[key]) for key in _VERSIONS if info.get(key)), "")
    return [int(info.get("size") or 0), version]


def _target(folder: Path, name: str, source: Source) -> Path:
    """Where an object's copy lies; refuses a name that leads out of the folder or through another object."""
    parts = PurePosixPath(name).parts
    target = folder.joinpath(*parts)
    above = [folder.joinpath(*parts[:n]) for n in range(1, len(parts))]
    if ".." in parts or "\0" in name or any(p.is_file() for p in above) or target.is_dir():
        raise MeterhouseError(
            f"object {name!r} of source {source.name!r} has a name that no file beside the others can have.",
            way_out="Rename the object, or leave it out with `files` of the source in meterhouse.toml.",
        )
    return target


def _copy(store: AbstractFileSystem, path: str, target: Path) -> bool:
    """Fetch one object; False when it was replaced or taken away meanwhile: the next run fetches it."""

    def stamp() -> list[int | str]:
        # A listing may tell the same version in other words.
        store.invalidate_cache()
        return _stamp(store.info(path))

    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(target.name + ".part")
    try:
        before = stamp()
        store.get_file(path, str(beside))
        after = stamp()
    except FileNotFoundError:
        beside.unlink(missing_ok=True)
        return False
    if after != before or beside.stat().st_size != before[0]:
        beside.unlink()
        return False
    with beside.open("rb") as file:
        os.fsync(file.fileno())
    beside.replace(target)
    return True


def _memory_file(home: Home, source: Source) -> Path:
    return home.work / f"fetched-{source.name}.json"


def _read_memory(home: Home, source: Source) -> _Memory:
    """What was fetched from this address before; nothing where that was another one."""
    try:
        kept = json.loads(_memory_file(home, source).read_text(encoding="utf-8"))
        return dict(kept["objects"]) if kept["url"] == source.url else {}
    except (OSError, ValueError, KeyError):
        return {}


def _write_memory(home: Home, source: Source, memory: _Memory) -> None:
    home.make_work()
    with tempfile.NamedTemporaryFile(
        "w", dir=home.work, prefix="fetched-", suffix=".tmp", delete=False, encoding="utf-8"
    ) as beside:
        json.dump({"url": source.url, "objects": memory}, beside)
    Path(beside.name).replace(_memory_file(home, source))
