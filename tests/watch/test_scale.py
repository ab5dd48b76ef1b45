"""So many answers beside published training sets."""

from __future__ import annotations

import pytest

from pipelines.watch.scale import comparable


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        (12, "12 answers: fewer than s1's 1,000 curated traces"),
        (1_000, "1,000 answers: 1.0 times s1's 1,000 curated traces"),
        (78_000, "78,000 answers: 1.5 times Alpaca's 52,000 pairs"),
        (1_600_000, "1,600,000 answers: 2.0 times the 800,000 traces of DeepSeek-R1's distilled models"),
    ],
)
def test_the_largest_set_that_is_reached_is_named(answers: int, told: str) -> None:
    assert comparable(answers) == told
