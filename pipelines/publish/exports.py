"""Writes the published tables as Parquet, audits them and swaps them in by one rename.

`exports/published` is a link to a finished folder; readers never meet half a run or DuckDB's lock. Only days that
changed are written again, the rest are hard links to the folder before, which stays for those who are still reading
it. Every file written here carries the price-book version in its metadata; `usage_events` carries none where a file
is the committed event file itself, which no price has touched.
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
from pipelines.build import changed_days
from pipelines.by_day import copy_by_day
from pipelines.landing.contract import ADDED, COLUMNS
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
    "case_decisions": "published.case_decisions",
    "ingested_files": "published.ingested_files",
    "quarantined_records": "published.quarantined_records",
    "price_book": "published.price_book",
    "build": "published.build",
    "price_rates": "marts.price_rates",
    "activity_daily": "marts.activity_daily",
    "activity_hourly": "marts.activity_hourly",
    "spend_reported": "published.spend_reported",
    "tuned_models": "published.tuned_models",
    "serving_days": "published.serving_days",
    "watch_summary": "published.watch_summary",
    "newcomers": "published.newcomers",
    "enforcement_flags": "published.enforcement_flags",
    "enforcement_summary": "published.enforcement_summary",
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
        book = _price_book(con)
        rows = {name: _copy_small(con, relation, fresh / f"{name}.parquet", book) for name, relation in SMALL.items()}
        days = _copy_rated(con, fresh, changed, book)
        if before is not None and changed is not None:
            _link_other_days(before / "rated_usage", fresh / "rated_usage", set(changed))
        _link_events(con, home, fresh, commits, book)
        # The table itself, not the view that joins it to its rates: counted at once, and what a join loses is missed.
        rows["rated_usage"] = audit(con, fresh, {**SMALL, "rated_usage": "marts.rated_amounts"}, before, changed)
    state = {"commits": len(commits), "fingerprint": plan.fingerprint}
    (fresh / _STATE).write_text(json.dumps(state), encoding="utf-8")
    _swap(link, fresh, before)
    with warehouse.connect(home) as con:
        _show_events(con, link)
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
    return sorted(changed_days(commits, state["commits"], plan.month_zone))


def _price_book(con: duckdb.DuckDBPyConnection) -> str:
    """Copy options that write what the warehouse is priced with into a file's metadata: version, and as known when."""
    digest, known_at = con.execute("select price_book_digest, known_at::varchar from published.build").fetchone() or (
        "",
        None,
    )
    at = f", known_at: {literal(known_at)}" if known_at else ""
    return f"kv_metadata {{price_book: {literal(digest)}{at}}}"


def _copy_small(con: duckdb.DuckDBPyConnection, relation: str, path: Path, book: str) -> int:
    row = con.execute(f"""
        copy (select * from {relation} order by all) to {literal(path)}
        (format parquet, compression zstd, {book})""").fetchone()
    return int(row[0]) if row else 0


def _copy_rated(con: duckdb.DuckDBPyConnection, fresh: Path, days: list[str] | None, book: str) -> int:
    """Rated events by day: all, or the given days; returns how many days were written."""
    target = fresh / "rated_usage"
    target.mkdir()
    rows = "published.rated_usage"
    if days is not None:
        chosen = ", ".join(f"date {literal(day)}" for day in days) or "null"
        rows = f"(from {rows} where usage_date in ({chosen})) as changed"
    return len(copy_by_day(con, rows, "usage_date", target, ("compression zstd", book), keep_day=True))


def _link_other_days(old: Path, new: Path, written: set[str]) -> None:
    for folder in sorted(old.glob("usage_date=*")):
        if folder.name.removeprefix("usage_date=") in written:
            continue
        (new / folder.name).mkdir()
        for file in folder.iterdir():
            _link(file, new / folder.name / file.name)


def _link_events(con: duckdb.DuckDBPyConnection, home: Home, fresh: Path, commits: list[Commit], book: str) -> None:
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
        files = ", ".join(literal(home.root / c.events[day]) for c in commits if day in c.events)
        con.execute(f"""
            copy (
                from read_parquet([{files}], union_by_name = true, hive_partitioning = false) as e
                anti join run.superseded as s using (source, event_id, revision)
            ) to {literal(folder / "amended.parquet")} (format parquet, compression zstd, {book})""")


def follow_moved_home(home: Home) -> None:
    """Make the view of the event files anew where it names those of another place."""
    link = published_folder(home)
    with warehouse.connect(home, read_only=True) as con:
        found = con.execute("""
            select sql from duckdb_views() where schema_name = 'published' and view_name = 'usage_events'""").fetchone()
    if found and str(link.absolute()).replace("'", "''") not in found[0] and any((link / "usage_events").iterdir()):
        with warehouse.connect(home) as con:
            _show_events(con, link)


def _show_events(con: duckdb.DuckDBPyConnection, link: Path) -> None:
    """published.usage_events: events stay in their files, and the warehouse has a view of them.

    Files from before a quantity was known hold none of it.
    """
    con.execute("drop view if exists published.usage_events")
    if any((link / "usage_events").iterdir()):
        files = literal(link.absolute() / "usage_events" / "*" / "*.parquet")
        source = f"read_parquet({files}, union_by_name = true, hive_partitioning = true)"
        con.execute("create or replace temp view event_files as from " + source)
        known = {name for name, *_ in con.execute("describe event_files").fetchall()}
        columns = [
            (f"coalesce({c.name}, 0)::{c.type} as {c.name}" if c.name in known else f"0::{c.type} as {c.name}")
            if c.name in ADDED else c.name
            for c in COLUMNS
        ]  # fmt: skip
        con.execute(f"create view published.usage_events as select {', '.join(columns)}, usage_date from {source}")
    else:
        columns = [f"null::{c.type} as {c.name}" for c in COLUMNS]
        con.execute(
            f"create view published.usage_events as select {', '.join(columns)}, null::date as usage_date where false"
        )


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
