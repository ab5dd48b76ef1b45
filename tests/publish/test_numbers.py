"""Figures as they are written."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.publish import numbers

AMOUNTS = st.decimals(-(10**9), 10**9, places=12, allow_nan=False)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("1234.565", "$1,234.56"),
        ("1234.575", "$1,234.58"),
        ("0", "$0.00"),
        ("-2.5", "\u2212$2.50"),
        ("0.12345", "$0.1234"),
        ("0.000012345678", "$0.000012"),
        ("0.00000000123", "$0.0000000012"),
        ("0.99999", "$1.0000"),
    ],
)
def test_money_is_rounded_half_even(value: str, text: str) -> None:
    assert numbers.money(Decimal(value)) == text


def test_missing_amount_is_never_zero() -> None:
    assert numbers.money(None) == "not priced"
    assert numbers.money(Decimal("1.5"), "EUR", sign=True) == "+\u20ac1.50"
    assert numbers.money(Decimal("1.5"), "SEK") == "SEK\u00a01.50"


@given(AMOUNTS)
def test_priced_amount_never_reads_as_nothing(value: Decimal) -> None:
    assert (numbers.rounded(value) == 0) == (value == 0)
    assert numbers.rounded(-value) == -numbers.rounded(value)


@given(st.lists(AMOUNTS, min_size=1, max_size=30))
def test_written_rows_and_rounding_add_up_to_written_total(parts: list[Decimal]) -> None:
    total = sum(parts, Decimal(0))
    rest = numbers.residual(total, parts)
    written = sum((numbers.rounded(p) for p in parts), Decimal(0)) + rest
    assert written == numbers.rounded(total)
    assert abs(rest) <= Decimal("0.005") * (len(parts) + 1)


@given(AMOUNTS)
def test_raw_keeps_every_digit(value: Decimal) -> None:
    assert Decimal(numbers.raw(value)) == value
    assert "E" not in numbers.raw(value)


def test_shares_near_all_or_nothing_do_not_read_as_such() -> None:
    assert numbers.percent(Decimal("0.99999")) == "99.999\u00a0%"
    assert numbers.percent(Decimal("0.00004")) == "0.004\u00a0%"
    assert numbers.percent(Decimal(1)) == "100.0\u00a0%"
    assert numbers.percent(None) == "\u2013"


def test_change_in_words() -> None:
    assert numbers.change_words(Decimal("113.6"), Decimal(100)) == "up 13.6\u00a0%"
    assert numbers.change_words(Decimal(98), Decimal(100)) == "down 2.0\u00a0%"
    assert numbers.change_words(5, 0) == "new"
    assert numbers.change_words(100, 100) == "unchanged"


def test_counts_and_prices() -> None:
    assert numbers.short(28_040_000) == "28.0\u00a0M"
    assert numbers.short(9_803_000_000) == "9.80\u00a0B"
    assert numbers.short(9_999) == "9,999"
    assert numbers.listed(Decimal("1.875")) == "$1.875"
    assert numbers.listed(Decimal(3)) == "$3.00"
    assert numbers.rate(Decimal("0.164249")) == "$0.1642"
    assert numbers.per_million(Decimal(3), 0) is None
