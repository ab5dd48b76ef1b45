"""The split of a change in revenue: exact, symmetric, and the Shapley value it says it is."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from pipelines.publish.attribution import Change, Sums, split, together

Line = tuple[int, int, int, int]  # tokens before and now, rate before and now (millionths)
LINES = st.lists(
    st.tuples(st.integers(1, 10**7), st.integers(1, 10**7), st.integers(0, 10**5), st.integers(0, 10**5)),
    min_size=1,
    max_size=8,
)
MONEY = st.decimals(0, 10**6, places=12)


def sums_of(lines: list[Line], started: Decimal = Decimal(0), ended: Decimal = Decimal(0)) -> Sums:
    unit = Decimal("0.000001")
    return Sums(
        quantity_before=sum(a for a, _, _, _ in lines),
        quantity_now=sum(b for _, b, _, _ in lines),
        revenue_before=sum((a * r * unit for a, _, r, _ in lines), Decimal(0)),
        revenue_now=sum((b * s * unit for _, b, _, s in lines), Decimal(0)),
        old_at_new_rates=sum((a * s * unit for a, _, _, s in lines), Decimal(0)),
        new_at_old_rates=sum((b * r * unit for _, b, r, _ in lines), Decimal(0)),
        started=started,
        ended=ended,
    )


def shapley(lines: list[Line]) -> list[Fraction]:
    """Volume, mix and price by trying all six orders."""
    q = [sum(line[t] for line in lines) for t in (0, 1)]
    share = [[Fraction(line[t], q[t]) for line in lines] for t in (0, 1)]
    rate = [[Fraction(line[2 + t], 10**6) for line in lines] for t in (0, 1)]

    def value(state: tuple[int, int, int]) -> Fraction:
        v, m, p = state
        return q[v] * sum((s * r for s, r in zip(share[m], rate[p], strict=True)), Fraction(0))

    parts = [Fraction(0)] * 3
    for order in permutations(range(3)):
        state = [0, 0, 0]
        for factor in order:
            before = value((state[0], state[1], state[2]))
            state[factor] = 1
            parts[factor] += (value((state[0], state[1], state[2])) - before) / 6
    return parts


@given(LINES, MONEY, MONEY)
def test_parts_add_up_exactly(lines: list[Line], started: Decimal, ended: Decimal) -> None:
    change = split(sums_of(lines, started, -ended))
    assert sum((part for _, part in change.parts()), Decimal(0)) == change.total


@given(LINES)
def test_swapping_periods_only_flips_signs(lines: list[Line]) -> None:
    there = split(sums_of(lines))
    back = split(sums_of([(b, a, s, r) for a, b, r, s in lines]))
    assert (back.volume, back.mix, back.price) == (-there.volume, -there.mix, -there.price)


@given(LINES)
def test_is_the_mean_over_all_orders(lines: list[Line]) -> None:
    change = split(sums_of(lines))
    for got, wanted in zip((change.volume, change.mix, change.price), shapley(lines), strict=True):
        assert abs(Fraction(got) - wanted) <= Fraction(2, 10**12)


@given(LINES, st.integers(2, 9))
def test_pure_causes_stay_pure(lines: list[Line], factor: int) -> None:
    more = split(sums_of([(a, a * factor, r, r) for a, _, r, _ in lines]))
    assert (more.mix, more.price, more.volume) == (0, 0, more.total)
    dearer = split(sums_of([(a, a, r, r * factor) for a, _, r, _ in lines]))
    assert (dearer.volume, dearer.mix, dearer.price) == (0, 0, dearer.total)


@given(LINES, st.integers(2, 9), st.integers(-1000, 1000), st.integers(-1000, 1000))
def test_what_the_sums_cut_is_no_cause(lines: list[Line], factor: int, cut: int, other: int) -> None:
    sums, unit = sums_of([(a, a * factor, r + 1, r + 1) for a, _, r, _ in lines]), Decimal("1e-18")
    cut_off = replace(
        sums, old_at_new_rates=sums.old_at_new_rates + cut * unit, new_at_old_rates=sums.new_at_old_rates + other * unit
    )
    change = split(cut_off)
    assert (change.mix, change.price, change.volume) == (0, 0, change.total)


def test_lines_of_one_period_only_are_their_own_part() -> None:
    change = split(Sums(0, 0, Decimal(0), Decimal(0), Decimal(0), Decimal(0), Decimal(5), Decimal(-2)))
    assert change == Change(Decimal(2), Decimal(5), Decimal(0), Decimal(0), Decimal(0), Decimal(5), Decimal(-2))
    assert change.leading() == ("New", Decimal(5))


@given(st.lists(LINES, min_size=1, max_size=4))
def test_together_is_the_sum(groups: list[list[Line]]) -> None:
    changes = [split(sums_of(lines)) for lines in groups]
    whole = together(changes)
    assert whole.total == sum((c.total for c in changes), Decimal(0))
    assert sum((part for _, part in whole.parts()), Decimal(0)) == whole.total
