"""Bars of the bridge stay in their column, also where a part is larger than all there was before."""

from __future__ import annotations

from decimal import Decimal

import pytest

from dashboards.pages.change import bridge
from pipelines.publish.attribution import Change


@pytest.mark.parametrize(
    "amounts",
    [
        ("10", "12", "-14.47", "20", "-3.53", "0", "0"),
        ("10", "0", "0", "0", "0", "0", "-10"),
        ("0", "5", "0", "0", "0", "5", "0"),
        ("1", "1", "-30", "0", "30", "0", "0"),
        ("0", "0", "0", "0", "0", "0", "0"),
    ],
)
def test_bars_stay_in_their_column(amounts: tuple[str, ...]) -> None:
    change = Change(*map(Decimal, amounts))
    steps = bridge(change, "USD")
    for step in steps:
        assert float(step.start) >= 0
        assert float(step.start) + float(step.width) <= 100.01
    # The first and the last bar begin where nothing is, and the parts between them meet.
    assert steps[0].start == steps[-1].start or min(change.before, change.now) == 0


def test_a_bar_below_nothing_is_as_wide_as_its_amount() -> None:
    steps = {step.label: step for step in bridge(Change(*map(Decimal, (10, 10, -20, 20, 0, 0, 0))), "USD")}
    assert (steps["Prior"].start, steps["Prior"].width) == ("50.00", "50.00")
    assert (steps["Volume"].start, steps["Volume"].width) == ("0.00", "100.00")
