"""The Meterhouse home: every path below it, named once.

landing/<source>/**     logs as they were dropped; never written by us
fetched/<source>/**     copies of the objects of sources in object stores
events/                 accepted events (usage_date=*/), key index and the manifest
quarantine/             records that were not accepted
prices/*.csv            the operator's own rate cards (optional)
organizations.csv       facts about organisations, or organizations.yaml (optional)
cases/decisions.yaml    what reviewers decided about cases; its head lies in .decisions-head.json
warehouse.duckdb        tables; may be deleted and is rebuilt
exports/published/      the published tables as Parquet
site/<audience>/        the pages
meterhouse.toml         settings
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Home:
    """A folder that holds everything of one installation."""

    root: Path

    @property
    def config(self) -> Path:
        """Settings file."""
        return self.root / "meterhouse.toml"

    @property
    def landing(self) -> Path:
        """Where feeds drop their logs, one folder a source."""
        return self.root / "landing"

    @property
    def fetched(self) -> Path:
        """Copies of the objects of sources in object stores, one folder a source."""
        return self.root / "fetched"

    @property
    def events(self) -> Path:
        """Accepted events and the manifest."""
        return self.root / "events"

    @property
    def quarantine(self) -> Path:
        """Records that were not accepted."""
        return self.root / "quarantine"

    @property
    def prices(self) -> Path:
        """The operator's own rate cards."""
        return self.root / "prices"

    @property
    def decisions(self) -> Path:
        """What reviewers decided about cases."""
        return self.root / "cases" / "decisions.yaml"

    @property
    def decisions_head(self) -> Path:
        """How many decisions there are and the digest of the last: kept apart from them."""
        return self.root / ".decisions-head.json"

    @property
    def warehouse(self) -> Path:
        """The DuckDB file."""
        return self.root / "warehouse.duckdb"

    @property
    def exports(self) -> Path:
        """Parquet for other tools."""
        return self.root / "exports"

    @property
    def site(self) -> Path:
        """The pages, a folder an audience."""
        return self.root / "site"

    @property
    def work(self) -> Path:
        """Scratch space of a run: spill files, dbt's target and logs. May be deleted."""
        return self.root / ".work"

    def make_work(self) -> Path:
        """The scratch space, there and closed to others: what is being read lies in it in clear."""
        self.work.mkdir(parents=True, exist_ok=True)
        if self.work.stat().st_mode & 0o077:
            self.work.chmod(0o700)
        return self.work

    @property
    def salt_file(self) -> Path:
        """Secret with which identifiers are hashed."""
        return self.root / ".salt"


def resolve_home(given: str | Path | None = None) -> Home:
    """`given`, else METERHOUSE_HOME, else ./data, as an absolute path."""
    return Home(Path(given or os.environ.get("METERHOUSE_HOME") or "data").expanduser().resolve())
