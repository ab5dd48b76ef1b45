"""What counts of the decisions of a home: all where they verify, those before the first fault where not."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from pipelines.cases.decisions import fingerprint, load_decisions, require_whole
from pipelines.errors import MeterhouseError
from pipelines.home import Home
from tests.cases.made import AT, chained, entry, write

if TYPE_CHECKING:
    from pathlib import Path

MADE = chained(entry(case_id=f"c{i}", time=AT + timedelta(hours=i)) for i in range(4))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_a_home_without_decisions_has_none(home: Home) -> None:
    assert load_decisions(home).entries == ()
    assert load_decisions(home).faults == ()


def test_all_count_where_all_is_well(home: Home) -> None:
    write(home, MADE)
    found = load_decisions(home)
    assert (list(found.entries), found.faults, found.head.entries) == (MADE, (), 4)
    assert found.head.digest == MADE[-1].digest


def test_what_is_before_the_fault_counts_and_nothing_after(home: Home) -> None:
    edited = MADE[2].model_copy(update={"why": "other"})
    write(home, [*MADE[:2], edited, MADE[3]], head=MADE)
    found = load_decisions(home)
    assert list(found.entries) == MADE[:2]
    assert [(f.entry, f.line) for f in found.faults] == [
        (3, home.decisions.read_text().splitlines().index("- case_id: c2") + 1)
    ]
    with pytest.raises(MeterhouseError, match="entry 3") as caught:
        require_whole(home)
    assert str(home.decisions) in str(caught.value)
    assert "backup" in str(caught.value)


def test_a_file_that_is_gone_or_cut_is_missed(home: Home) -> None:
    write(home, MADE[:3], head=MADE)
    assert "the end is missing" in str(load_decisions(home).faults[0])
    home.decisions.unlink()
    assert "4 sealed entries were written, 0 are there" in str(load_decisions(home).faults[0])


@pytest.mark.parametrize("content", [b"- [", b"\xff\xfe", b"{}", b"5"])
def test_a_file_that_cannot_be_read_is_a_fault_and_raises_nothing(home: Home, content: bytes) -> None:
    write(home, MADE)
    home.decisions.write_bytes(content)
    found = load_decisions(home)
    assert found.entries == ()
    assert found.faults


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"entries": "x", "digest": 1}'])
def test_a_head_that_cannot_be_read_is_a_fault(home: Home, text: str) -> None:
    write(home, MADE)
    home.decisions_head.write_text(text)
    assert "cannot be read" in str(load_decisions(home).faults[0])


def test_unsealed_entries_count_but_have_to_make_sense(home: Home) -> None:
    write(home, [*MADE, entry("contacted", case_id="c0", time=AT + timedelta(hours=9))])
    found = load_decisions(home)
    assert (found.faults, found.unsealed, found.head.entries) == ((), 1, 4)
    assert found.latest()["c0"].state == "contacted"
    write(home, [*MADE, entry("reinstated", case_id="c0", time=AT + timedelta(hours=9))])
    found = load_decisions(home)
    assert [(f.entry, f.field) for f in found.faults] == [(5, "state")]
    assert list(found.entries) == MADE
    write(home, [*MADE, entry("contacted", case_id="c0", time=AT - timedelta(hours=1))])
    assert [(f.entry, f.field) for f in load_decisions(home).faults] == [(5, "time")]


def test_a_mistake_in_an_unsealed_entry_leaves_the_sealed_ones(home: Home) -> None:
    write(home, [*MADE, entry(case_id="c9")])
    text = home.decisions.read_text()
    place = text.rindex("watching")
    home.decisions.write_text(text[:place] + "waching" + text[place + 8 :])
    found = load_decisions(home)
    assert list(found.entries) == MADE
    assert [(f.entry, f.field) for f in found.faults] == [(5, "state")]


def test_fingerprint_follows_both_files(home: Home) -> None:
    seen = {fingerprint(home)}
    write(home, MADE[:3])
    seen.add(fingerprint(home))
    write(home, MADE)
    seen.add(fingerprint(home))
    home.decisions_head.write_text(json.dumps({"entries": 3, "digest": MADE[2].digest}))
    seen.add(fingerprint(home))
    assert len(seen) == 4
