"""What is shown of a comparison adds up: in each row, in each table, and between the tables."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from pipelines.pricing.rerate import Days
from pipelines.pricing.what_if import Difference, WhatIf
from pipelines.pricing.what_if_rows import MOST, shown_rows

Pair = tuple[Decimal | None, Decimal | None]
DAYS = Days(date(2024, 1, 1), date(2024, 1, 31))
AMOUNTS = st.none() | st.decimals(0, 3, places=4) | st.decimals(0, 10**9, places=18) | st.just(Decimal("0.005"))
PAIRS = st.lists(st.tuples(AMOUNTS, AMOUNTS), min_size=1, max_size=MOST + 5)


def added(amounts: list[Decimal | None]) -> Decimal | None:
    known = [Fraction(amount) for amount in amounts if amount is not None]
    return Decimal(int(sum(known) * 10**18)).scaleb(-18) if known else None


def difference(level: str, name: str, old: Decimal | None, new: Decimal | None) -> Difference:
    names = (name,) if name else ()
    exact = Fraction(new or 0) - Fraction(old or 0)
    return Difference(level, names, "revenue", "USD", old, new, Decimal(int(exact * 10**18)).scaleb(-18))


def compared(*tables: list[Pair]) -> WhatIf:
    """The same whole by organisation and by model, as `what_if` has it: rows that differ, the greatest first."""
    rows = [difference("total", "", *(added([pair[side] for pair in tables[0]]) for side in (0, 1)))]
    for level, pairs in zip(("organisation", "model"), tables, strict=True):
        made = [difference(level, f"{level} {n}", *pair) for n, pair in enumerate(pairs)]
        made = [one for one in made if one.difference or (one.old is None) != (one.new is None)]
        rows += sorted(made, key=lambda one: -abs(one.difference))
    return WhatIf(DAYS, 1, tuple(rows), (), ())


def grouped(pairs: list[Pair], groups: int) -> list[Pair]:
    """Sums of the pairs in so many heaps."""
    heaps: dict[int, list[Pair]] = defaultdict(list)
    for n, pair in enumerate(pairs):
        heaps[n % groups].append(pair)
    return [(added([old for old, _ in heap]), added([new for _, new in heap])) for heap in heaps.values()]


def places(amount: Decimal) -> int:
    return -int(amount.as_tuple().exponent)


@given(PAIRS, st.integers(1, 4))
@example([(Decimal("0.386069"), Decimal("0.015344")), (Decimal(500), Decimal(500))], 1)
@example([(Decimal("100.005"), None), (Decimal("0.015"), Decimal("0.015"))], 2)
@example([(Decimal("1000.004"), Decimal("1000.003")), (Decimal("0.003"), Decimal("0.004"))], 1)
def test_what_is_shown_adds_up(pairs: list[Pair], groups: int) -> None:
    found = compared(pairs, grouped(pairs, groups))
    made = shown_rows(found)
    (whole,) = made["total"]
    shown_places = {places(amount) for rows in made.values() for one in rows for amount in _figures(one)}
    assert len(shown_places) == 1
    (exact_whole,) = found.level("total")
    for shown_amount, amount in ((whole.old, exact_whole.old), (whole.new, exact_whole.new)):
        assert shown_amount is None or abs(shown_amount - (amount or 0)) <= Decimal(5).scaleb(
            -shown_places.copy().pop() - 1
        )
    for rows in made.values():
        for one in rows:
            assert one.difference == (one.new or 0) - (one.old or 0), "what is shown contradicts itself"
            assert (one.old or 0) >= 0
            assert (one.new or 0) >= 0
        for name in ("old", "new", "difference"):
            assert not rows or sum(getattr(one, name) or 0 for one in rows) == (getattr(whole, name) or 0)
    by_name = {one.names: one for one in found.level("organisation")}
    named = [one for one in made["organisation"] if one.names in by_name]
    assert bool(named) == bool(by_name)
    for rounded in named:
        one = by_name[rounded.names]
        assert bool(rounded.difference) == bool(one.difference), "a row where it differs is seen to"
        assert rounded.difference == 0 or (rounded.difference > 0) == (one.difference > 0)
        assert ((one.old is None), (one.new is None)) == ((rounded.old is None), (rounded.new is None))


def _figures(one: Difference) -> list[Decimal]:
    return [amount for amount in (one.old, one.new, one.difference) if amount is not None]


def test_the_rest_is_shown_so_that_a_table_makes_up_the_whole() -> None:
    pairs: list[Pair] = [(Decimal(n + 1), Decimal(n + 3)) for n in range(MOST + 2)]
    rows = shown_rows(compared([*pairs, (Decimal(7), Decimal(7))], [(Decimal(160), Decimal(194))]))["organisation"]
    assert [_texts(one) for one in rows[-2:]] == [
        ("2 others", "33.00", "37.00", "4.00"), ("all that is the same", "7.00", "7.00", "0.00"),
    ]  # fmt: skip


def test_a_difference_is_never_rounded_away() -> None:
    """A total that differs by less than a cent is shown with the places that it takes."""
    made = shown_rows(compared([(Decimal(1000), Decimal("1000.0004"))], [(Decimal(1000), Decimal("1000.0004"))]))
    assert _texts(made["total"][0]) == ("", "1000.0000", "1000.0004", "0.0004")


def test_each_side_and_currency_makes_up_its_own_whole() -> None:
    found = compared([(Decimal(1), Decimal(2))], [(Decimal(1), Decimal(2))])
    euro = [
        Difference(one.level, one.names, "cost", "EUR", Decimal(300), Decimal(200), Decimal(-100))
        for one in found.differences
    ]
    rows = shown_rows(WhatIf(DAYS, 1, (*found.differences, *euro), (), ()))["organisation"]
    assert [_texts(one)[1:] for one in rows] == [("1.000000", "2.000000", "1.000000"), ("300.00", "200.00", "-100.00")]


def _texts(one: Difference) -> tuple[Any, ...]:
    return (" ".join(one.names), *map(str, (one.old, one.new, one.difference)))


def test_a_row_whose_difference_does_not_show_is_one_of_the_others() -> None:
    pairs: list[Pair] = [
        (Decimal(1000), Decimal(1100)), (Decimal("0.003"), Decimal("0.001")), (Decimal("5.001"), Decimal("5.002"))
    ]  # fmt: skip
    rows = shown_rows(compared(pairs, [(Decimal("1005.004"), Decimal("1105.003"))]))["organisation"]
    assert [_texts(one) for one in rows] == [
        ("organisation 0", "1000.00", "1100.00", "100.00"), ("2 others", "5.00", "5.00", "0.00"),
    ]  # fmt: skip


def test_what_differs_only_a_little_everywhere_is_shown_with_the_places_that_it_takes() -> None:
    """Amounts that move from one organisation to another leave the total as it is."""
    pairs: list[Pair] = [(Decimal(1000), Decimal("1000.0003")), (Decimal(7), Decimal("6.9997"))]
    rows = shown_rows(compared(pairs, [(Decimal(1007), Decimal(1007))]))["organisation"]
    assert [str(one.difference) for one in rows] == ["0.0003", "-0.0003"]
