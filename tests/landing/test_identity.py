"""(source, event_id) names one call: duplicates, conflicts and amendments, in any order."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.landing.normalise import create_staging
from pipelines.landing.resolve import resolve
from tests.landing.homes import (
    CANONICAL,
    Row,
    commits,
    comparable,
    drop,
    entries,
    event,
    events,
    land,
    make_home,
    quarantined,
    stored,
    totals,
)

if TYPE_CHECKING:
    from pipelines.home import Home

NOON, LATER = "2024-03-01T12:00:00Z", "2024-03-01T13:00:00Z"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An empty home with one canonical source, g."""
    return make_home(tmp_path / "home", CANONICAL)


def test_duplicates_are_counted_once_accepted_once(home: Home) -> None:
    drop(home, "g/a.jsonl", [event("1"), event("2"), event("1"), event("1", note="ignored field")])
    drop(home, "g/b.jsonl", [event("2"), event("3")])
    summary = land(home)
    assert (summary.records_read, summary.accepted, summary.duplicates) == (6, 3, 3)
    assert [e["event_id"] for e in events(home)] == ["1", "2", "3"]


def test_spelling_of_a_value_makes_no_other_body(home: Home) -> None:
    drop(home, "g/a.jsonl", [event("1", temperature=0.5, product_id=None)])
    drop(
        home,
        "g/b.jsonl",
        [
            event("1", occurred_at="2024-03-01T13:00:00+01:00", input_tokens="100.0",
                  temperature="0.50", product_id="", service_tier="default"),
        ],
    )  # fmt: skip
    assert (land(home).accepted, entries(home)[1]["duplicates"]) == (1, 1)


@pytest.mark.parametrize("first", ["a", "z"])
def test_conflict_in_one_run_earlier_time_stands(home: Home, first: str) -> None:
    last = "z" if first == "a" else "a"
    drop(home, f"g/{first}.jsonl", [event("0"), event("1", occurred_at=LATER, output_tokens=7)])
    drop(home, f"g/{last}.jsonl", [event("1", occurred_at=NOON, output_tokens=8)])
    summary = land(home)
    assert (summary.accepted, summary.duplicates, summary.quarantined) == (2, 0, 1)
    assert [e["output_tokens"] for e in events(home) if e["event_id"] == "1"] == [8]
    [record] = quarantined(home)
    assert (record["file"], record["line"], record["field"]) == (f"{first}.jsonl", 2, "event_id")
    assert "conflict" in record["reason"]
    assert '"output_tokens": 7' in record["raw"]


def test_conflict_at_one_time_smaller_digest_stands(home: Home, tmp_path: Path) -> None:
    rivals = [event("1", output_tokens=n) for n in range(3)]
    drop(home, "g/a.jsonl", rivals)
    other = make_home(tmp_path / "other", CANONICAL)
    for number, record in enumerate(reversed(rivals)):
        drop(other, f"g/{number}.jsonl", [record])
        drop(home, f"alone-{number}/a.jsonl", [record])
    assert land(home).quarantined == land(other).quarantined == 2
    *alone, stands = events(home)
    assert len(alone) == 3
    assert comparable(events(other)) == comparable([stands])
    assert stands["body_digest"] == min(e["body_digest"] for e in alone)


def test_every_rival_but_the_one_that_stands_is_quarantined(home: Home) -> None:
    lines = [event("1", occurred_at=LATER), event("1"), event("1"), event("1", occurred_at=LATER)]
    drop(home, "g/a.jsonl", lines)
    summary = land(home)
    assert (summary.accepted, summary.duplicates, summary.quarantined) == (1, 1, 2)
    assert [q["line"] for q in quarantined(home)] == [1, 4]


def test_conflict_with_an_earlier_run_the_accepted_one_stands(home: Home) -> None:
    drop(home, "g/a.jsonl", [event("1", occurred_at=LATER, output_tokens=7)])
    land(home)
    drop(home, "g/b.jsonl", ["", event("1", occurred_at=NOON, output_tokens=8), event("2")])
    summary = land(home)
    assert (summary.accepted, summary.quarantined) == (1, 1)
    assert [e["output_tokens"] for e in events(home)] == [7, 20]
    [record] = quarantined(home)
    assert (record["file"], record["line"]) == ("b.jsonl", 2)


def test_conflict_in_a_csv_keeps_line_and_text(home: Home) -> None:
    head = "event_id,occurred_at,organization_id,provider,model,input_tokens,finish_reason\n"
    row = "1,2024-03-01T12:00:00Z,acme,openai,m,5,"
    drop(home, "g/a.csv", head + row + '"two\nlines"\n')
    land(home)
    drop(home, "g/b.csv", head + row.replace("1,", "0,", 1) + '"a\nb"\n' + row + "stop\n")
    assert land(home).quarantined == 1
    [record] = quarantined(home)
    assert (record["line"], '"finish_reason":"stop"' in record["raw"]) == (4, True)


def test_amendment_replaces_across_days(home: Home) -> None:
    drop(home, "g/a.jsonl", [event("1", output_tokens=7), event("2")])
    land(home)
    amended = event("1", revision=1, occurred_at="2024-03-05T12:00:00Z", output_tokens=9)
    drop(home, "g/b.jsonl", [amended])
    summary = land(home)
    assert (summary.accepted, summary.amendments, summary.quarantined) == (0, 1, 0)
    got = [(e["event_id"], e["revision"], e["output_tokens"]) for e in events(home)]
    assert got == [("1", 1, 9), ("2", 0, 20)]
    assert commits(home)[1]["touched_days"] == ["2024-03-01", "2024-03-05"]
    assert len(stored(home)) == 3


