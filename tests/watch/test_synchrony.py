"""Detector C on arrays: heads of one queue are found, and chance company is not."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from pipelines.watch.groups import Link, components, connected
from pipelines.watch.synchrony import Rhythm, agreement, bursts, shared_rhythm, without_common
from tests.watch.traffic import SLOTS, office

WEEK = 7 * SLOTS


def benign(rng: np.random.Generator, many: int) -> np.ndarray:
    """Accounts with office hours and bursts of their own."""
    rows = []
    for _ in range(many):
        curve = np.tile(office(rng.uniform(0, SLOTS)), 7) * 10 ** rng.uniform(1.4, 2.8)
        rows.append(rng.poisson(curve * rng.gamma(1, 1, WEEK // 2).repeat(2)))
    return np.array(rows, dtype=float)


def heads(rng: np.random.Generator, many: int) -> np.ndarray:
    """Accounts fed by one queue, each with its own volume and first day."""
    queue = rng.gamma(0.6, 1 / 0.6, WEEK // 3).repeat(3)
    rows = np.array([rng.poisson(queue * rng.uniform(60, 200) / SLOTS) for _ in range(many)], dtype=float)
    for row in rows:
        row[: int(rng.integers(0, 3)) * SLOTS] = 0
    return rows


NO_BENCHMARK = np.zeros((0, WEEK))


def groups_of(found: Rhythm) -> list[list[int]]:
    """Groups of at least three linked heads; a lone head makes no case."""
    linked = connected(found.heads, ((i, j) for i, j, _ in found.pairs))
    return [group for group in linked if len(group) >= 3]


@pytest.mark.parametrize("seed", range(4))
def test_no_head_among_unrelated_accounts(seed: int) -> None:
    rng = np.random.default_rng(seed)
    assert groups_of(shared_rhythm(benign(rng, 120), NO_BENCHMARK, 0.2)) == []


@pytest.mark.parametrize("size", [6, 12, 40])
def test_heads_of_one_queue_are_found(size: int) -> None:
    rng = np.random.default_rng(size)
    activity = np.vstack([benign(rng, 100), heads(rng, size)])
    found = shared_rhythm(activity, NO_BENCHMARK, 0.2)
    planted = set(range(100, 100 + size))
    assert len(planted & set(found.heads)) >= 0.8 * size
    assert len(set(found.heads) - planted) <= 0.2 * size
    assert all(0 < found.p_value[h] < 0.05 for h in planted & set(found.heads))


def test_two_queues_are_two_groups() -> None:
    rng = np.random.default_rng(5)
    activity = np.vstack([benign(rng, 100), heads(rng, 20), heads(rng, 20)])
    found = shared_rhythm(activity, NO_BENCHMARK, 1.0)
    groups = groups_of(found)
    assert [{head // 20 for head in group} for group in groups] == [{5}, {6}]


def test_cron_jobs_at_the_same_minute_are_not_a_queue() -> None:
    rng = np.random.default_rng(8)
    minute = np.tile([1.0, 0, 0, 0, 0, 0], WEEK // 6)
    cron = np.array([rng.poisson(minute * rng.uniform(3, 9)) for _ in range(30)], dtype=float)
    found = shared_rhythm(np.vstack([benign(rng, 80), cron]), NO_BENCHMARK, 0.2)
    assert groups_of(found) == []


def test_what_everybody_does_at_once_is_taken_out() -> None:
    rng = np.random.default_rng(9)
    common = rng.normal(size=WEEK)
    rows = rng.normal(size=(40, WEEK)) + common
    left = without_common(rows[:20], rows[20:])
    # What stays of the common part is what 20 benchmark rows cannot tell from their own noise.
    assert np.median(agreement(rows[:20], rows[:20])) > 10
    assert np.median(agreement(left, left)) < 3


def test_bursts_are_about_zero_and_bounded() -> None:
    rows = bursts(benign(np.random.default_rng(3), 20))
    assert np.abs(rows).max() <= 4
    assert np.abs(rows.mean(axis=1)).max() < 0.1


def test_order_of_accounts_does_not_matter() -> None:
    rng = np.random.default_rng(11)
    activity = np.vstack([benign(rng, 60), heads(rng, 15)])
    order = rng.permutation(len(activity))
    one = shared_rhythm(activity, NO_BENCHMARK, 0.5)
    two = shared_rhythm(activity[order], NO_BENCHMARK, 0.5)
    assert set(one.heads) == {int(order[h]) for h in two.heads}


def test_too_few_accounts_give_nothing() -> None:
    assert shared_rhythm(np.ones((9, WEEK)), NO_BENCHMARK, 1.0).heads == ()


def test_links_that_share_a_member_are_one_group() -> None:
    first, last = date(2024, 1, 1), date(2024, 1, 7)
    links = [
        Link(("a", "b", "c"), 0.01, first, last, (5.0,), 2.0),
        Link(("c", "d", "e"), 0.002, first, last, attribute="client_network"),
        Link(("x", "y", "z"), 0.03, first, last, attribute="template"),
    ]
    groups = components(links)
    assert sorted(g.members for g in groups) == [("a", "b", "c", "d", "e"), ("x", "y", "z")]
    joined = next(g for g in groups if "a" in g.members)
    assert (joined.p_value, joined.shared, joined.synchronous) == (
        0.002,
        [("client_network", 3)],
        {"a", "b", "c"},
    )
    assert components(links[::-1]) == groups
