"""Figures as they are written."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.money import shown, total
from pipelines.publish import numbers

AMOUNTS = st.decimals(-(10**15), 10**15, places=18, allow_nan=False)
POSITIVE = st.decimals(0, 10**6, places=18, allow_nan=False) | st.decimals(0, 1, places=18, allow_nan=False)


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
    assert numbers.rounded(value.copy_negate()) == numbers.rounded(value).copy_negate()


@given(st.lists(AMOUNTS, min_size=1, max_size=30))
def test_written_rows_and_rounding_add_up_to_written_total(parts: list[Decimal]) -> None:
    whole = numbers.rounded(total(parts))
    written = [numbers.rounded(p) for p in parts]
    rest = numbers.residual(whole, written)
    assert total([*written, rest]) == whole
    assert abs(rest) <= Decimal("0.005") * (len(parts) + 1)


@given(st.lists(POSITIVE, min_size=1, max_size=20))
def test_parts_are_written_so_that_they_add_up(parts: list[Decimal]) -> None:
    made = numbers.written_parts(parts)
    places = -made[0].as_tuple().exponent
    assert total(made) == shown(total(parts), places)
    assert all(bool(m) == bool(p) for m, p in zip(made, parts, strict=True)), "a part never reads as nothing"
    assert all(abs(m - p) < Decimal(1).scaleb(-places) for m, p in zip(made, parts, strict=True))


@given(POSITIVE, st.decimals(-(10**6), 10**6, places=18, allow_nan=False))
def test_revenue_reads_as_cost_and_margin(cost: Decimal, margin: Decimal) -> None:
    revenue, cost_, margin_ = numbers.sides(total([cost, margin]), cost, margin)
    assert revenue is not None
    assert cost_ is not None
    assert margin_ is not None
    assert revenue == total([cost_, margin_])


def test_sides_that_do_not_belong_together_are_rounded_alone() -> None:
    assert numbers.sides(Decimal("2.005"), Decimal("1.005"), Decimal("0.5")) == (
        Decimal("2.00"), Decimal("1.00"), Decimal("0.5000")
    )  # fmt: skip
    assert numbers.sides(None, Decimal("1.005"), None) == (None, Decimal("1.00"), None)


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=12))
def test_shares_add_up_to_all(counts: list[int]) -> None:
    texts = numbers.percents([Decimal(n) / sum(counts) for n in counts])
    assert sum(Decimal(t.removesuffix("\u00a0%")) for t in texts) == 100


@given(AMOUNTS)
def test_raw_keeps_every_digit(value: Decimal) -> None:
    assert Decimal(numbers.raw(value)) == value
    assert "E" not in numbers.raw(value)


def test_shares_near_all_or_nothing_do_not_read_as_such() -> None:
    assert numbers.percent(Decimal("0.99999")) == "99.999\u00a0%"
    assert numbers.percent(Decimal("0.00004")) == "0.004\u00a0%"
    assert numbers.percent(Decimal(1)) == "100.0\u00a0%"
    assert numbers.percent(None) == "\u2013"


def test_absurd_percentages_are_cut() -> None:
    assert numbers.percent(Decimal(10)) == "1,000.0\u00a0%"
    assert numbers.percent(Decimal("10.01")) == "over 1,000\u00a0%"
    assert numbers.percent(Decimal("-76922.077")) == "under \u22121,000\u00a0%"
    assert numbers.percent(Decimal(11), sign=True) == "over +1,000\u00a0%"


def test_change_in_words() -> None:
    assert numbers.change_words(Decimal("113.6"), Decimal(100)) == "up 13.6\u00a0%"
    assert numbers.change_words(Decimal(98), Decimal(100)) == "down 2.0\u00a0%"
    assert numbers.change_words(5, 0) == "new"
    assert numbers.change_words(Decimal(-3), Decimal(-2)) == "down"
    assert numbers.change_words(Decimal(2), Decimal(-2)) == "up"
    assert numbers.change_words(100, 100) == "unchanged"


def test_counts_and_prices() -> None:
    assert numbers.short(28_040_000) == "28.0\u00a0M"
    assert numbers.short(9_803_000_000) == "9.80\u00a0B"
    assert numbers.short(9_999) == "9,999"
    assert numbers.listed(Decimal("1.875")) == "$1.875"
    assert numbers.listed(Decimal(3)) == "$3.00"
    assert numbers.rate(Decimal("0.164249")) == "$0.1642"
    assert numbers.per_million(Decimal(3), 0) is None


@pytest.mark.parametrize(
    ("now", "before", "words"),
    [
        ("-13.02", "-10", "loss grew by $3.02"),
        ("-10", "-13.02", "loss shrank by $3.02"),
        ("-2", "1.5", "down $3.50 to a loss"),
        ("1.5", "-2", "up $3.50 from a loss"),
        ("-2", "-2", "unchanged"),
    ],
)
def test_a_deeper_loss_is_not_up(now: str, before: str, words: str) -> None:
    assert numbers.margin_words(Decimal(now), Decimal(before), "USD") == words


def test_one_of_a_kind_is_singular() -> None:
    assert numbers.counted(1, "file") == "1 file"
    assert numbers.counted(0, "file") == "0 files"
    assert numbers.counted(1_204, "model serves it", "models serve it") == "1,204 models serve it"


def test_less_than_one_is_not_split_in_a_tile() -> None:
    assert numbers.money_parts("$0.1174") == ("$0.1174", "")
    assert numbers.money_parts("$10.05") == ("$10", ".05")
    assert numbers.money_parts("not priced") == ("not priced", "")
