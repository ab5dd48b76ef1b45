"""Figures of the bench on populations small enough to work out by hand."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from pipelines.watch.bench import metrics
from pipelines.watch.bench.truth import Truth

FIRST = date(2024, 1, 8)


def day(n: int) -> pd.Timestamp:
    return pd.Timestamp(FIRST + timedelta(days=n))


def truth() -> Truth:
    """999 honest organisation-days, a campaign of one account over four days and one of ten accounts over two."""
    rows = [(f"honest-{n % 111}", day(n // 111), 1, "", "", n % 7, True) for n in range(999)]
    rows += [("thief", day(n), 1, "bulk/0", "", 3, False) for n in range(4)]
    rows += [(f"head-{h}", day(n), 1, "hydra/0", "", -1, False) for h in range(10) for n in range(2)]
    names = ["organization_id", "usage_date", "requests", "label", "look_alike", "source", "benign"]
    days = pd.DataFrame(rows, columns=names)
    days.loc[days["organization_id"] == "honest-5", "look_alike"] = "launch/0"
    campaigns = pd.DataFrame({
        "label": ["bulk/0", "hydra/0"], "kind": ["bulk", "hydra_synchronised"], "variant": ["plain", "plain"],
        "source": [3, -1], "organizations": [1, 10], "first_day": [FIRST, FIRST],
        "last_day": [FIRST + timedelta(days=3), FIRST + timedelta(days=1)], "output_tokens": [1000, 200],
    })  # fmt: skip
    output = pd.DataFrame(
        [("bulk/0", "thief", day(n), 12 * h, 125) for n in range(4) for h in range(2)]
        + [("hydra/0", f"head-{h}", day(n), 8, 10) for h in range(10) for n in range(2)],
        columns=["label", "organization_id", "usage_date", "hour", "output_tokens"],
    )
    return Truth(days, campaigns, output)


def judged(*, thief: list[float], heads: list[float]) -> metrics.Judged:
    """Honest days score 0 to 998; the campaign's days and the heads' second days what is given."""
    known = truth()
    scores = known.days[["organization_id", "usage_date"]].copy()
    scores["score"] = np.arange(len(scores), dtype=float)
    scores.loc[scores["organization_id"] == "thief", "score"] = thief
    for n, score in enumerate(heads):
        mine = scores["organization_id"] == f"head-{n}"
        scores.loc[mine, "score"] = [-1.0, score]
    return metrics.judge(known, scores)


@pytest.mark.parametrize(("budget", "above"), [(0.2, 999), (1, 998), (5, 994)])
def test_a_threshold_lets_through_what_the_budget_allows(budget: float, above: float) -> None:
    benign = np.arange(1000.0)
    assert metrics.threshold(benign, budget) == above
    assert (benign > above).sum() <= budget


def test_weights_count_as_copies() -> None:
    benign = np.array([5.0, 4.0, 3.0, 2.0])
    assert metrics.threshold(benign, 400, np.array([2.0, 1.0, 0.0, 2.0])) == 4.0
    assert metrics.threshold(np.repeat(benign, [2, 1, 0, 2]), 400) == 4.0


def test_ties_never_pass_the_budget() -> None:
    benign = np.zeros(1000)
    assert (benign > metrics.threshold(benign, 5)).sum() == 0


def test_a_campaign_of_one_is_found_on_its_first_day_above() -> None:
    told = metrics.outcomes(judged(thief=[1.0, 2000.0, 3000.0, 0.0], heads=[0.0] * 10), 1500).set_index("label")
    thief = told.loc["bulk/0"]
    assert (thief["is_found"], thief["days"], thief["gone"]) == (True, 2, 0.5)
    assert (told.loc["hydra/0", "is_found"], told.loc["hydra/0", "gone"]) == (False, 1.0)


def test_a_group_is_found_with_a_tenth_of_its_accounts_and_at_least_three() -> None:
    two = judged(thief=[0.0] * 4, heads=[5000.0, 5000.0, *[0.0] * 8])
    three = judged(thief=[0.0] * 4, heads=[5000.0, 5000.0, 4000.0, *[0.0] * 7])
    for made, found, heads in ((two, False, 0.2), (three, True, 0.3)):
        told = metrics.outcomes(made, 1500).set_index("label").loc["hydra/0"]
        assert (told["is_found"], round(told["heads"], 3)) == (found, heads)
    assert three.campaigns.set_index("label").loc["hydra/0", "detection"] == 4000
    assert metrics.outcomes(three, 4000).set_index("label").loc["hydra/0", "is_found"] is np.False_


@pytest.mark.parametrize(("accounts", "least"), [(1, 1), (2, 2), (10, 3), (40, 4), (395, 40)])
def test_how_many_accounts_are_needed(accounts: int, least: int) -> None:
    assert metrics.needed(np.array([accounts]))[0] == least


def test_macro_is_the_mean_over_kinds_and_a_day_without_a_score_is_below_all() -> None:
    known = truth()
    told = metrics.outcomes(
        metrics.judge(known, known.days[["organization_id", "usage_date"]].iloc[:0].assign(score=1.0)), 0
    )
    assert metrics.macro(metrics.by_kind(told), "plain") == 0
    told = metrics.outcomes(judged(thief=[2000.0] * 4, heads=[0.0] * 10), 1500)
    assert metrics.macro(metrics.by_kind(told), "plain") == 0.5


def test_look_alikes_are_counted_by_the_week() -> None:
    made = judged(thief=[0.0] * 4, heads=[0.0] * 10)
    told = metrics.look_alikes(made, 600).set_index("kind").loc["launch"]
    # Nine days of one organisation are two weeks; its scores are 5, 116, 227, ..., 893.
    assert (told["weeks"], told["flagged"]) == (2, 2)
    assert metrics.look_alikes(made, 900).set_index("kind").loc["launch", "flagged"] == 0


def test_the_interval_holds_the_estimate_and_is_wide_where_there_is_little() -> None:
    made = judged(thief=[2000.0] * 4, heads=[5000.0] * 10)
    low, high = metrics.interval([made], 5, "plain")
    assert 0 <= low <= 1 == high


def test_precision_falls_with_the_length_of_the_queue_and_with_noise() -> None:
    sharp = judged(thief=[5000.0] * 4, heads=[5000.0] * 10)
    blunt = judged(thief=[500.0] * 4, heads=[500.0] * 10)
    assert metrics.precision([sharp], 1) > metrics.precision([sharp], 50) > metrics.precision([blunt], 50)
    assert metrics.precision([sharp], 1) > 0.9


def test_what_is_known_within_a_day_counts_from_its_hour() -> None:
    known = truth()
    scores = pd.DataFrame({
        "organization_id": "thief", "usage_date": day(1), "score": [1.0, 5.0, 9.0], "hour": [3, 11, 20],
    })  # fmt: skip
    found = metrics.judge(known, scores)
    assert found.days.loc[found.days["organization_id"] == "thief", "score"].max() == 9.0
    by = {above: metrics.outcomes(found, above).set_index("label") for above in (0.0, 2.0, 8.0)}
    assert [float(by[a].loc["bulk/0", "gone"]) for a in (0.0, 2.0, 8.0)] == [0.375, 0.375, 0.5]
    # At noon the second half of the day is not yet gone.
    assert float(by[8.0].loc["bulk/0", "flagged_hour"]) == 20
