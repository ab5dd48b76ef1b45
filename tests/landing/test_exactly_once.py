"""Whatever is delivered again, under any name and packing, counts once."""

from __future__ import annotations

import gzip
import os
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.landing.homes import commits, drop, entries, event, events, land, make_home, quarantined, stored

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.home import Home

GATEWAY = '[[sources]]\nname = "gateway"\nformat = "canonical"\n'
RECORDS = [event(f"e{n}", occurred_at=f"2024-03-0{1 + n % 3}T12:00:00Z") for n in range(9)]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home that has taken in nine events and one broken line of one file."""
    made = make_home(tmp_path / "home", GATEWAY)
    drop(made, "gateway/day.jsonl", [*RECORDS, '{"event_id": '])
    summary = land(made)
    assert (summary.records_read, summary.accepted, summary.quarantined) == (10, 9, 1)
    return made


def test_second_run_finds_nothing_new(home: Home) -> None:
    before = sorted((p, p.stat().st_mtime_ns) for p in home.events.rglob("*"))
    summary = land(home)
    assert (summary.files, summary.records_read, summary.accepted) == (0, 0, 0)
    assert sorted((p, p.stat().st_mtime_ns) for p in home.events.rglob("*")) == before


def test_touched_renamed_and_copied_files_add_nothing(home: Home) -> None:
    day = home.landing / "gateway/day.jsonl"
    os.utime(day, (1, 1))
    shutil.copy(day, home.landing / "gateway/again.jsonl")
    (home.landing / "gateway/archive").mkdir()
    day.rename(home.landing / "gateway/archive/renamed.jsonl")
    assert land(home).files == 0
    assert len(commits(home)) == 1


def test_two_copies_in_the_first_run_are_one_file(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    drop(home, "gateway/a.jsonl", RECORDS)
    drop(home, "gateway/b.jsonl", RECORDS)
    assert (land(home).records_read, len(entries(home))) == (9, 1)


def test_same_content_compressed_is_all_duplicates(home: Home) -> None:
    day = home.landing / "gateway/day.jsonl"
    drop(home, "gateway/day.jsonl.gz", gzip.compress(day.read_bytes()))
    summary = land(home)
    assert (summary.records_read, summary.accepted, summary.duplicates, summary.quarantined) == (10, 0, 10, 0)
    assert len(events(home)) == len(stored(home)) == 9


def test_appended_file_adds_only_its_new_lines(home: Home) -> None:
    drop(home, "gateway/day.jsonl", [*RECORDS, event("late", occurred_at="2024-02-28T00:00:00Z")])
    summary = land(home)
    assert (summary.accepted, summary.duplicates, summary.quarantined) == (1, 9, 0)
    assert commits(home)[1]["touched_days"] == ["2024-02-28"]
    assert commits(home)[1]["events"].keys() == {"2024-02-28"}


def test_same_records_in_another_source_are_other_events(home: Home) -> None:
    drop(home, "other/day.jsonl", RECORDS)
    assert land(home).accepted == 9
    assert len(events(home)) == 18


def test_digest_memory_may_be_lost(home: Home) -> None:
    shutil.rmtree(home.work)
    assert land(home).files == 0


def test_file_entries_say_what_was_read(home: Home) -> None:
    [entry] = entries(home)
    assert (entry["source"], entry["file"], entry["format"]) == ("gateway", "day.jsonl", "canonical")
    assert entry["bytes"] == (home.landing / "gateway/day.jsonl").stat().st_size
    assert entry["first_occurred_at"] == "2024-03-01 12:00:00"
    assert entry["last_occurred_at"] == "2024-03-03 12:00:00"


def test_event_files_lie_under_their_utc_day(home: Home) -> None:
    [commit] = commits(home)
    assert list(commit["events"]) == ["2024-03-01", "2024-03-02", "2024-03-03"]
    for day, path in commit["events"].items():
        assert path.startswith(f"events/usage_date={day}/")
    for row in stored(home):
        assert row["received_at"].isoformat(sep=" ", timespec="microseconds") == commit["received_at"]


def test_a_mapping_that_refused_everything_is_tried_again(tmp_path: Path) -> None:
    entry = (
        '[[sources]]\nname = "calls"\nformat = "mapped"\n[sources.columns]\n'
        'occurred_at = "at"\ninput_tokens = "{}"\n[sources.constants]\n'
        'provider = "p"\nmodel = "m"\norganization_id = "o"\n'
    )
    home = make_home(tmp_path / "home", entry.format("words"))
    drop(home, "calls/a.jsonl", [{"at": "2024-03-01", "words": "many", "tokens": 3}])
    assert land(home).quarantined == 1
    home.config.write_text(entry.format("tokens"), encoding="utf-8")
    assert land(home).accepted == 1
    assert [e["input_tokens"] for e in events(home)] == [3]
    assert len(quarantined(home)) == 1
    assert land(home).files == 0
