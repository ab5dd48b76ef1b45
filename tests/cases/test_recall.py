"""Recall from the audit sample: exact intervals, organisation-weeks on both sides, nothing where nothing is known."""

from __future__ import annotations

from datetime import timedelta
from math import comb
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.cases.recall import estimate_recall, interval
from pipelines.cases.text import recall_text
from tests.cases.made import DAY, entry, snapshot

if TYPE_CHECKING:
    from pipelines.cases.entry import Entry

FRAME = 200


def audit(number: int, state: str = "benign_other", week: int = 0) -> Entry:
    day = DAY + timedelta(weeks=week)
    return entry(
        state,
        case_id=f"audit-{number}",
        detector="audit_sample",
        snapshot=snapshot(first_seen=day, last_seen=day, reasons=[{"code": "audit_sample", "value": FRAME}]),
    )


def case(number: int, state: str = "confirmed_extraction", week: int = 0, members: int = 1) -> Entry:
    day = DAY + timedelta(weeks=week)
    names = [f"o{number}-{i}" for i in range(members)]
    return entry(
        state, case_id=f"case-{number}", organization_ids=names, snapshot=snapshot(first_seen=day, last_seen=day)
    )


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    # From published tables of Clopper and Pearson's 95 % limits.
    [
        (0, 10, 0.0, 0.3085),
        (1, 10, 0.0025, 0.4450),
        (5, 10, 0.1871, 0.8129),
        (10, 10, 0.6915, 1.0),
        (3, 100, 0.0062, 0.0852),
    ],
)
def test_interval_is_the_exact_one(hits: int, of: int, low: float, high: float) -> None:
    assert interval(hits, of) == pytest.approx((low, high), abs=1e-4)


@given(st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_interval_ends_where_the_tails_are_a_fortieth(case: tuple[int, int]) -> None:
    hits, of = case
    low, high = interval(hits, of)

    def tail(p: float, ks: range) -> float:
        return sum(comb(of, k) * p**k * (1 - p) ** (of - k) for k in ks)

    assert low <= hits / of <= high
    assert (low == 0) if hits == 0 else tail(low, range(hits, of + 1)) == pytest.approx(0.025)
    assert (high == 1) if hits == of else tail(high, range(hits + 1)) == pytest.approx(0.025)


def test_nothing_decided_is_nothing_known() -> None:
    assert interval(0, 0) == (0.0, 1.0)
    assert estimate_recall([]).estimate is None
    assert recall_text(estimate_recall([])).startswith("not known: no case of the audit sample")
    none_found = estimate_recall([audit(1)])
    assert none_found.estimate is None
    assert "nothing was confirmed" in recall_text(none_found)


def test_found_and_missed_are_organisation_weeks_of_the_audited_weeks() -> None:
    found = estimate_recall(
        [
            *(audit(i, week=i % 2) for i in range(39)),
            audit(39, "stolen_key"),
            audit(40, "watching"),
            case(1, members=3),
            case(2, week=1),
            case(3, week=7),
            case(4, "benign_other"),
            case(5, "confirmed_evaluation"),
        ]
    )
    assert (found.decided, found.confirmed, found.found, found.organizations) == (40, 1, 4, 2 * FRAME)
    assert found.estimate == pytest.approx(4 / (4 + 400 / 40))
    low, high = interval(1, 40)
    assert (found.low, found.high) == pytest.approx((4 / (4 + 400 * high), 4 / (4 + 400 * low)))
    assert not found.few
    assert "Too few" not in recall_text(found)
    assert recall_text(found).startswith("29%, 95 % interval ")


def test_a_case_over_two_audited_weeks_is_found_in_both() -> None:
    long = case(1).model_copy(update={"snapshot": snapshot(last_seen=DAY + timedelta(days=9))})
    assert estimate_recall([audit(1), audit(2, week=1), long]).found == 2


def test_too_few_are_said_to_be_too_few() -> None:
    found = estimate_recall([audit(1), case(1)])
    assert found.few
    assert "Too few to go by: it takes 30" in recall_text(found)
