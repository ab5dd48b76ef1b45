"""The one rounding: half to even, and parts that add up to their whole."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.money import shown, shown_parts, total

AMOUNTS = st.decimals(-(10**19), 10**19, places=18, allow_nan=False)
SMALL = st.decimals(-3, 3, places=4, allow_nan=False)  # so that remainders are often alike
PARTS = st.lists(AMOUNTS | SMALL, max_size=30)
PLACES = st.sampled_from([0, 2, 4, 6, 12, 18])


def remainder(part: Decimal, places: int) -> Fraction:
    """What rounding down would lose, in steps."""
    return Fraction(part) * 10**places % 1


@pytest.mark.parametrize(
    ("amount", "places", "text"),
    [
        ("2.345", 2, "2.34"),
        ("2.355", 2, "2.36"),
        ("-2.345", 2, "-2.34"),
        ("0.5", 0, "0"),
        ("1.5", 0, "2"),
        ("12345678901234567890.125", 2, "12345678901234567890.12"),
    ],
)
def test_rounds_half_to_even(amount: str, places: int, text: str) -> None:
    assert str(shown(Decimal(amount), places)) == text


@given(st.lists(AMOUNTS, max_size=50))
def test_sums_are_exact(parts: list[Decimal]) -> None:
    assert Fraction(total(parts)) == sum((Fraction(p) for p in parts), Fraction(0))


@given(PARTS, PLACES)
def test_shown_parts_add_up_to_the_shown_whole(parts: list[Decimal], places: int) -> None:
    assert total(shown_parts(parts, places)) == shown(total(parts), places)


@given(PARTS, PLACES)
def test_each_part_is_within_one_step_of_its_exact_value(parts: list[Decimal], places: int) -> None:
    for part, made in zip(parts, shown_parts(parts, places), strict=True):
        assert abs(Fraction(made) - Fraction(part)) < Fraction(1, 10**places)
        assert made == part or remainder(part, places), "a part that needs no rounding keeps its value"


@given(PARTS, PLACES, st.randoms(use_true_random=False))
def test_order_does_not_matter_but_for_ties(parts: list[Decimal], places: int, random: object) -> None:
    order = list(range(len(parts)))
    random.shuffle(order)  # type: ignore[attr-defined]
    there = shown_parts(parts, places)
    back = shown_parts([parts[i] for i in order], places)
    # The multiset of remainders that were rounded up is the same, whoever they belong to.
    up = sorted(remainder(p, places) for p, m in zip(parts, there, strict=True) if m > p)
    again = sorted(remainder(parts[i], places) for i, m in zip(order, back, strict=True) if m > parts[i])
    assert up == again
    alone = [i for i in order if sum(remainder(p, places) == remainder(parts[i], places) for p in parts) == 1]
    for i in alone:
        assert there[i] == back[order.index(i)]


@given(PARTS, PLACES)
def test_the_same_parts_are_always_shown_alike(parts: list[Decimal], places: int) -> None:
    assert shown_parts(parts, places) == shown_parts(list(parts), places)


def test_of_equal_remainders_the_earlier_is_rounded_up() -> None:
    thirds = [Decimal("33.335"), Decimal("33.335"), Decimal("33.33")]
    assert [str(p) for p in shown_parts(thirds, 2)] == ["33.34", "33.33", "33.33"]


def test_a_third_each_of_a_cent() -> None:
    assert [str(p) for p in shown_parts([Decimal("0.0033")] * 3, 2)] == ["0.01", "0.00", "0.00"]


@given(PARTS.filter(bool), PLACES, st.integers(-2, 2))
def test_parts_add_up_to_a_whole_that_is_given(parts: list[Decimal], places: int, steps: int) -> None:
    """As where the others of a table have taken a step more or less than their share."""
    whole = total([shown(total(parts), places), Decimal(steps).scaleb(-places)])
    assert total(shown_parts(parts, places, whole)) == whole
    assert shown_parts(parts, places, shown(total(parts), places)) == shown_parts(parts, places)
    assert shown_parts([], places) == []
