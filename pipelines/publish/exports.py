"""Writes the published tables as Parquet, audits them and swaps them in by one rename.

`exports/published` is a link to a finished folder; readers never meet half a run or DuckDB's
lock. Only days that changed are written again, the rest are hard links to the folder before, which
stays for those who are still reading it.
The audit itself belongs in `audit.py`, rendering pages in `site.py`.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines import warehouse
from pipelines.landing.manifest import read_manifest
from pipelines.publish.audit import audit
from pipelines.sql import literal

if TYPE_CHECKING:
    import duckdb

    from pipelines.build import Plan
    from pipelines.home import Home
    from pipelines.landing.manifest import Commit

# Small tables, one file each: name → relation in the warehouse.
SMALL: dict[str, str] = {
    "spend_daily": "published.spend_daily",
    "extraction_flags": "published.extraction_flags",
    "ingested_files": "published.ingested_files",
    "quarantined_records": "published.quarantined_records",
    "price_book": "published.price_book",
    "build": "published.build",
    "price_rates": "marts.price_rates",
    "activity_daily": "marts.activity_daily",
    "activity_hourly": "marts.activity_hourly",
}


_STATE = ".state.json"


@dataclass(frozen=True, slots=True)
class ExportSummary:
    """Rows by table of the small ones and of rated_usage, and how many of its days were written."""

    rows: dict[str, int]
    days_written: int


def published_folder(home: Home) -> Path:
    """The stable path that readers use."""
    return home.exports / "published"


def export_published(home: Home, plan: Plan) -> ExportSummary:
    """Write, audit and swap in exports/published. Raises MeterhouseError if the audit fails."""
    link = published_folder(home)
    before = link.resolve() if link.is_symlink() and link.exists() else None
    number = int(before.name.rsplit("-", 1)[-1]) + 1 if before else 1
    commits = read_manifest(home)
    changed = _days_since(before, plan, commits)
    fresh = home.exports / f".published-{number}"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    with warehouse.connect(home, read_only=True) as con:
        rows = {name: _copy_small(con, relation, fresh / f"{name}.parquet") for name, relation in SMALL.items()}
        days = _copy_rated(con, fresh, changed)
        if before is not None and changed is not None:
            _link_other_days(before / "rated_usage", fresh / "rated_usage", set(changed))
        _link_events(con, home, fresh, commits)
        rows["rated_usage"] = audit(con, fresh, before, changed)
    state = {"commits": len(commits), "fingerprint": plan.fingerprint}
    (fresh / _STATE).write_text(json.dumps(state), encoding="utf-8")
    _swap(link, fresh, before)
    return ExportSummary(rows, days)


def _days_since(before: Path | None, plan: Plan, commits: list[Commit]) -> list[str] | None:
    """Days that changed since the folder before was written; None when all must be written.

    The folder keeps its own count of manifest entries, so a run that was killed between the
    warehouse and here leaves nothing stale.
    """
    try:
        state = json.loads((before / _STATE).read_text(encoding="utf-8")) if before else {}
    except (OSError, ValueError):
        return None
    if state.get("fingerprint") != plan.fingerprint or state["commits"] > len(commits):
        return None
    return sorted({day for c in commits[state["commits"] :] for day in c.touched_days})


def _copy_small(con: duckdb.DuckDBPyConnection, relation: str, path: Path) -> int:
    row = con.execute(
        f"copy (select * from {relation} order by all) to {literal(path)} (format parquet, compression zstd)"
    ).fetchone()
    return int(row[0]) if row else 0


def _copy_rated(con: duckdb.DuckDBPyConnection, fresh: Path, days: list[str] | None) -> int:
    """Rated events by day: all, or the given days; returns how many days were written."""
    target = fresh / "rated_usage"
    target.mkdir()
    chosen = "" if days is None else "where usage_date in (select unnest($days::date[]))"
    con.execute(
        f"""
        copy (select * from published.rated_usage {chosen}) to {literal(target)}
        (format parquet, compression zstd, partition_by (usage_date), write_partition_columns true,
         overwrite_or_ignore true)""",
        {} if days is None else {"days": days},
    )
    return sum(1 for _ in target.iterdir())


def _link_other_days(old: Path, new: Path, written: set[str]) -> None:
    for folder in sorted(old.glob("usage_date=*")):
        if folder.name.removeprefix("usage_date=") in written:
            continue
        (new / folder.name).mkdir()
        for file in folder.iterdir():
            _link(file, new / folder.name / file.name)


def _link_events(con: duckdb.DuckDBPyConnection, home: Home, fresh: Path, commits: list[Commit]) -> None:
    """usage_events: the committed event files themselves; days with amendments without the amended rows."""
    amended = {str(d) for (d,) in con.execute("select distinct usage_date from run.superseded").fetchall()}
    (fresh / "usage_events").mkdir()
    for commit in commits:
        for day, name in commit.events.items():
            if day in amended:
                continue
            folder = fresh / "usage_events" / f"usage_date={day}"
            folder.mkdir(exist_ok=True)
            _link(home.root / name, folder / Path(name).name)
    for day in sorted(amended):
        folder = fresh / "usage_events" / f"usage_date={day}"
        folder.mkdir(exist_ok=True)
        con.execute(f"""
            copy (select * exclude (usage_date) from published.usage_events where usage_date = {literal(day)}::date)
            to {literal(folder / "amended.parquet")} (format parquet, compression zstd)""")


def _link(file: Path, target: Path) -> None:
    try:
        target.hardlink_to(file)
    except OSError:  # another file system
        shutil.copy2(file, target)


def _swap(link: Path, fresh: Path, before: Path | None) -> None:
    """Point the link at the fresh folder. The folder before stays: a reader may be in mid-scan."""
    beside = link.with_name(".published-link")
    beside.unlink(missing_ok=True)
    beside.symlink_to(fresh.name)
    os.replace(beside, link)  # noqa: PTH105 - Path.replace follows nothing either, but says less
    kept = {fresh.name, before.name if before else None}
    for folder in link.parent.glob(".published-*"):
        if folder.name not in kept:
            shutil.rmtree(folder, ignore_errors=True)
