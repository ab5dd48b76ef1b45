"""Which organisations get the alerts, and in which order: by surprise, equal ones by amount."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import duckdb
import pytest

from pipelines.watch.cases import Case, write_cases
from pipelines.watch.sql import rows_of
from tests.watch.traffic import START, Population, flat

# (organisation, day, unexplained tokens, surprise, p-value)
Scored = tuple[str, int, int, float, float]
DULL: list[Scored] = [(f"dull-{i}", 1, 900, 0.5, 0.9) for i in range(9)]


def queue(days: list[Scored], *, alerts: int, taken: tuple[str, ...] = ()) -> list[str]:
    connection = duckdb.connect()
    connection.execute(
        """create schema watch;
        create table watch.organization_day_scores (organization_id varchar, usage_date date, unexplained_1 bigint,
            unexplained_7 bigint, unexplained_28 bigint, surprise double, p_value double);
        create table watch.allowed_days (detector varchar, organization_id varchar, usage_date date)"""
    )
    connection.executemany(
        "insert into watch.organization_day_scores values (?, ?, 0, ?, null, ?, ?)",
        [(name, START + timedelta(days=day), tokens, surprise, p) for name, day, tokens, surprise, p in days],
    )
    return [row["organization_id"] for row in rows_of(connection, "queue.sql", alerts=alerts, taken=taken)]


# Named so that the order of names alone would put the tiny one first.
TINY: Scored = ("a-tiny", 1, 6_402, 4.7, 0.002)
LARGE: Scored = ("z-large", 2, 358_000, 4.7, 0.002)


@pytest.mark.parametrize("days", [[TINY, LARGE, *DULL], [*DULL, LARGE, TINY]])
def test_tiny_account_does_not_outrank_a_large_equally_surprising_one(days: list[Scored]) -> None:
    assert queue(days, alerts=1) == ["z-large"]
    assert queue(days, alerts=2) == ["z-large", "a-tiny"]


def test_rarer_goes_first_and_large_customers_do_not_own_the_queue() -> None:
    usual: Scored = ("large-and-usual", 1, 90_000_000, 2.0, 0.1)
    assert queue([usual, TINY, *DULL], alerts=1) == ["a-tiny"]


def test_amounts_below_the_middle_are_not_queued_however_surprising() -> None:
    crumb: Scored = ("crumb", 1, 12, 9.0, 0.0001)
    assert "crumb" not in queue([crumb, TINY, LARGE, *DULL], alerts=20)


def test_members_of_a_group_leave_their_place_to_the_next() -> None:
    assert queue([TINY, LARGE, *DULL], alerts=1, taken=("z-large",)) == ["a-tiny"]


def test_an_organisation_is_queued_once() -> None:
    again: Scored = ("z-large", 3, 400_000, 4.6, 0.003)
    assert queue([LARGE, again, TINY, *DULL], alerts=3)[:2] == ["z-large", "a-tiny"]


def test_rank_follows_score_and_equal_scores_follow_output() -> None:
    population = Population(3)
    for requests in (20, 4_000, 300):
        number = population.add("benign")
        population.serve(number, 0, population.rng.poisson(flat() * requests), 100, 500)
    connection = duckdb.connect()
    population.tables(connection)
    connection.execute("create schema watch; create schema published")
    tiny, large, rare = population.ids
    case = Case("mass_shape", (tiny,), START, START, 2.7, [], [])
    write_cases(connection, [case, replace(case, members=(large,)), replace(case, members=(rare,), score=3.1)])
    rows = connection.execute("select organization_id, score from published.extraction_flags order by rank").fetchall()
    assert rows == [(rare, 3.1), (large, 2.7), (tiny, 2.7)]
