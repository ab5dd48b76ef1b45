"""What is dropped leaves quarantine for good and stays on record and in every file's account."""

from __future__ import annotations

import json
import os
import pwd
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

import pipelines.landing.quarantine.drop as step
from pipelines import warehouse
from pipelines.cli import main
from pipelines.errors import MeterhouseError
from pipelines.landing.manifest import read_manifest
from pipelines.landing.quarantine.drop import all_dropped, drop, to_drop
from pipelines.landing.quarantine.held import Selection
from tests.landing.homes import CANONICAL, commits, event, events, land, make_home
from tests.landing.homes import drop as drop_file
from tests.landing.quarantine.homes import counts, fix, held, nameless, standing, try_again

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.home import Home

BROKEN = Selection(reason="not valid JSON")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with one event and, in two files, three broken lines and one that can be mended."""
    made = make_home(tmp_path / "home", CANONICAL)
    drop_file(made, "g/a.jsonl", [event("good"), "broken", nameless("late"), "broken"])
    drop_file(made, "g/b.jsonl", ["broken too"])
    assert land(made).quarantined == 4
    return made


def call(*arguments: object, answer: str | None = None) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["quarantine", *map(str, arguments)], input=answer)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def test_dropped_records_stay_counted_and_on_record(home: Home) -> None:
    dropped = drop(home, BROKEN, "test  traffic\n", expected=3)
    assert (dropped.records, dropped.because) == (3, "test traffic")
    assert dropped.by == pwd.getpwuid(os.getuid()).pw_name
    assert dropped.groups == (("g", "not valid JSON", 2, 3),)
    assert [(file, line) for _, file, line, *_ in held(home)] == [("a.jsonl", 3)]
    assert counts(home) == {
        "records_read": 5, "accepted": 1, "duplicates": 0, "amendments": 0, "quarantined": 1, "dropped": 3,
    }  # fmt: skip
    [*_, commit] = commits(home)
    assert (commit["touched_days"], commit["events"], commit["keys"]) == ([], {}, None)
    rows = pq.read_table(home.root / commit["drop"]["rows"]).to_pylist()
    assert [(r["file"], r["line"], r["reason"]) for r in rows] == [
        ("a.jsonl", 2, "not valid JSON"),
        ("a.jsonl", 4, "not valid JSON"),
        ("b.jsonl", 1, "not valid JSON"),
    ]
    assert all_dropped(home) == [dropped]
    assert read_manifest(home)[-1].drop is not None


def test_what_was_dropped_is_never_tried_again(home: Home) -> None:
    drop(home, BROKEN, "noise", expected=3)
    fix(home)
    # The second file was refused as a whole, and its source's mapping has changed.
    assert land(home).files == 0
    found = try_again(home)
    assert (found.tried, found.accepted) == (1, 1)
    assert (counts(home)["dropped"], counts(home)["quarantined"], counts(home)["accepted"]) == (3, 0, 2)
    assert [e["dropped"] for e in standing(home).values()] == [2, 1]


def test_drops_add_up(home: Home) -> None:
    drop(home, Selection(place="a.jsonl:2"), "first", expected=1)
    drop(home, Selection(source="g", reason="NOT valid"), "second", expected=2)
    assert counts(home)["dropped"] == 3
    assert [d.because for d in all_dropped(home)] == ["second", "first"]
    assert all_dropped(home, "other") == []


def test_nothing_is_dropped_without_a_reason_or_of_another_number(home: Home) -> None:
    with pytest.raises(MeterhouseError, match="a drop needs a reason"):
        drop(home, BROKEN, " \n", expected=3)
    with pytest.raises(MeterhouseError, match="needs a reason of at most"):
        drop(home, BROKEN, "x" * 1001, expected=3)
    with pytest.raises(MeterhouseError, match="3 records are meant now, 2 were"):
        drop(home, BROKEN, "noise", expected=2)
    with pytest.raises(MeterhouseError, match="nothing says which"):
        to_drop(home, Selection())
    with pytest.raises(MeterhouseError, match="none of the 4"):
        to_drop(home, Selection(source="h"))
    with warehouse.writer_lock(home), pytest.raises(MeterhouseError, match="another run"):
        drop(home, BROKEN, "noise", expected=3)
    assert len(commits(home)) == 1


def test_a_drop_that_dies_leaves_nothing_visible(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    before = held(home)

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(step, "write_commit", dies)
        with pytest.raises(KeyboardInterrupt):
            drop(home, BROKEN, "noise", expected=3)
    assert (held(home), all_dropped(home)) == (before, [])
    # What it wrote is removed, whatever comes next.
    assert list((home.quarantine / "dropped").iterdir()) != []
    drop(home, Selection(source="g", place="a.jsonl:3"), "one", expected=1)
    assert len(list((home.quarantine / "dropped").iterdir())) == 1
    drop(home, BROKEN, "noise", expected=3)
    assert held(home) == []
    assert len(events(home)) == 1


def test_the_command_asks_before_it_drops(home: Home) -> None:
    given = ("drop", "--reason", "valid", "--because", "noise", "--home", home.root)
    code, text = call(*given, answer="n\n")
    assert code == 1
    assert "Drop 3 records for good?" in text
    assert len(held(home)) == 4
    assert call(*given, answer="y\n")[0] == 0
    assert len(held(home)) == 1
    code, text = call("drop", "a.jsonl:3", "--because", "no one will pay", "--yes", "--home", home.root)
    assert (code, held(home)) == (0, [])
    code, text = call("list", "--dropped", "--home", home.root)
    assert text.startswith("4 records dropped, the latest first\n")
    assert text.index("no one will pay") < text.index("noise")
    assert "g: not valid JSON, 3 records in 2 files" in text
    told = json.loads(call("list", "--dropped", "--json", "--home", home.root)[1])
    assert [(t["records"], t["because"]) for t in told] == [(1, "no one will pay"), (3, "noise")]
    assert call("list", "--home", home.root) == (0, "Nothing is in quarantine.\n")


def test_the_command_wants_a_reason(home: Home) -> None:
    code, text = call("drop", "a.jsonl", "--yes", "--home", home.root)
    assert code == 2
    assert "--because" in text
    assert len(held(home)) == 4