def test_only_new_supersessions_are_named(home: Home) -> None:
    drop(home, "g/a.jsonl", [event("1"), event("1", revision=1, occurred_at="2024-03-05", output_tokens=9)])
    land(home)
    drop(home, "g/b.jsonl", [event("1"), event("2", occurred_at="2024-03-07")])
    assert land(home).duplicates == 1
    assert (commits(home)[1]["touched_days"], commits(home)[1]["superseded"]) == (["2024-03-07"], None)
    drop(home, "g/c.jsonl", [event("1", revision=2, occurred_at="2024-03-09", output_tokens=10)])
    land(home)
    assert commits(home)[2]["touched_days"] == ["2024-03-05", "2024-03-09"]
    assert [e["revision"] for e in events(home)] == [2, 0]


def test_late_lower_revision_does_not_count(home: Home) -> None:
    drop(home, "g/a.jsonl", [event("1", revision=2, output_tokens=9)])
    land(home)
    drop(home, "g/b.jsonl", [event("1", revision=1, occurred_at="2024-03-02", output_tokens=8)])
    summary = land(home)
    assert (summary.accepted, summary.amendments) == (0, 1)
    assert [(e["revision"], e["output_tokens"]) for e in events(home)] == [(2, 9)]


def test_revisions_of_one_run(home: Home) -> None:
    lines = [event("1", revision=r, output_tokens=r) for r in (1, 0, 2, 1)]
    drop(home, "g/a.jsonl", lines)
    summary = land(home)
    assert (summary.accepted, summary.amendments, summary.duplicates) == (1, 2, 1)
    assert [e["output_tokens"] for e in events(home)] == [2]


def test_conflict_within_a_revision(home: Home) -> None:
    drop(home, "g/a.jsonl", [event("1"), event("1", revision=1, output_tokens=7)])
    land(home)
    drop(home, "g/b.jsonl", [event("1", revision=1, output_tokens=8)])
    assert land(home).quarantined == 1
    assert [e["output_tokens"] for e in events(home)] == [7]


# A delivery is (which call, which revision of it, the run and the file that bring it).
FILES = ("0-a", "0-b", "1-a", "2-a")
DELIVERIES = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 2), st.sampled_from(FILES)), min_size=1, max_size=30)


def _record(call: int, revision: int) -> dict[str, object]:
    """What a revision of a call says: every delivery of it says the same."""
    return event(
        f"call-{call}",
        revision=revision,
        occurred_at=f"2024-03-{1 + (call * 5 + revision * 3) % 4:02}T12:00:00Z",
        input_tokens=call * 100,
        cached_input_tokens=revision,
        output_tokens=call + revision,
        image_input_tokens=revision,
        hosting_hours=f"{call}.{revision:06}",
        web_search_calls=call,
        organization_id=f"org-{call % 3}",
    )


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[int, int], Row]:
    """The event that each revision of each call becomes."""
    home = make_home(tmp_path_factory.mktemp("alone") / "home", CANONICAL)
    drop(home, "g/all.jsonl", [_record(c, r) for c in range(8) for r in range(3)])
    land(home)
    return {(int(e["event_id"][-1]), e["revision"]): e for e in stored(home)}


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(deliveries=DELIVERIES)
def test_order_files_and_runs_never_matter(
    alone: dict[tuple[int, int], Row], deliveries: list[tuple[int, int, str]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = make_home(Path(folder) / "home", CANONICAL)
        for run in "012":
            for name in (f for f in FILES if f[0] == run):
                if records := [_record(c, r) for c, r, to in deliveries if to == name]:
                    drop(home, f"g/{name}.jsonl", records)
            land(home)
        got, files = events(home), entries(home)
        pairs = {(c, r) for c, r, _ in deliveries}
        newest = {c: max(r for call, r in pairs if call == c) for c, _ in pairs}
        wanted = [alone[pair] for pair in sorted(newest.items())]
        assert comparable(got) == comparable(wanted)
        assert totals(got) == totals(wanted)
        assert sum(f["accepted"] for f in files) == len(newest)
        assert sum(f["amendments"] for f in files) == len(pairs) - len(newest)
        assert sum(f["quarantined"] for f in files) == 0


# A rival is (key, hour of day, body); file and line are its place in the list.
RIVALS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=20)


@settings(max_examples=15, deadline=None)
@given(rivals=RIVALS, order=st.randoms(use_true_random=False))
def test_what_stands_in_a_run_does_not_depend_on_order(rivals: list[tuple[int, int, int]], order: object) -> None:
    shuffled = list(rivals)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    outcomes = []
    for arrangement in (rivals, shuffled):
        with duckdb.connect() as con:
            create_staging(con)
            con.executemany(
                """
                insert into staged (file_no, line, key, source, event_id, revision, occurred_at, body_digest)
                values (?, ?, md5(?)::uuid, 's', ?, 0, ?, md5(?)::uuid)""",
                [
                    [n % 3, n, str(k), str(k), f"2024-03-01 {h:02}:00:00", f"{h}-{b}"]
                    for n, (k, h, b) in enumerate(arrangement)
                ],
            )
            resolve(con, [])
            kept = con.execute("select event_id, occurred_at, body_digest from staged order by all")
            rows = kept.fetchall()
            counts = con.execute("select verdict, count(*) from verdicts group by all order by all")
            outcomes.append((rows, counts.fetchall()))
    assert outcomes[0] == outcomes[1]
    rows = outcomes[0][0]
    assert [int(r[0]) for r in rows] == sorted({k for k, *_ in rivals})
    for key, occurred_at, _ in rows:
        assert occurred_at.hour == min(h for k, h, _ in rivals if str(k) == key)
