"""Organisations of the bench are made of weeks of different customers, and of none of the other half."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.watch.bench.customers import simulated_customers
from pipelines.watch.bench.fleet import WEEK, Fleet, make_fleet, profiles, split

CUSTOMERS, REASONING = simulated_customers(0)
DEV, HELD = split(CUSTOMERS, 0)


@pytest.fixture(scope="module")
def fleet() -> Fleet:
    return make_fleet(CUSTOMERS, REASONING, HELD, np.random.default_rng(1), organizations=200, weeks=5)


def test_the_halves_have_no_customer_in_common() -> None:
    assert set(DEV) | set(HELD) == set(range(len(CUSTOMERS.names)))
    assert not set(DEV) & set(HELD)


def test_sources_are_of_the_chosen_half(fleet: Fleet) -> None:
    assert set(fleet.source) <= set(HELD)
    assert len(set(fleet.source)) > 0.8 * len(HELD)


def test_no_week_of_an_organisation_repeats_another(fleet: Fleet) -> None:
    weeks = fleet.rates.reshape(len(fleet), 5, -1)
    for row in weeks:
        busy = [week / week.sum() for week in row if week.sum() > 0]
        for n, one in enumerate(busy):
            for other in busy[n + 1 :]:
                # Rolled by the same shift, a repeated week would be the same but for its edges.
                assert np.abs(one - other).sum() > 0.02


def test_organisations_are_smaller_than_their_customers_and_of_many_sizes(fleet: Fleet) -> None:
    daily = fleet.rates.sum(axis=2)
    usual = np.array([np.median(d[d > 0]) for d in daily if (d > 0).sum() > 5])
    assert np.log10(np.quantile(usual, 0.95) / np.quantile(usual, 0.05)) > 2


def test_newcomers_have_no_history(fleet: Fleet) -> None:
    late = np.flatnonzero(fleet.first_day)
    assert 0.05 < len(late) / len(fleet) < 0.3
    for row in late:
        assert fleet.rates[row, : fleet.first_day[row]].sum() == 0


def test_reasoning_organisations_answer_longer(fleet: Fleet) -> None:
    assert 0.05 < fleet.reasoning.mean() < 0.3
    longer = np.median(fleet.output_mean[fleet.reasoning]) / np.median(fleet.output_mean[~fleet.reasoning])
    assert longer > 4


def test_profiles_part_customers_in_four() -> None:
    assert set(profiles(CUSTOMERS)) == {0, 1, 2, 3}


def test_the_same_seed_makes_the_same_fleet() -> None:
    one, other = (
        make_fleet(CUSTOMERS, REASONING, DEV, np.random.default_rng(5), organizations=30, weeks=4) for _ in range(2)
    )
    assert np.array_equal(one.rates, other.rates)
    assert one.days == 4 * WEEK
