"""Rows without an id of their own: equal rows stay apart, and no delivery counts twice."""

from __future__ import annotations

import gzip
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.landing.homes import drop, events, land, make_home

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.home import Home

MAPPED = """
[[sources]]
name = "calls"
format = "mapped"
[sources.columns]
occurred_at = "at"
input_tokens = "tokens"
[sources.constants]
provider = "openai"
model = "gpt-4-0613"
organization_id = "acme"
"""
ROWS = "at,tokens\n" + "2024-03-01 12:00:00,5\n" * 3 + "2024-03-01 12:00:00,6\n"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home that has read three equal rows and another."""
    made = make_home(tmp_path / "home", MAPPED)
    drop(made, "calls/a.csv", ROWS)
    assert land(made).accepted == 4
    return made


def test_equal_rows_of_a_file_stay_separate(home: Home) -> None:
    got = events(home)
    assert sum(e["input_tokens"] for e in got) == 21
    ordinals = sorted(e["event_id"].rsplit("-", 1)[1] for e in got)
    assert ordinals == ["1", "1", "2", "3"]
    assert len({e["event_id"].rsplit("-", 1)[0] for e in got}) == 2


def test_renaming_copying_and_packing_add_nothing(home: Home) -> None:
    (home.landing / "calls/a.csv").rename(home.landing / "calls/b.csv")
    shutil.copy(home.landing / "calls/b.csv", home.landing / "calls/c.csv")
    assert land(home).files == 0
    drop(home, "calls/d.csv.gz", gzip.compress(ROWS.encode()))
    summary = land(home)
    assert (summary.accepted, summary.duplicates) == (0, 4)


def test_a_row_more_is_one_event_more(home: Home) -> None:
    drop(home, "calls/a.csv", ROWS + "2024-03-01 12:00:00,5\n")
    summary = land(home)
    assert (summary.accepted, summary.duplicates) == (1, 4)
    assert sum(e["input_tokens"] for e in events(home)) == 26


def test_order_and_line_ends_make_no_other_rows(home: Home) -> None:
    head, *rows = ROWS.splitlines()
    drop(home, "calls/z.csv", "\r\n".join([head, "", *reversed(rows), ""]))
    summary = land(home)
    assert (summary.accepted, summary.duplicates) == (0, 4)


def test_json_lines_and_their_line_ends(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home", MAPPED)
    line = '{"at": "2024-03-01 12:00:00", "tokens": 5}'
    drop(home, "calls/a.jsonl", f"{line}\n{line}\n")
    assert land(home).accepted == 2
    drop(home, "calls/b.jsonl", f"\n{line}\r\n{line}")
    summary = land(home)
    assert (summary.accepted, summary.duplicates) == (0, 2)
    # Undecodable bytes elsewhere in the file must not change how its good lines are read.
    drop(home, "calls/c.jsonl", f"{line}\n".encode() + b"\xff\n" + f"{line}\n".encode())
    summary = land(home)
    assert (summary.accepted, summary.duplicates, summary.quarantined) == (0, 2, 1)
