"""Adding and sealing: what is there is kept, files are replaced whole, nothing is written where something is wrong."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipelines import warehouse
from pipelines.cases import store
from pipelines.cases.deciding import snapshots
from pipelines.cases.decisions import load_decisions
from pipelines.cases.listing import Listed
from pipelines.cases.store import add, seal
from pipelines.errors import MeterhouseError
from pipelines.home import Home
from tests.cases.made import AT, chained, entry, snapshot, write


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_each_decision_is_appended_and_the_head_follows(home: Home) -> None:
    heads = [add(home, entry(state, time=AT + timedelta(hours=i))) for i, state in enumerate(["watching", "closed"])]
    found = load_decisions(home)
    assert [e.state for e in found.entries] == ["watching", "closed"]
    assert found.entries[1].previous == found.entries[0].digest
    assert [h.entries for h in heads] == [1, 2]
    assert heads[1] == found.head
    assert json.loads(home.decisions_head.read_text()) == {"entries": 2, "digest": found.entries[1].digest}
    assert not list(home.root.rglob("*.tmp"))


def test_what_makes_no_sense_changes_nothing(home: Home) -> None:
    with pytest.raises(MeterhouseError, match="cannot become reinstated: nothing was suspended"):
        add(home, entry("reinstated"))
    assert not home.decisions.exists()
    add(home, entry("watching"))
    with pytest.raises(MeterhouseError, match="after this machine's clock"):
        add(home, entry("closed", time=AT - timedelta(seconds=1)))
    assert len(load_decisions(home).entries) == 1


def test_nothing_is_added_to_a_broken_chain(home: Home) -> None:
    made = chained([entry(case_id="a"), entry(case_id="b")])
    write(home, made[1:], head=made)
    before = home.decisions.read_bytes()
    for work in (lambda: add(home, entry(case_id="c")), lambda: seal(home)):
        with pytest.raises(MeterhouseError, match="do not verify"):
            work()
    assert home.decisions.read_bytes() == before


def test_what_is_by_hand_is_sealed_by_the_next_decision(home: Home) -> None:
    write(home, [*chained([entry(case_id="a")]), entry(case_id="b"), entry(case_id="c")])
    assert load_decisions(home).unsealed == 2
    assert add(home, entry(case_id="d")).entries == 4
    found = load_decisions(home)
    assert (found.faults, found.unsealed) == ((), 0)
    assert [e.case_id for e in found.entries] == ["a", "b", "c", "d"]


def test_seal_gives_an_entry_the_snapshot_of_its_case_and_changes_nothing_else(home: Home) -> None:
    write(home, [entry(case_id="b", snapshot=None, why="by hand"), entry(case_id="gone", snapshot=None)])
    case = Listed("b", ("acme",), "mass_shape", snapshot(score=7.0), 1)
    sealed, head = seal(home, snapshots([case]))
    first, second = load_decisions(home).entries
    assert (sealed, head.entries) == (2, 2)
    assert (first.snapshot, first.why) == (snapshot(score=7.0), "by hand")
    assert second.snapshot is None
    assert seal(home, snapshots([case])) == (0, head)


def test_a_time_to_come_is_not_sealed(home: Home) -> None:
    write(home, [entry(time=datetime.now(UTC) + timedelta(days=1))])
    with pytest.raises(MeterhouseError, match="entry 1: the time is in the future"):
        seal(home)
    assert load_decisions(home).unsealed == 1


@pytest.mark.parametrize("stopped_at", [1, 2, 3])
def test_a_decision_that_is_stopped_between_its_files_leaves_no_fault(
    home: Home, stopped_at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = 0
    replace = Path.replace

    def stop(self: Path, target: Path) -> Path:
        nonlocal calls
        calls += 1
        if calls == stopped_at:
            raise KeyboardInterrupt
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", stop)
    with pytest.raises(KeyboardInterrupt):
        add(home, entry("watching"))
    monkeypatch.undo()
    found = load_decisions(home)
    assert found.faults == ()
    assert len(found.entries) == (1 if stopped_at == 3 else 0)
    head = add(home, entry("contacted"))
    assert head.entries == len(found.entries) + 1
    assert load_decisions(home).faults == ()


def test_a_home_that_is_being_worked_on_is_left_alone(home: Home) -> None:
    with warehouse.writer_lock(home), pytest.raises(MeterhouseError, match="is working on this home"):
        add(home, entry())
    assert not home.decisions.exists()


def test_what_would_not_read_the_same_is_not_written(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "dump", lambda _: "[]\n")
    with pytest.raises(MeterhouseError, match="reads the same"):
        add(home, entry())
    assert not home.decisions.exists()
