"""The chain: whatever is edited, removed, moved or put in is found, and the end that is cut off by the head."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pipelines.cases.chain import Head, faults_of, head_of
from pipelines.cases.entry import GENESIS, Entry, digest_of, sealed_after
from pipelines.cases.file import Fault
from tests.cases.made import AT, chained, entry, snapshot

STATE = st.sampled_from(["watching", "contacted", "suspended", "confirmed_extraction", "benign_batch"])


@st.composite
def chains(draw: st.DrawFn) -> list[Entry]:
    states = draw(st.lists(STATE, min_size=1, max_size=6))
    return chained(entry(s, case_id=f"case-{i}", time=AT + timedelta(hours=i)) for i, s in enumerate(states))


def faults(entries: list[Entry], head: Head | Fault | None) -> list[Fault]:
    return faults_of(entries, [1] * len(entries), head)


EDITS: list[dict[str, Any]] = [
    {"case_id": "other"},
    {"organization_ids": ["acme", "more"]},
    {"detector": "coordinated_accounts"},
    {"state": "closed"},
    {"reviewer": "eve"},
    {"time": AT - timedelta(seconds=1)},
    {"why": "something else"},
    {"until": date(2026, 6, 20)},
    {"snapshot": snapshot(score=2.6)},
    {"snapshot": snapshot(reasons=[{"code": "x"}])},
    {"snapshot": None},
]


@given(chains())
def test_what_was_not_touched_verifies(made: list[Entry]) -> None:
    assert faults(made, head_of(made)) == []


@given(chains(), st.data())
def test_any_edit_is_found_and_named(made: list[Entry], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(made) - 1))
    edited = made[at].model_copy(update=data.draw(st.sampled_from(EDITS)))
    found = faults([*made[:at], edited, *made[at + 1 :]], head_of(made))
    assert [f.entry for f in found] == [at + 1]
    assert "edited" in found[0].cause


@given(chains(), st.data())
def test_an_edit_with_a_new_digest_is_found_by_the_next_or_the_head(made: list[Entry], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(made) - 1))
    edited = made[at].model_copy(update={"why": "something else"})
    edited = edited.model_copy(update={"digest": digest_of(edited)})
    found = faults([*made[:at], edited, *made[at + 1 :]], head_of(made))
    assert min(f.entry for f in found) == min(at + 2, len(made))


@given(chains(), st.data())
def test_any_history_made_anew_is_found_by_the_head(made: list[Entry], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(made) - 1))
    fresh = [*made[:at], made[at].model_copy(update={"reviewer": "eve"}), *made[at + 1 :]]
    anew = chained(e.model_copy(update={"previous": None, "digest": None}) for e in fresh)
    assert faults(anew, head_of(made))


@given(chains(), st.data())
def test_any_removal_is_found(made: list[Entry], data: st.DataObject) -> None:
    first = data.draw(st.integers(0, len(made) - 1))
    last = data.draw(st.integers(first + 1, len(made)))
    assert faults(made[:first] + made[last:], head_of(made))


@given(chains().filter(lambda c: len(c) > 1), st.data())
def test_any_swap_and_any_copy_is_found(made: list[Entry], data: st.DataObject) -> None:
    one, other = sorted(data.draw(st.lists(st.integers(0, len(made) - 1), min_size=2, max_size=2, unique=True)))
    swapped = list(made)
    swapped[one], swapped[other] = made[other], made[one]
    found = faults(swapped, head_of(made))
    assert min(f.entry for f in found) == one + 1
    assert faults([*made[:one], made[other], *made[one:]], head_of(made))
    assert faults([*made, made[one]], head_of(made))


@given(chains(), st.data())
def test_a_digest_taken_off_is_found(made: list[Entry], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(made) - 1))
    bare = made[at].model_copy(update={"previous": None, "digest": None})
    assert faults([*made[:at], bare, *made[at + 1 :]], head_of(made))


def test_each_fault_says_what_happened() -> None:
    made = chained(entry(case_id=f"c{i}") for i in range(4))
    head = head_of(made)

    def told(*places: int) -> str:
        return "; ".join(str(f) for f in faults([made[i] for i in places], head))

    assert "entry 3 (line 1): an entry was removed or replaced between entries 2 and 3" in told(0, 1, 3)
    assert "entry 1 (line 1): an entry was removed or replaced before it" in told(1, 2, 3)
    assert "entry 2 (line 1): it was decided after what is now entry 3: entries were moved" in told(0, 2, 1, 3)
    assert "it was the first decision" in told(1, 0, 2, 3)
    assert "the end is missing: 4 sealed entries were written, 3 are there" in told(0, 1, 2)
    assert "4 sealed entries were written, 0 are there" in told()


def test_a_head_that_is_behind_is_none_and_one_that_is_gone_is_a_fault() -> None:
    made = chained(entry(case_id=f"c{i}") for i in range(3))
    assert faults(made, head_of(made[:2])) == []
    assert faults(made, Head(0, GENESIS)) == []
    assert "the head is gone" in str(faults(made, None)[0])
    assert faults([], None) == []
    unreadable = Fault("x")
    assert faults(made, unreadable) == [unreadable]


def test_unsealed_entries_are_for_the_end_only() -> None:
    made = chained([entry(case_id="a"), entry(case_id="b")])
    by_hand = entry(case_id="c")
    assert faults([*made, by_hand], head_of(made)) == []
    found = faults([made[0], by_hand, made[1]], head_of(made))
    assert {f.entry for f in found} == {2}
    assert "only the last may be unsealed" in found[0].cause


def test_the_digest_covers_the_one_before() -> None:
    one = entry()
    assert sealed_after(one, GENESIS).digest != sealed_after(one, "1" * 64).digest
