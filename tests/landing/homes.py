"""Small homes for the landing tests: drop files in, run the real step, read what became visible.

Reads the manifest's JSON and the Parquet files themselves, so that it shares no code with what
it checks beyond the column list.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.home import Home
from pipelines.landing.contract import BUCKETS, COLUMNS, METERS
from pipelines.landing.ingest import IngestSummary, ingest
from pipelines.settings import load_settings
from pipelines.sql import identifier, literal

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

Row = dict[str, Any]
NAMES = tuple(c.name for c in COLUMNS)
# Settings of a home whose landing/g/ holds canonical events.
CANONICAL = '[[sources]]\nname = "g"\nformat = "canonical"\n'
COMPARED = tuple(n for n in NAMES if n != "received_at")


def make_home(root: Path, settings: str = "") -> Home:
    """An empty home, with the text of a settings file if one is given."""
    home = Home(root)
    home.landing.mkdir(parents=True)
    if settings:
        home.config.write_text(settings, encoding="utf-8")
    return home


def drop(home: Home, name: str, content: bytes | str | Iterable[Row | str]) -> Path:
    """Land a file: bytes and text as they are, else one line a record (text lines unchanged)."""
    path = home.landing / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, str):
        content = content.encode()
    if not isinstance(content, bytes):
        lines = [line if isinstance(line, str) else json.dumps(line) for line in content]
        content = "".join(f"{line}\n" for line in lines).encode()
    path.write_bytes(content)
    return path


def drop_parquet(home: Home, name: str, columns: dict[str, Any]) -> Path:
    """Land a Parquet file of these columns."""
    path = drop(home, name, b"")
    pq.write_table(pa.table(columns), path)
    return path


def land(home: Home) -> IngestSummary:
    """Run the landing step as the pipeline does, then check that no record was lost."""
    summary = ingest(home, load_settings(home))
    for entry in entries(home):
        parts = ("accepted", "duplicates", "amendments", "quarantined", "dropped")
        assert entry["records_read"] == sum(entry[p] for p in parts), entry
    return summary


def commits(home: Home) -> list[Row]:
    """Manifest entries in order, as plain JSON."""
    folder = home.events / "manifest"
    return [json.loads(p.read_text(encoding="utf-8")) for p in sorted(folder.glob("*.json"))]


def entries(home: Home) -> list[Row]:
    """File entries of all runs."""
    return [file for commit in commits(home) for file in commit["files"]]


def stored(home: Home) -> list[Row]:
    """Every visible event, superseded revisions included, ordered by key and revision."""
    paths = [p for c in commits(home) for p in c["events"].values()]
    return _read(home, paths, NAMES, "source, event_id, revision")


def events(home: Home) -> list[Row]:
    """The events that count: of each key the revision that no other has superseded."""
    paths = [c["superseded"] for c in commits(home) if c["superseded"]]
    gone = {
        (r["source"], r["event_id"], r["revision"])
        for r in _read(home, paths, ("source", "event_id", "revision"), "all")
    }
    return [e for e in stored(home) if (e["source"], e["event_id"], e["revision"]) not in gone]


def quarantined(home: Home) -> list[Row]:
    """Every quarantined record, ordered by file and line."""
    paths = [c["quarantine"] for c in commits(home) if c["quarantine"]]
    names = ("source", "file", "line", "field", "reason", "raw")
    return _read(home, paths, names, "source, file, line")


def comparable(rows: Iterable[Row]) -> list[Row]:
    """Rows without the one column that is ours to set: the time of receipt."""
    return [{n: row[n] for n in COMPARED} for row in rows]


def totals(rows: Iterable[Row]) -> dict[str, Any]:
    """Sum of every token bucket and meter, and the number of rows."""
    rows = list(rows)
    return {"events": len(rows)} | {b: sum(r[b] for r in rows) for b in (*BUCKETS, *METERS)}


def event(event_id: object, **changes: object) -> Row:
    """A plain canonical record."""
    return {
        "event_id": event_id,
        "occurred_at": "2024-03-01T12:00:00Z",
        "organization_id": "acme",
        "provider": "openai",
        "model": "gpt-4o-2024-08-06",
        "input_tokens": 100,
        "output_tokens": 20,
        **changes,
    }


@cache
def _database() -> duckdb.DuckDBPyConnection:
    """A database for all readings: opening one takes longer. It remembers no file."""
    return duckdb.connect(config={"enable_external_file_cache": False})


def _read(home: Home, paths: list[str], names: tuple[str, ...], order: str) -> list[Row]:
    if not paths:
        return []
    files = "[" + ", ".join(literal(home.root / p) for p in paths) + "]"
    columns = ", ".join(identifier(n) for n in names)
    with _database().cursor() as con:
        rows = con.execute(f"""
            select {columns} from read_parquet({files}, hive_partitioning = false, union_by_name = true)
            order by {order}""").fetchall()
    return [dict(zip(names, row, strict=True)) for row in rows]
