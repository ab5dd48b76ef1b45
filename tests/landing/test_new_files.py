"""What counts as new under landing/, and the memory of digests that run and sensor share."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pipelines.landing import new_files
from pipelines.landing.new_files import find_new
from pipelines.settings import load_settings
from tests.landing.homes import CANONICAL, drop, event, make_home

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.home import Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = make_home(tmp_path / "home", CANONICAL)
    for name in ("a", "b"):
        drop(home, f"g/{name}.jsonl", [event(name)])
    return home


def found(home: Home) -> list[str]:
    return [f.landed.name for f in find_new(home, load_settings(home), [])[0]]


def memory(home: Home) -> Path:
    return home.work / "digests.json"


def test_file_that_is_taken_away_while_it_is_looked_at_is_left_out(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    real = new_files.content_digest

    def digest(path: Path) -> str:
        if path.name == "a.jsonl":
            path.unlink()
        return real(path)

    monkeypatch.setattr(new_files, "content_digest", digest)
    assert found(home) == ["b.jsonl"]
    assert [key.rsplit("/", 1)[-1] for key in json.loads(memory(home).read_text())] == ["b.jsonl"]


def test_memory_is_written_only_when_something_changed(home: Home) -> None:
    found(home)
    first = memory(home).stat()
    assert found(home) == ["a.jsonl", "b.jsonl"]
    assert memory(home).stat().st_ino == first.st_ino
    assert memory(home).stat().st_mtime_ns == first.st_mtime_ns
    drop(home, "g/c.jsonl", [event("c")])
    found(home)
    assert memory(home).stat().st_ino != first.st_ino
    assert len(json.loads(memory(home).read_text())) == 3


def test_unchanged_file_is_not_read_again(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    found(home)

    def unread(path: Path) -> str:
        raise AssertionError(path)

    monkeypatch.setattr(new_files, "content_digest", unread)
    assert found(home) == ["a.jsonl", "b.jsonl"]


def test_memory_forgets_files_that_are_gone(home: Home) -> None:
    found(home)
    (home.landing / "g" / "a.jsonl").unlink()
    assert found(home) == ["b.jsonl"]
    assert len(json.loads(memory(home).read_text())) == 1


def test_two_at_once_never_share_a_file_they_write(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second look that ends while the first is writing: both end well, nothing is left beside."""
    real, nested = json.dump, []

    def dump(*arguments: object) -> None:
        if not nested:
            nested.append(True)
            found(home)
        real(*arguments)

    monkeypatch.setattr(new_files.json, "dump", dump)
    assert found(home) == ["a.jsonl", "b.jsonl"]
    assert nested
    assert len(json.loads(memory(home).read_text())) == 2
    assert [p.name for p in home.work.iterdir()] == ["digests.json"]


def test_damaged_memory_costs_only_time(home: Home) -> None:
    home.work.mkdir(parents=True)
    memory(home).write_text("[1, ")
    assert found(home) == ["a.jsonl", "b.jsonl"]
