"""One file comes after all others, with records of earlier days: taken in later, it makes the truth whole."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta

from pipelines.home import Home
from pipelines.landing.ingest import ingest
from pipelines.settings import load_settings
from pipelines.simulate.simulation import START
from tests.landing.homes import commits, events

LAST = START + timedelta(days=19)


def _days(path, log_format):
    field = {"canonical": "occurred_at", "litellm": "endTime"}.get(log_format)
    return [json.loads(line)[field][:10] for line in path.read_text().splitlines()] if field else []


def test_one_late_file_with_records_of_the_week_before(simulated):
    home, truth = simulated
    late = [p for p in (home.landing / "gateway").iterdir() if p.name.startswith("late-")]
    assert [p.name for p in late] == [f"late-{LAST}.jsonl"]
    held = truth.files[late[0].name]
    assert 0 < held["records"] <= truth.late_events
    assert held["broken"] == 0
    days = _days(late[0], truth.arguments["format"])
    assert all(str(LAST - timedelta(days=7)) <= day < str(LAST) for day in days)


def test_late_file_lands_last_and_touches_only_days_gone_by(simulated, tmp_path):
    made, truth = simulated
    home = Home(tmp_path / "home")
    shutil.copytree(made.root, home.root)
    [late] = (home.landing / "gateway").glob("late-*")
    waiting = late.rename(tmp_path / late.name)
    settings = load_settings(home)
    before = ingest(home, settings)
    waiting.rename(late)
    after = ingest(home, settings)
    assert after.records_read == after.accepted + after.duplicates == truth.files[late.name]["records"]
    assert after.accepted > 0
    assert before.accepted + after.accepted == truth.distinct_events
    touched = commits(home)[1]["touched_days"]
    assert touched
    assert max(touched) < str(LAST)
    assert set(touched) <= set(commits(home)[0]["touched_days"])
    rows = events(home)
    for name in ("input_tokens", "cached_input_tokens", "output_tokens"):
        assert sum(r[name] for r in rows) == truth.totals[name]
