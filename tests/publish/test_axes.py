"""The words of a chart's money and count axes."""

from __future__ import annotations

from decimal import Decimal

import pytest

from dashboards.chart_parts import count_axis, money_axis


@pytest.mark.parametrize(
    ("top", "tickformat"),
    [
        ("0", ",.2f"),
        ("0.5", ",.2f"),
        ("0.0012", ",.4f"),
        ("0.0008", ",.4f"),
        ("0.00004", ",.6f"),
        ("7.5", ",.2f"),
        ("9999", ",.0f"),
    ],
)
def test_small_amounts_are_plain_decimals(top: str, tickformat: str) -> None:
    axis = money_axis("USD", Decimal(top))
    assert axis["tickformat"] == tickformat
    assert "exponentformat" not in axis
    assert axis["tickprefix"] == "$"


def test_amounts_from_ten_thousand_up_are_short() -> None:
    axis = money_axis("USD", Decimal(10_000))
    assert "tickformat" not in axis
    assert axis["exponentformat"] == "B"


def test_counts_never_have_parts_of_one() -> None:
    assert count_axis(3)["tickformat"] == ",~f"
    assert count_axis(9_803_000_000)["exponentformat"] == "B"
