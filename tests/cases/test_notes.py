"""Allow-notes: which count, which days they cover, and that what is above or later comes back with the note named."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import duckdb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.cases.apply import Review
from pipelines.cases.decisions import Decisions
from pipelines.cases.entry import Allow, Entry
from pipelines.cases.file import Fault
from pipelines.cases.notes import standing_notes, uncovered, write_notes
from pipelines.settings import Settings, Watch
from pipelines.watch.run import watch
from tests.cases.made import AT, Grouped, decided, entry
from tests.watch.traffic import SLOTS, START, Population, flat

DAYS, ONSET = 28, 18


def activity(rows: list[tuple[str, int, int]]) -> duckdb.DuckDBPyConnection:
    """A connection with output tokens of organisations by day."""
    con = duckdb.connect()
    con.execute("create schema marts; create schema watch")
    con.execute("create table marts.activity_daily (organization_id varchar, usage_date date, output_tokens bigint)")
    con.executemany(
        "insert into marts.activity_daily values (?, ?, ?)", [(o, START + timedelta(days=d), n) for o, d, n in rows]
    )
    return con


def allowing(name: str, cap: int, until: date, **changes: Any) -> Entry:
    detector = changes.get("detector", "mass_shape")
    note = Allow(organization_id=name, detector=detector, cap_output_tokens_per_day=cap)
    time = datetime.combine(until, AT.timetz()) - timedelta(days=300)
    return entry("benign_batch", organization_ids=[name], allow=[note], until=until, time=time, **changes)


@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.integers(0, 5), st.integers(0, 9)),
        min_size=1,
        max_size=12,
        unique_by=lambda r: r[:2],
    ),
    st.integers(1, 9),
    st.integers(0, 5),
)
def test_a_note_covers_the_days_within_its_size_up_to_its_end(
    rows: list[tuple[str, int, int]], cap: int, last: int
) -> None:
    con = activity(rows)
    write_notes(con, decided(allowing("a", cap, START + timedelta(days=last))))
    covered = con.execute(
        "select detector, organization_id, usage_date from watch.allowed_days order by all"
    ).fetchall()
    assert covered == sorted(
        # What is said of mass x shape is said of harvest, the same finding in another way.
        (detector, o, START + timedelta(days=d))
        for o, d, n in rows
        for detector in ("harvest", "launch_pivot", "mass_shape")
        if o == "a" and d <= last and n <= cap
    )


def names(decisions: Decisions) -> list[str]:
    return [note.organization_id for _, _, note in standing_notes(decisions)]


def test_the_latest_decision_of_a_case_counts() -> None:
    benign = entry("benign_batch")
    assert names(decided(benign)) == ["acme"]
    assert names(decided(benign, entry("watching"))) == []
    again = entry("benign_batch", until=AT.date() + timedelta(days=9))
    ((number, standing, _),) = standing_notes(decided(benign, again))
    assert (number, standing.until) == (2, again.until)


@pytest.mark.parametrize("state", ["suspended", "confirmed_extraction", "confirmed_evaluation", "stolen_key"])
def test_what_is_confirmed_later_in_another_case_withdraws_it(state: str) -> None:
    benign, later = entry("benign_batch"), entry(state, case_id="another")
    assert names(decided(benign, later)) == []
    assert names(decided(later, benign)) == ["acme"]
    assert names(decided(benign, later.model_copy(update={"organization_ids": ["other"]}))) == ["acme"]


def test_unsealed_notes_do_not_count_but_withdraw() -> None:
    whole = decided(entry("benign_batch"))
    assert names(Decisions((entry("benign_batch"),))) == []
    assert names(replace(whole, entries=(*whole.entries, entry("watching")))) == []


def test_no_note_counts_while_something_does_not_verify() -> None:
    assert names(replace(decided(entry("benign_batch")), faults=(Fault("x"),))) == []


def test_a_group_is_left_out_when_all_its_days_are_covered() -> None:
    con = activity([("a", 0, 5), ("b", 1, 5), ("b", 9, 5_000)])
    both = entry(
        "benign_other",
        detector="coordinated_accounts",
        organization_ids=["a", "b"],
        until=AT.date() + timedelta(days=9),
    )
    group = Grouped(("a", "b"), START, START + timedelta(days=3))
    write_notes(con, decided(both))
    assert uncovered(con, [group], "coordinated_accounts") == []
    assert uncovered(con, [group], "mass_shape") == [group]
    longer = replace(group, last_day=START + timedelta(days=9))
    larger = replace(group, members=("a", "b", "c"))
    con.execute("insert into marts.activity_daily values ('c', ?, 1)", [START])
    assert uncovered(con, [group, longer, larger], "coordinated_accounts") == [longer, larger]


@pytest.fixture(scope="module")
def bulk() -> Population:
    population = Population(DAYS, seed=3)
    population.customers(100)
    for day in range(ONSET, ONSET + 4):
        population.serve(3, day, population.rng.poisson(flat() * 9_000), 200, 1_100)
    return population


def queue(population: Population, *entries: Entry) -> list[dict[str, Any]]:
    con = duckdb.connect()
    population.tables(con)
    settings = Settings(watch=Watch(alerts_per_1000_organization_days=2))
    watch(con, settings, Review(decided(*entries), "salt"))
    result = con.execute("select * from published.extraction_flags where detector <> 'audit_sample'")
    columns = [c[0] for c in result.description]
    return [dict(zip(columns, row, strict=True)) for row in result.fetchall()]


def test_what_is_allowed_is_not_queued_and_leaves_its_place_to_the_next(bulk: Population) -> None:
    before = queue(bulk)
    (case,) = [row for row in before if row["organization_id"] == bulk.ids[3]]
    days = np.asarray(bulk.outputs[3]).reshape(DAYS, SLOTS).sum(axis=1)
    name, most, end = bulk.ids[3], int(days.max()), START + timedelta(days=DAYS)
    after = queue(bulk, allowing(name, most, end, case_id=case["case_id"]))
    assert name not in {row["organization_id"] for row in after}
    assert len(after) == len(before)
    other = allowing(name, most, end, detector="coordinated_accounts")
    assert name in {row["organization_id"] for row in queue(bulk, other)}


@pytest.mark.parametrize("why", ["above", "later"])
def test_what_is_above_or_later_comes_back_with_the_note_named(bulk: Population, why: str) -> None:
    name, days = bulk.ids[3], np.asarray(bulk.outputs[3]).reshape(DAYS, SLOTS).sum(axis=1)
    most = int(days.max())
    cap, end = (most - 1, START + timedelta(days=DAYS)) if why == "above" else (most, START + timedelta(days=ONSET))
    (case,) = [row for row in queue(bulk, allowing(name, cap, end)) if row["organization_id"] == name]
    note = json.loads(case["counter_evidence"])[-1]
    assert (note["code"], note["value"], note["own_baseline"]) == ("allow_note", most, cap)
    assert f"(benign_batch by ana on {end - timedelta(days=300)}, case abc123)" in note["text"]
    assert ("which has passed" in note["text"]) == (why == "later")
    assert case["state"] == "new"
    others = [row for row in queue(bulk, allowing(name, cap, end)) if row["organization_id"] != name]
    assert not any("allow_note" in row["counter_evidence"] for row in others)
