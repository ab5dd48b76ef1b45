"""Files that are being written: whole lines are read, torn ends never, and nothing is counted twice."""

from __future__ import annotations

import gzip
import json
import os
import time
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.landing import ingest, quiet
from pipelines.landing.failures import TooLargeError
from pipelines.landing.quarantine.held import Selection
from pipelines.landing.quarantine.retry import retry
from pipelines.landing.quiet import ends_whole
from pipelines.settings import load_settings
from tests.landing.homes import CANONICAL, drop, entries, event, events, land, make_home, quarantined

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipelines.home import Home
    from pipelines.landing.manifest import Commit
    from pipelines.landing.new_files import NewFile


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return make_home(tmp_path / "home", CANONICAL)


@pytest.fixture
def while_waiting(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], list[float]]:
    """Do something each time a run waits; returns the seconds it was about to wait."""

    def do(what: Callable[[], object]) -> list[float]:
        waits: list[float] = []

        def pause(seconds: float) -> None:
            waits.append(seconds)
            what()

        monkeypatch.setattr(quiet, "pause", pause)
        return waits

    return do


def text(*names: str) -> str:
    return "".join(json.dumps(event(name)) + "\n" for name in names)


def names(home: Home) -> list[str]:
    return [e["event_id"] for e in events(home)]


def append(path: Path, more: str | bytes) -> None:
    with path.open("ab") as file:
        file.write(more.encode() if isinstance(more, str) else more)


def test_torn_line_of_a_growing_log_is_left_for_the_next_run(
    home: Home, while_waiting: Callable[[Callable[[], object]], list[float]]
) -> None:
    line = json.dumps(event("c"))
    path = drop(home, "g/a.jsonl", text("a", "b") + line[:40])
    waits = while_waiting(lambda: append(path, line[40:50]))
    summary = land(home)
    assert len(waits) == 1
    assert 0 < waits[0] <= 2
    assert summary.growing_files == ("g/a.jsonl",)
    assert (summary.records_read, summary.quarantined) == (2, 0)
    assert names(home) == ["a", "b"]
    append(path, line[50:] + "\n")
    summary = land(home)
    assert (summary.accepted, summary.duplicates, summary.quarantined, summary.growing_files) == (1, 2, 0, ())
    assert names(home) == ["a", "b", "c"]
    assert not (home.work / "growing").exists()


def test_whole_lines_of_a_growing_log_are_taken_in_once(
    home: Home, while_waiting: Callable[[Callable[[], object]], list[float]]
) -> None:
    path = drop(home, "g/a.jsonl", text("a") + '{"event')
    while_waiting(lambda: append(path, "_"))
    assert land(home).accepted == 1
    summary = land(home)
    assert (summary.files, summary.growing_files) == (0, ("g/a.jsonl",))


def test_file_that_ends_whole_is_not_waited_for(
    home: Home, while_waiting: Callable[[Callable[[], object]], list[float]]
) -> None:
    drop(home, "g/a.jsonl", text("a"))
    drop(home, "g/b.jsonl", text("b").rstrip())
    waits = while_waiting(lambda: None)
    assert land(home).accepted == 2
    assert waits == []


def test_a_torn_line_is_left_while_its_writer_may_only_pause(
    home: Home, while_waiting: Callable[[Callable[[], object]], list[float]]
) -> None:
    path = drop(home, "g/a.jsonl", text("a") + text("b")[:40])
    waits = while_waiting(lambda: None)
    summary = land(home)
    assert (len(waits), summary.accepted, summary.quarantined) == (1, 1, 0)
    assert summary.growing_files == ("g/a.jsonl",)
    os.utime(path, (time.time() - 60, time.time() - 60))
    assert (land(home).growing_files, len(waits)) == (("g/a.jsonl",), 1)
    append(path, text("b")[40:])
    assert (land(home).accepted, names(home)) == (1, ["a", "b"])


def test_a_table_that_stays_as_it_is_is_read_as_it_is(
    home: Home, while_waiting: Callable[[Callable[[], object]], list[float]]
) -> None:
    head, row = ",".join(event("a")), ",".join(map(str, event("a").values()))
    drop(home, "g/a.csv", f"{head}\n{row}")
    waits = while_waiting(lambda: None)
    assert (land(home).accepted, len(waits)) == (1, 1)


