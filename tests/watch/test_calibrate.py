"""Budgets and empirical p-values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.watch import calibrate


@pytest.mark.parametrize(
    ("rate", "days", "alerts"), [(1, 0, 0), (1, 499, 0), (1, 500, 1), (1, 5_400, 5), (5, 5_400, 27)]
)
def test_budget_is_rounded_to_whole_cases(rate: float, days: int, alerts: int) -> None:
    assert calibrate.whole_alerts(calibrate.budget(rate, days)) == alerts


@given(st.floats(0.01, 50), st.integers(0, 10**7))
def test_shown_alerts_stay_within_twice_the_budget(rate: float, days: int) -> None:
    allowed = calibrate.budget(rate, days)
    shown = calibrate.whole_alerts(allowed)
    assert shown <= 2 * allowed
    assert shown >= allowed / 2 or allowed < 0.5
    assert 0 <= calibrate.group_alerts(shown) <= shown


def test_score_is_minus_log10_p() -> None:
    assert calibrate.surprise_of(0.001) == 3
    assert calibrate.surprise_of(1) == 0


def test_random_group_p_is_small_for_the_top_and_large_for_the_bottom() -> None:
    values = np.arange(100, dtype=float)
    assert calibrate.random_group_p(values, [95, 96, 97, 98, 99]) == 1 / (1 + calibrate.DRAWS)
    assert calibrate.random_group_p(values, [0, 1, 2]) > 0.99
    assert calibrate.random_group_p(values, [10, 50, 90]) == calibrate.random_group_p(values, [90, 50, 10])


def test_random_group_p_is_uniform_for_random_groups() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=300)
    ps = [calibrate.random_group_p(values, rng.choice(300, 5).tolist()) for _ in range(400)]
    assert 0.4 < np.mean(ps) < 0.6
    assert 0.02 < np.mean(np.array(ps) < 0.1) < 0.2
