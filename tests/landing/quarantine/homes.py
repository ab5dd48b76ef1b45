"""Homes with records in quarantine, and what stands of them: read from the manifest, without the code under test."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

from pipelines.landing.quarantine.held import Selection
from pipelines.landing.quarantine.retry import RetrySummary, retry
from pipelines.settings import load_settings
from tests.landing.homes import CANONICAL, Row, commits, event

if TYPE_CHECKING:
    from pipelines.home import Home

FIXED = CANONICAL + '[sources.constants]\norganization_id = "acme"\n'
PARTS = ("accepted", "duplicates", "amendments", "quarantined", "dropped")


def nameless(event_id: object, **changes: object) -> Row:
    """A record that lacks who pays: refused until the source names it as a constant."""
    return {name: value for name, value in event(event_id, **changes).items() if name != "organization_id"}


def fix(home: Home) -> None:
    """Name who pays for what lacks it."""
    home.config.write_text(FIXED, encoding="utf-8")


def try_again(home: Home, **selection: str) -> RetrySummary:
    """Retry as the settings are now, and check that every record is accounted for."""
    found = retry(home, load_settings(home), Selection(**selection))
    for entry in standing(home).values():
        assert entry["records_read"] == sum(entry[part] for part in PARTS), entry
    assert sum(e["quarantined"] for e in standing(home).values()) == len(held(home))
    return found


def standing(home: Home) -> dict[tuple[str, str], dict[str, Any]]:
    """The latest entry of each file."""
    return {(f["source"], f["file_digest"]): f for c in commits(home) for f in c["files"]}


def held(home: Home) -> list[tuple[Any, ...]]:
    """(source, file, line, field, reason, text) of each record that is in quarantine."""
    latest = {(f["source"], f["file_digest"]): c["commit_id"] for c in commits(home) for f in c["files"]}
    found: list[tuple[Any, ...]] = []
    for commit in commits(home):
        if not commit["quarantine"]:
            continue
        found += [
            tuple(row[c] for c in ("source", "file", "line", "field", "reason", "raw"))
            for row in pq.read_table(home.root / commit["quarantine"]).to_pylist()
            if latest[row["source"], row["file_digest"]] == commit["commit_id"]
        ]
    return sorted(found, key=lambda r: tuple(str(v) for v in r))


def counts(home: Home) -> Counter[str]:
    """Sums over the standing entries."""
    total: Counter[str] = Counter()
    for entry in standing(home).values():
        total.update({part: entry[part] for part in ("records_read", *PARTS)})
    return total
