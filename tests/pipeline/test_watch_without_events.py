"""Organisations whose events are gone are watched as before: what the watch sees was made when they were read."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from pipelines.home import Home
from pipelines.run import run_watch
from pipelines.settings import load_settings

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.run import RunSummary

FLAGS = "select * from watch.extraction_flags where detector <> 'audit_sample' order by all"


def flags(home: Home) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(home.warehouse), read_only=True) as con:
        return con.execute(FLAGS).fetchall()


@pytest.mark.slow
def test_flags_are_the_same_when_no_event_is_retained(finished: tuple[Home, RunSummary], tmp_path: Path) -> None:
    kept, _ = finished
    bare = Home(tmp_path / "bare")
    shutil.copytree(kept.root, bare.root, ignore=shutil.ignore_patterns("site", "exports", "landing"))
    before = flags(bare)
    assert before
    for events in (bare.root / "events").glob("usage_date=*"):
        shutil.rmtree(events)
    with duckdb.connect(str(bare.warehouse)) as con:
        con.execute("delete from watch.extraction_flags")
    run_watch(bare, load_settings(bare))
    assert flags(bare) == before
