"""Background customers: the real ones as they were recorded, and stand-ins that are hard in the same ways."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from pipelines.watch.bench.customers import SLOTS, Customers, read_customers, simulated_customers

if TYPE_CHECKING:
    from pathlib import Path


def shares_of_jumps(customers: Customers) -> tuple[float, float]:
    """Share of second-week days at 3 and at 10 times the customer's median day of the first week or more."""
    daily = customers.requests.sum(axis=2)
    first, second = daily[:, :7], daily[:, 7:]
    known = (first > 0).any(axis=1)
    usual = np.array([np.median(days[days > 0]) for days in first[known]])
    times = second[known] / usual[:, None]
    active = second[known] > 0
    return float(np.mean(times[active] >= 3)), float(np.mean(times[active] >= 10))


def test_recorded_customers_are_read_whole(traces: Path) -> None:
    customers, reasoning = read_customers(traces / "servegen")
    assert customers.requests.shape == (len(customers.names), 14, SLOTS)
    assert len(customers.names) > 100
    assert len(reasoning.names) > 50
    assert customers.requests.min() == 0
    assert np.isfinite(customers.output_mean).all()
    assert (customers.output_mean >= 1).all()
    # Published of the whole set: 16 % and 9 %; of the part that is here somewhat more.
    three, ten = shares_of_jumps(customers)
    assert three > 0.12
    assert ten > 0.06
    # Answers of a reasoning model are long.
    assert np.median(reasoning.output_mean) > 5 * np.median(customers.output_mean)


def test_a_folder_without_the_traces_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="client_rate_10min"):
        read_customers(tmp_path)


def test_stand_ins_jump_as_real_customers_do() -> None:
    customers, reasoning = simulated_customers(0)
    three, ten = shares_of_jumps(customers)
    assert 0.08 < three < 0.4
    assert 0.02 < ten < 0.25
    assert np.median(reasoning.output_mean) > 5 * np.median(customers.output_mean)
    # The real traces tell nothing below ten requests either.
    assert customers.requests[customers.requests > 0].min() >= 10


def test_stand_ins_of_a_seed_are_the_same() -> None:
    assert np.array_equal(simulated_customers(3)[0].requests, simulated_customers(3)[0].requests)
    assert not np.array_equal(simulated_customers(3)[0].requests, simulated_customers(4)[0].requests)