def test_a_torn_line_of_an_old_file_is_refused_and_a_retry_takes_it_when_it_is_whole(
    home: Home, while_waiting: Callable[[Callable[[], object]], list[float]]
) -> None:
    path = drop(home, "g/a.jsonl", text("a") + text("b")[:40])
    os.utime(path, (time.time() - 700, time.time() - 700))
    waits = while_waiting(lambda: None)
    assert (land(home).quarantined, waits) == (1, [])
    assert [q["reason"] for q in quarantined(home)] == ["not valid JSON"]
    append(path, text("b")[40:] + text("c"))
    assert (land(home).accepted, names(home)) == (2, ["a", "b", "c"])
    found = retry(home, load_settings(home), Selection())
    assert (found.tried, found.duplicates, found.quarantined, found.left) == (1, 1, 0, ())
    assert names(home) == ["a", "b", "c"]


def test_compressed_file_is_left_until_its_stream_is_whole(
    home: Home, while_waiting: Callable[[Callable[[], object]], list[float]]
) -> None:
    whole = gzip.compress(text("a", "b").encode())
    path = drop(home, "g/a.jsonl.gz", whole[:30])
    drop(home, "g/b.jsonl", text("c"))
    while_waiting(lambda: append(path, whole[30:40]))
    summary = land(home)
    assert (summary.accepted, summary.quarantined, summary.growing_files) == (1, 0, ("g/a.jsonl.gz",))
    append(path, whole[40:])
    assert land(home).accepted == 2
    assert names(home) == ["a", "b", "c"]


@pytest.mark.parametrize("where", ["g/a.jsonl", "g/a.jsonl.gz"])
def test_file_that_is_written_while_it_is_read(where: str, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = where.endswith(".gz")
    made = [text("a"), text("b", "c")]
    first, second = [gzip.compress(t.encode()) if packed else t.encode() for t in made]
    path = drop(home, where, first)
    drop(home, "g/other.jsonl", text("x"))
    stage_all = ingest.stage_all
    more = [second + b'{"torn' * (not packed)]

    def staged(*arguments: object) -> list[int]:
        if more:
            append(path, more.pop())
        return stage_all(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(ingest, "stage_all", staged)
    summary = land(home)
    assert summary.growing_files == (where,)
    assert summary.quarantined == 0
    assert names(home) == (["x"] if packed else ["a", "b", "c", "x"])
    monkeypatch.undo()
    if not packed:
        path.write_bytes(first + second)
    land(home)
    assert names(home) == ["a", "b", "c", "x"]
    assert not quarantined(home)


def test_file_that_goes_away_while_it_is_read_is_left(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    path = drop(home, "g/a.jsonl", text("a"))
    drop(home, "g/b.jsonl", text("b"))
    require = ingest.require_unchanged

    def gone(*arguments: object) -> None:
        path.unlink(missing_ok=True)
        require(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(ingest, "require_unchanged", gone)
    land(home)
    assert names(home) == ["b"]
    assert [e["file"] for e in entries(home)] == ["b.jsonl"]


@pytest.mark.parametrize(
    ("name", "content", "whole"),
    [
        ("a.jsonl", b"", True),
        ("a.jsonl", b'{"a": 1}\n', True),
        ("a.jsonl", b'{"a": 1}', True),
        ("a.jsonl", b'{"a": 1}\n{"a": ', False),
        ("a.jsonl", b'{"a": {"b": 1}', False),
        ("a.json", b'[{"a": 1},\n {"a": 2}\n]', True),
        ("a.json", b'[{"a": 1},\n {"a": 2}]', True),
        ("a.json", b'[{"a": 1},\n {"a": 2}', False),
        ("a.json", b'[{"a": 1},\n', False),
        ("a.csv", b"a,b\n1,2\n", True),
        ("a.csv", b"a,b\n1,2", False),
        ("a.jsonl.gz", gzip.compress(b"{}\n"), True),
        ("a.jsonl.gz", gzip.compress(b"{}\n")[:-3], False),
        ("a.jsonl.zst", pa.compress(b"{}\n", "zstd", asbytes=True), True),
        ("a.jsonl.zst", pa.compress(b"{}\n" * 9, "zstd", asbytes=True)[:-3], False),
        ("a.parquet", b"PAR1....", False),
    ],
)
def test_where_a_writer_may_have_stopped(name: str, content: bytes, whole: bool, tmp_path: Path) -> None:  # noqa: FBT001
    path = tmp_path / name
    path.write_bytes(content)
    assert ends_whole(path) == whole


def test_a_parquet_file_is_whole_with_its_footer(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [1]}), tmp_path / "a.parquet")
    assert ends_whole(tmp_path / "a.parquet")


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.integers(1, 1200), min_size=1, max_size=6))
def test_a_log_read_while_it_grows_comes_to_the_same(cuts: list[int], tmp_path_factory: pytest.TempPathFactory) -> None:
    whole = text("a", "b", "c", "d", "e", "f").encode()
    home = make_home(tmp_path_factory.mktemp("t") / "home", CANONICAL)
    path = drop(home, "g/a.jsonl", b"")
    written = 0

    def write(_: float = 0) -> None:
        nonlocal written
        end = min(written + (cuts.pop() if cuts else len(whole)), len(whole))
        append(path, whole[written:end])
        written = end

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quiet, "pause", write)
        while written < len(whole):
            write()
            land(home)
        land(home)
    assert names(home) == ["a", "b", "c", "d", "e", "f"]
    assert not quarantined(home)


