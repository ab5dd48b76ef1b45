"""The file: it reads as it was written, and what is wrong is named with entry, line and field."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pipelines.cases.entry import digest_of
from pipelines.cases.file import Fault, dump, parse
from tests.cases.made import chained, entry, snapshot

# Whatever YAML can hold: hostile names are only data.
TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc", "Cn")), min_size=1, max_size=40).filter(str.strip)
VALUE = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT
REASONS = st.lists(st.dictionaries(TEXT, VALUE, max_size=3), max_size=3)

BY_HAND = """\
# by hand
- case_id: abc123
  organization_ids: [acme]
  detector: mass_shape
  state: benign_batch
  reviewer: ana
  time: 2026-06-01T10:00:00Z
  why: a backfill
  until: 2026-07-01
  allow:
  - organization_id: acme
    detector: mass_shape
    cap_output_tokens_per_day: 5
"""


@given(names=st.lists(TEXT, min_size=1, max_size=3), why=TEXT, reasons=REASONS, score=st.floats(0, 1e9))
def test_what_is_written_reads_the_same(names: list[str], why: str, reasons: list[Any], score: float) -> None:
    seen = snapshot(reasons=reasons, counter_evidence=reasons[:1], score=score)
    made = chained([entry(organization_ids=names, why=why, snapshot=seen), entry()])
    read = parse(dump(made))
    assert read.faults == []
    assert read.entries == made
    assert [digest_of(e) for e in read.entries] == [e.digest for e in made]


def test_a_decision_by_hand_is_read_without_a_place_in_the_chain() -> None:
    (one,) = parse(BY_HAND).entries
    assert not one.sealed
    assert one.time == datetime(2026, 6, 1, 10, tzinfo=UTC)
    assert one.allow[0].cap_output_tokens_per_day == 5


def test_layout_comments_and_zone_are_not_part_of_the_digest() -> None:
    (one,) = parse(BY_HAND).entries
    (other,) = parse(
        BY_HAND.replace("# by hand\n", "").replace("10:00:00Z", "12:00:00+02:00").replace("[acme]", "['acme']")
    ).entries
    assert digest_of(one) == digest_of(other)


@pytest.mark.parametrize(
    ("before", "after", "line", "field", "said"),
    [
        ("state: benign_batch", "state: harmless", 5, "state", "'benign_launch'"),
        ("why: a backfill", "because: x", 8, "because", "no such field"),
        ("reviewer: ana", "reviewer: 7", 6, "reviewer", "valid string"),
        ("reviewer: ana", "reviewer: ' '", 6, "reviewer", "pattern"),
        ("10:00:00Z", "10:00:00", 7, "time", "write it in UTC, as in 2026-06-01T10:00:00Z"),
        ("_day: 5", "_day: '5'", 13, "allow.0.cap_output_tokens_per_day", "valid integer"),
        ("_day: 5", "_day: 0", 13, "allow.0.cap_output_tokens_per_day", "greater than 0"),
        ("until: 2026-07-01", "until: 2028-07-01", 2, None, "at most 366 days"),
        ("until: 2026-07-01", "until: 2026-05-01", 2, None, "before the decision of 2026-06-01"),
        ("  until: 2026-07-01\n", "", 2, None, "needs until"),
        ("organization_id: acme", "organization_id: other", 2, None, "no others"),
        ("state: benign_batch", "state: watching", 2, None, "allow is for benign decisions, not for watching"),
        ("  why: a backfill", "  why: a backfill\n  why: b", 9, "why", "it is there twice"),
        ("  why: a backfill", f"  previous: '{'0' * 64}'\n  why: x", 2, None, "leave both out"),
    ],
)
def test_a_mistake_is_named_with_entry_line_and_field(
    before: str, after: str, line: int, field: str | None, said: str
) -> None:
    assert before in BY_HAND
    (fault,) = parse(BY_HAND.replace(before, after)).faults
    assert (fault.entry, fault.line, fault.field) == (1, line, field)
    assert said in fault.cause
    assert str(fault).startswith(f"entry 1 (line {line}")


def test_the_second_entry_is_called_the_second_and_the_first_still_read() -> None:
    text = BY_HAND + BY_HAND.replace("state: benign_batch", "state: harmless")
    read = parse(text)
    assert (len(read.entries), read.count) == (1, 2)
    assert (read.faults[0].entry, read.faults[0].line) == (2, 18)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- a: [", "not valid YAML"),
        ("a: 1\n", "not a list"),
        ("- &x {a: 1}\n- *x\n", "anchors and aliases"),
        ("- !!python/object:os.system {}\n", "not valid YAML"),
        ("- 5\n", "valid dictionary"),
        ("- a: \0\n", "not valid YAML"),
    ],
)
def test_what_is_no_list_of_decisions_is_a_fault(text: str, said: str) -> None:
    read = parse(text)
    assert read.entries == []
    assert said in str(read.faults[0])


def test_an_empty_file_has_no_decisions() -> None:
    assert parse("").faults == []
    assert parse(dump([])).entries == []


def test_a_fault_says_where() -> None:
    assert str(Fault("x")) == "x"
    assert str(Fault("x", 3)) == "entry 3: x"
    assert str(Fault("x", line=2)) == "line 2: x"


def test_the_file_has_dates_as_yaml_has_them() -> None:
    (plain,) = yaml.safe_load(dump(chained([entry("benign_batch")])))
    assert isinstance(plain["time"], datetime)
    assert str(plain["until"]) == "2026-07-01"
