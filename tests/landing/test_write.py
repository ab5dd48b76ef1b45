"""Events are written to one file a day, whether a day has many or few."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
import pytest

from pipelines import by_day
from pipelines.sql import literal
from tests.landing.homes import CANONICAL, commits, comparable, drop, event, events, land, make_home

if TYPE_CHECKING:
    from pathlib import Path

# One event on the first day, two on the second, and so on.
RECORDS = [
    event(f"e{day}-{n}", occurred_at=f"2024-03-0{day}T{h}:00:00Z")
    for day in range(1, 6)
    for n, h in zip(range(day), ("00", "07", "12", "18", "23"), strict=False)
]


@pytest.mark.parametrize("own_pass", [1, 3, 6])
def test_one_file_a_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_pass: int) -> None:
    monkeypatch.setattr(by_day, "OWN_PASS", own_pass)
    home = make_home(tmp_path / "home", CANONICAL)
    drop(home, "g/a.jsonl", RECORDS)
    assert land(home).accepted == len(RECORDS)
    [commit] = commits(home)
    assert commit["events"] == {
        f"2024-03-0{day}": f"events/usage_date=2024-03-0{day}/{commit['commit_id']}.parquet" for day in range(1, 6)
    }
    found = [(e["event_id"], e["occurred_at"].isoformat() + "Z") for e in comparable(events(home))]
    assert sorted(found) == sorted((r["event_id"], r["occurred_at"]) for r in RECORDS)
    for day, path in commit["events"].items():
        [file] = (home.root / path).parent.iterdir()
        days = duckdb.execute(f"select distinct occurred_at::date::varchar from {literal(str(file))}").fetchall()
        assert days == [(day,)]
    assert not (home.events / ".incoming").exists()