def test_bad_lines_of_a_growing_log_are_in_quarantine_once(home: Home) -> None:
    path = drop(home, "g/a.jsonl", text("a") + "bad\nbad\n")
    land(home)
    for name in "bc":
        append(path, text(name) + "bad\n")
        land(home)
    assert names(home) == ["a", "b", "c"]
    assert [q["line"] for q in quarantined(home)] == [2, 3, 5, 7]
    assert [(e["quarantined"], e["duplicates"]) for e in entries(home)] == [(2, 0), (1, 3), (1, 5)]


def test_bad_lines_of_two_stages_of_a_log_in_one_run_are_in_quarantine_once(home: Home) -> None:
    drop(home, "g/a.jsonl", text("a") + "bad\n")
    drop(home, "g/a.jsonl.1", text("a") + "bad\n" + text("b"))
    land(home)
    assert len(quarantined(home)) == 1
    assert names(home) == ["a", "b"]


def test_other_text_in_the_same_line_or_source_is_another_record(home: Home) -> None:
    (home.config).write_text(CANONICAL + CANONICAL.replace('"g"', '"h"'), encoding="utf-8")
    drop(home, "g/a.jsonl", "bad\n")
    land(home)
    drop(home, "h/a.jsonl", "bad\n")
    # Both have the same masked text.
    drop(home, "g/b.jsonl", json.dumps({"prompt": "one"}) + "\n")
    drop(home, "g/c.jsonl", json.dumps({"prompt": "two"}) + "\n")
    land(home)
    assert [(q["source"], q["file"]) for q in quarantined(home)] == [
        ("g", "a.jsonl"), ("g", "b.jsonl"), ("g", "c.jsonl"), ("h", "a.jsonl"),
    ]  # fmt: skip


def test_a_line_of_a_log_that_has_grown_is_retried_from_it(home: Home) -> None:
    nameless = json.dumps({k: v for k, v in event("n").items() if k != "organization_id"}) + "\n"
    path = drop(home, "g/a.jsonl", text("a") + nameless)
    land(home)
    append(path, text("b"))
    land(home)
    home.config.write_text(CANONICAL + '[sources.constants]\norganization_id = "acme"\n', encoding="utf-8")
    found = retry(home, load_settings(home), Selection())
    assert (found.accepted, found.quarantined, found.left) == (1, 0, ())
    assert names(home) == ["a", "b", "n"]
    assert not (home.work / "growing").exists()
    path.write_text(text("x") + nameless + text("b"), encoding="utf-8")
    land(home)
    assert names(home) == ["a", "b", "n", "x"]


def test_of_growing_files_of_one_name_only_the_one_that_is_too_large_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = make_home(tmp_path / "home", CANONICAL + CANONICAL.replace('"g"', '"h"'))
    for source in ("g", "h"):
        drop(home, f"{source}/a.jsonl", text(source) + text("torn")[:40])
    take_in = ingest._take_in

    def too_small(home: Home, commits: list[Commit], new: list[NewFile], *rest: object) -> object:
        if large := [f for f in new if f.landed.source.name == "g"]:
            raise TooLargeError(large[0].landed.path, "could not allocate")
        return take_in(home, commits, new, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(ingest, "_take_in", too_small)
    summary = land(home)
    assert (summary.accepted, summary.growing_files, names(home)) == (1, ("h/a.jsonl",), ["h"])
    assert ["takes more memory than there is" in said for said in summary.unclear] == [True]
