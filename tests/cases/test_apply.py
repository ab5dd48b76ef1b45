"""Decisions on the queue: state, reviewer and history, the audit sample behind the budget; the same every time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import duckdb
import pytest

from pipelines.cases.apply import Review
from pipelines.cases.audit import draw, sample_size
from pipelines.cases.decisions import Decisions
from pipelines.settings import Settings, Watch
from pipelines.watch.run import watch
from tests.cases.made import AT, decided, entry
from tests.watch.traffic import START, Population, flat

DAYS = 28
LAST = START + timedelta(days=DAYS - 1)


@pytest.fixture(scope="module")
def population() -> Population:
    made = Population(DAYS, seed=3)
    made.customers(80)
    for day in range(18, 22):
        made.serve(3, day, made.rng.poisson(flat() * 9_000), 200, 1_100)
    return made


def run(population: Population, decisions: Decisions = Decisions(), *, salt: str = "s", budget: float = 2) -> Any:  # noqa: B008
    con = duckdb.connect()
    population.tables(con)
    settings = Settings(watch=Watch(alerts_per_1000_organization_days=budget))
    summary = watch(con, settings, Review(decisions, salt))
    return con, summary


def rows(con: duckdb.DuckDBPyConnection, sql: str = "from published.extraction_flags") -> list[dict[str, Any]]:
    result = con.execute(sql)
    names = [c[0] for c in result.description]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def test_the_sample_stands_last_and_beside_the_budget(population: Population) -> None:
    con, summary = run(population)
    queue = rows(con)
    flagged, audits = queue[: summary.flags], queue[summary.flags :]
    assert [r["detector"] for r in audits] == ["audit_sample"] * sample_size(summary.alerts_allowed)
    assert all(r["detector"] != "audit_sample" for r in flagged)
    assert [r["rank"] for r in queue] == list(range(1, len(queue) + 1))
    assert audits[0]["organization_id"] not in {r["organization_id"] for r in flagged}
    assert audits[0]["first_seen"].isocalendar()[:2] == audits[0]["last_seen"].isocalendar()[:2]
    number = population.ids.index(audits[0]["organization_id"])
    place = slice((audits[0]["first_seen"] - START).days * 144, ((audits[0]["last_seen"] - START).days + 1) * 144)
    assert audits[0]["output_tokens"] == population.outputs[number][place].sum()


def test_the_sample_is_the_same_all_week_and_another_one_in_another_home_and_week(population: Population) -> None:
    con, _ = run(population, budget=0.1)

    def drawn(salt: str, last_day: int, size: int = 20) -> list[str]:
        found = draw(con, salt=salt, last_day=START + timedelta(days=last_day), size=size)
        assert len({d.week for d in found}) == 1
        return [d.organization_id for d in found]

    # The data begin on a Monday: the third week ends on day 20.
    assert drawn("s", 20) == drawn("s", 23) == drawn("s", 26)
    assert drawn("s", 20)[:3] == drawn("s", 20, size=3)
    assert drawn("s", 20) != drawn("other", 20)
    assert drawn("s", 20) != drawn("s", 27)


def test_every_organisation_outside_the_queue_can_be_drawn(population: Population) -> None:
    con, _ = run(population)
    flagged = {r["organization_id"] for r in rows(con)}
    frame = draw(con, salt="s", last_day=LAST, size=1_000)
    judged = {
        name
        for (name,) in con.execute(
            "select distinct organization_id from watch.organization_day_scores where usage_date > ?",
            [LAST - timedelta(days=7)],
        ).fetchall()
    }
    assert {d.organization_id for d in frame} == judged - flagged
    assert {d.organizations for d in frame} == {len(frame)}


@pytest.mark.parametrize(("allowed", "size"), [(0.1, 1), (1, 1), (74, 1), (75, 2), (500, 10)])
def test_two_percent_of_the_budget_and_one_at_least(allowed: float, size: int) -> None:
    assert sample_size(allowed) == size


def test_the_sample_joins_where_the_budget_is_less_than_a_case_but_not_where_nothing_was_judged(
    population: Population,
) -> None:
    con, summary = run(population, budget=0.01)
    assert summary.flags == 0
    assert [r["detector"] for r in rows(con)] == ["audit_sample"]
    short = Population(5, seed=2)
    number = short.add("benign")
    short.serve(number, 4, short.rng.poisson(flat() * 300), 100, 50)
    assert rows(run(short)[0]) == []
    assert rows(run(Population(5))[0]) == []


def test_without_a_review_there_is_detection_alone(population: Population) -> None:
    con = duckdb.connect()
    population.tables(con)
    summary = watch(con, Settings(watch=Watch(alerts_per_1000_organization_days=2)))
    queue = rows(con)
    assert len(queue) == summary.flags
    assert {r["state"] for r in queue} == {"new"}
    assert {r["reviewer"] for r in queue} == {None}


def test_the_latest_decision_of_a_case_is_on_it_and_all_are_in_the_history(population: Population) -> None:
    first, *rest = rows(run(population)[0])
    case_id = first["case_id"]
    decisions = decided(
        entry("watching", case_id=case_id, until=AT.date() + timedelta(days=5)),
        entry("stolen_key", case_id=case_id, reviewer="ben", why="it's theirs", time=AT + timedelta(hours=1)),
        entry("closed", case_id="left-the-queue", time=AT + timedelta(hours=2)),
    )
    con, _ = run(population, decisions)
    now, *others = rows(con)
    assert (now["state"], now["reviewer"], now["why"], now["until"]) == ("stolen_key", "ben", "it's theirs", None)
    assert now["decided_at"] == (AT + timedelta(hours=1)).replace(tzinfo=None)
    assert {k: now[k] for k in now if k not in {"state", "reviewer", "why", "decided_at"}} == {
        k: first[k] for k in first if k not in {"state", "reviewer", "why", "decided_at"}
    }
    assert others == rest
    history = rows(con, "from published.case_decisions")
    assert [(h["entry"], h["case_id"], h["state"]) for h in history] == [
        (1, case_id, "watching"), (2, case_id, "stolen_key"), (3, "left-the-queue", "closed"),
    ]  # fmt: skip
    assert [h["digest"] for h in history] == [e.digest for e in decisions.entries]


def test_the_same_decisions_give_the_same_tables(population: Population) -> None:
    case_id = rows(run(population)[0])[0]["case_id"]
    decisions = decided(entry("benign_batch", case_id=case_id, organization_ids=[population.ids[3]]))
    one, other = (run(population, decisions)[0] for _ in range(2))
    for table in ("published.extraction_flags", "published.case_decisions", "watch.allow_notes"):
        assert rows(one, f"from {table} order by all") == rows(other, f"from {table} order by all")
