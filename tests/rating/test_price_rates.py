"""The model price_rates: intervals, exact prices, and the prices promised of the committed book."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.pricing.tables import RATES, load
from tests.rating.case import Case

if TYPE_CHECKING:
    from collections.abc import Iterator

OPEN = datetime.fromisoformat("9999-12-31")
NO_LIMIT = 2**63 - 1
Rate = dict[str, Any]
Row = dict[str, str]


def price_row(**changes: str) -> Row:
    """One valid row of a book, with `changes`."""
    plain = {"provider": "acme", "model": "m-1", "valid_from": "2024-01-01T00:00:00Z"}
    return {**plain, "known_from": plain["valid_from"], **changes}


def rates_of(rows: list[Row]) -> list[Rate]:
    """The rate sets of a book of these rows, in order."""
    case = Case(rates=rows)
    try:
        case.rate("price_rates")
        found = case.con.execute(
            "select * from price_rates order by card, provider, model, model_tier, service_tier,"
            " region, currency, valid_from, context_from"
        )
        names = [column[0] for column in found.description]
        return [dict(zip(names, values, strict=True)) for values in found.fetchall()]
    finally:
        case.con.close()


def at(text: str) -> datetime:
    """Naive UTC, as the warehouse keeps it."""
    return datetime.fromisoformat(text.removesuffix("Z"))


def rates_at(rates: list[Rate], moment: datetime, tokens: int = 0, **key: str) -> list[Rate]:
    return [
        r
        for r in rates
        if all(r[name] == value for name, value in key.items())
        and r["valid_from"] <= moment < r["valid_to"]
        and r["context_from"] <= tokens < r["context_to"]
    ]


def test_open_row_ends_where_the_next_begins():
    first, second = rates_of([price_row(), price_row(price="0.50", valid_from="2024-03-01T12:00:00Z")])
    assert (first["valid_from"], first["valid_to"]) == (at("2024-01-01"), at("2024-03-01T12:00:00"))
    assert (second["valid_from"], second["valid_to"]) == (at("2024-03-01T12:00:00"), OPEN)
    assert first["price_input_tokens"] == Decimal("0.000001")
    assert second["price_input_tokens"] == Decimal("0.0000005")
    assert first["price_output_tokens"] is None


def test_a_gap_has_no_rate():
    rates = rates_of(
        [price_row(valid_to="2024-02-01T00:00:00Z"), price_row(price="2.00", valid_from="2024-03-01T00:00:00Z")]
    )
    assert rates_at(rates, at("2024-02-01")) == []
    assert rates_at(rates, at("2024-02-29T23:59:59.999999")) == []
    assert len(rates_at(rates, at("2024-03-01"))) == 1


def test_long_context_reprices_from_its_first_token():
    rates = rates_of(
        [price_row(), price_row(unit="output", price="5.00"), price_row(context_from="200001", price="2.00")]
    )
    (short,) = rates_at(rates, at("2024-06-01"), 200_000)
    (long,) = rates_at(rates, at("2024-06-01"), 200_001)
    assert short["price_input_tokens"] == Decimal("0.000001")
    assert long["price_input_tokens"] == Decimal("0.000002")
    assert short["price_output_tokens"] == long["price_output_tokens"] == Decimal("0.000005")
    assert (short["context_to"], long["context_to"]) == (200_001, NO_LIMIT)


def test_correction_with_later_knowledge_stands_alone():
    (rate,) = rates_of([price_row(), price_row(price="9.00", known_from="2025-01-01T00:00:00Z")])
    assert rate["price_input_tokens"] == Decimal("0.000009")


def test_tiers_and_currencies_never_fall_back():
    rates = rates_of(
        [
            price_row(),
            price_row(model_tier="fine_tuned", unit="output"),
            price_row(service_tier="batch", unit="output"),
            price_row(model="other-model", currency="EUR", unit="output"),
        ]
    )
    assert len(rates) == 4
    assert [r["price_input_tokens"] is None for r in rates].count(True) == 3


def test_rate_id_outlives_a_later_price():
    (before,) = rates_of([price_row()])
    after, later = rates_of([price_row(), price_row(price="3.00", valid_from="2025-01-01T00:00:00Z")])
    assert before["rate_id"] == after["rate_id"] != later["rate_id"]


def test_smallest_price_is_exact():
    (rate,) = rates_of([price_row(price="0.000001")])
    assert rate["price_input_tokens"] == Decimal("0.000000000001")
    (rate,) = rates_of([price_row(price="999999999999.999999")])
    assert rate["price_input_tokens"] == Decimal("999999.999999999999")


def test_cards_are_rated_beside_each_other():
    rates = rates_of([price_row(), price_row(card="contract", price="0.70", known_from="")])
    assert {r["card"]: r["price_input_tokens"] for r in rates} == {
        "contract": Decimal("0.0000007"),
        "list": Decimal("0.000001"),
    }


@pytest.mark.parametrize(
    ("model", "tier", "moment", "amount"),
    [
        ("gpt-3.5-turbo-0613", "fine_tuned", "2023-09-01T00:00:00Z", "28.00"),
        ("gpt-3.5-turbo-0613", "fine_tuned", "2023-09-30T23:59:59Z", "28.00"),
        ("gpt-3.5-turbo-0613", "fine_tuned", "2023-11-05T23:59:59.999999Z", "28.00"),
        ("gpt-3.5-turbo-0613", "fine_tuned", "2023-11-06T00:00:00Z", "9.00"),
        ("gpt-3.5-turbo-0613", "fine_tuned", "2024-01-15T00:00:00Z", "9.00"),
        ("gpt-3.5-turbo", "base", "2023-03-01T00:00:00Z", "4.00"),
        ("gpt-3.5-turbo", "base", "2023-09-01T00:00:00Z", "3.50"),
        ("gpt-3.5-turbo", "base", "2023-11-06T00:00:00Z", "3.00"),
        ("gpt-3.5-turbo", "base", "2024-02-16T00:00:00Z", "2.00"),
        ("babbage-002", "base", "2023-09-01T00:00:00Z", "0.80"),
        ("gpt-4-0613", "base", "2023-11-16T00:00:00Z", "90.00"),
    ],
)
def test_prices_promised_of_the_committed_book(committed_rates, model, tier, moment, amount):
    (rate,) = rates_at(
        committed_rates,
        at(moment),
        2_000_000,
        card="list",
        provider="openai",
        model=model,
        model_tier=tier,
        service_tier="standard",
    )
    million = 1_000_000
    charged = rate["price_input_tokens"] * million + rate["price_output_tokens"] * million
    assert charged == Decimal(amount)
    assert rate["currency"] == "USD"


def test_committed_book_does_not_price_what_was_not_sold(committed_rates):
    def sold(model: str, moment: str, **key: str) -> list[Rate]:
        return rates_at(committed_rates, at(moment), provider="openai", model=model, **key)

    assert sold("gpt-3.5-turbo-0613", "2023-08-21T23:59:59Z", model_tier="fine_tuned") == []
    assert sold("gpt-4", "2024-04-14T23:59:59Z", service_tier="batch") == []
    assert sold("gpt-4-0613", "2026-11-22T00:00:00Z", model_tier="fine_tuned") == []
    assert sold("no-such-model", "2026-11-22T00:00:00Z") == []


def test_committed_rates_never_overlap(committed_connection):
    (pairs,) = committed_connection.execute(
        """
        select count(*) from price_rates as a inner join price_rates as b
            on a.card = b.card and a.provider = b.provider and a.model = b.model
            and a.model_tier = b.model_tier and a.service_tier = b.service_tier
            and a.region = b.region and a.currency = b.currency and a.rate_id <> b.rate_id
            and a.valid_from < b.valid_to and b.valid_from < a.valid_to
            and a.context_from < b.context_to and b.context_from < a.context_to
        """
    ).fetchone()
    assert pairs == 0


@pytest.fixture(scope="module")
def committed_connection() -> Iterator[duckdb.DuckDBPyConnection]:
    rows = [{k: v for k, v in row.items() if k in RATES.columns} for row in load(RATES).to_pylist()]
    with duckdb.connect() as opened:
        Case(rates=rows, con=opened).rate("price_rates")
        yield opened


@pytest.fixture(scope="module")
def committed_rates(committed_connection) -> list[Rate]:
    found = committed_connection.execute("select * from price_rates where provider = 'openai'")
    names = [column[0] for column in found.description]
    return [dict(zip(names, values, strict=True)) for values in found.fetchall()]


# Random small books against an oracle that reads the rows one by one.

DAYS = [f"2024-01-{day:02d}T00:00:00Z" for day in range(1, 9)]
LENGTHS = (0, 100, 200)


@st.composite
def books(draw: st.DrawFn) -> list[dict[str, str]]:
    """Valid books of one or two models: open and closed rows, tiers of length, corrections."""
    rows = []
    for model in ("m-1", "m-2"):
        for unit in ("input", "output", "training"):
            for length in LENGTHS:
                starts = sorted(draw(st.sets(st.integers(0, len(DAYS) - 2), max_size=3)))
                for place, start in enumerate(starts):
                    limit = starts[place + 1] if starts[place + 1 :] else len(DAYS) - 1
                    end = draw(st.sampled_from(["", *DAYS[start + 1 : limit + 1]]))
                    price = draw(st.decimals(0, 10**6, places=6, allow_nan=False))
                    row = price_row(
                        model=model, unit=unit, context_from=str(length), price=f"{price:f}",
                        valid_from=DAYS[start], valid_to=end,
                    )  # fmt: skip
                    rows.append(row)
                    if draw(st.integers(0, 4)) == 0:
                        known = "2025-01-01T00:00:00Z"
                        rows.append({**row, "price": "7.25", "known_from": known})
    return draw(st.permutations(rows))


def price_at(rows: list[dict[str, str]], unit: str, day: str, tokens: int) -> Decimal | None:
    """The price in force for one unit, read off the rules in words (docs/prices.md)."""
    for length in sorted({int(r["context_from"]) for r in rows}, reverse=True):
        begun = [r for r in rows if r["unit"] == unit and int(r["context_from"]) == length and r["valid_from"] <= day]
        if length > tokens or not begun:
            continue
        last = max(begun, key=lambda r: (r["valid_from"], r["known_from"]))
        if not last["valid_to"] or last["valid_to"] > day:
            return Decimal(last["price"])
    return None


@settings(max_examples=15, deadline=None)
@given(books())
def test_intervals_agree_with_the_rows_read_one_by_one(rows):
    rates = rates_of(rows)
    assert len({r["rate_id"] for r in rates}) == len(rates)
    for model in ("m-1", "m-2"):
        own = [r for r in rows if r["model"] == model]
        for day in DAYS:
            for tokens in (0, 99, 100, 199, 200, 10**6):
                expected = {unit: price_at(own, unit, day, tokens) for unit in ("input", "output", "training")}
                hits = rates_at(rates, at(day), tokens, model=model)
                if all(price is None for price in expected.values()):
                    assert hits == []
                    continue
                (hit,) = hits
                for unit, price in expected.items():
                    rate = hit[f"price_{unit}_tokens"]
                    assert (rate is None) == (price is None)
                    assert rate is None or rate * 1_000_000 == price
