"""Everything that stands in a home, in a form that can be compared: rows, the manifest, exports, pages, file names."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import duckdb

from pipelines.publish.exports import published_folder
from pipelines.sql import literal
from tests.conftest import digests
from tests.landing.homes import events, quarantined

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.home import Home

# Scratch space, the log for people, and the folders behind `exports/published`, whose numbers grow.
_NOT_COMPARED = (".work", "runs.jsonl", "exports", "site")


@dataclass
class Landed:
    """What the landing step has made visible, and the names of all files of the home."""

    manifest: dict[str, str]
    events: list[dict[str, Any]]
    quarantined: list[dict[str, Any]]
    names: list[str]


@dataclass
class Published(Landed):
    """And the tables, the exported files' rows, and the pages."""

    tables: dict[str, Any]
    exports: dict[str, Any]
    pages: dict[str, str]


def manifest(home: Home) -> dict[str, str]:
    """Text of every manifest entry by name: what of the landing step is visible."""
    return {p.name: p.read_text(encoding="utf-8") for p in sorted((home.events / "manifest").glob("*.json"))}


def landed(home: Home) -> Landed:
    """The state after a landing step."""
    return Landed(
        manifest(home),
        events(home),
        quarantined(home),
        sorted(
            name for p in home.root.rglob("*")
            if p.is_file() and not (name := p.relative_to(home.root).as_posix()).startswith(_NOT_COMPARED)
        ),
    )  # fmt: skip


def published(home: Home) -> Published:
    """The state after a whole run."""
    below = landed(home)
    return Published(
        **{f.name: getattr(below, f.name) for f in fields(below)},
        tables=digests(home),
        exports=_exports(published_folder(home)),
        pages={
            p.relative_to(home.site).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
            for p in sorted(home.site.rglob("*")) if p.is_file()
        },
    )  # fmt: skip


def _exports(folder: Path) -> dict[str, Any]:
    """Rows and their digest by table or day; None for what is no Parquet."""
    found: dict[str, Any] = {}
    with duckdb.connect() as con:
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            rows = f"read_parquet({literal(path)}, hive_partitioning = false)"
            name = path.relative_to(folder).as_posix()
            # A day's file is named by dbt's thread or by the run that wrote it.
            name = name if "/" not in name else name.rsplit("/", 1)[0]
            whole = f"select count(*), sum(hash(t)::hugeint) from {rows} as t"
            digest = con.execute(whole).fetchone() if path.suffix == ".parquet" else None
            found.setdefault(name, []).append(digest)
    return {name: sorted(parts, key=str) for name, parts in found.items()}


def differences(found: Landed, wanted: Landed) -> list[str]:
    """What is not as it should be, a line each."""
    lines = []
    for part in fields(wanted):
        ours, theirs = getattr(found, part.name), getattr(wanted, part.name)
        if ours == theirs:
            continue
        if isinstance(theirs, dict):
            lines += [
                f"{part.name}: {key}: {ours.get(key)!s:.300} instead of {theirs.get(key)!s:.300}"
                for key in sorted({*ours, *theirs}) if ours.get(key) != theirs.get(key)
            ]  # fmt: skip
        else:
            extra, missing = [x for x in ours if x not in theirs], [x for x in theirs if x not in ours]
            lines.append(f"{part.name}: too much {extra!s:.500}; missing {missing!s:.500}")
    return lines
