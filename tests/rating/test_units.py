"""The dbt project's lists are those of the units and of the contract, and every unit is charged."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from pipelines.build import DBT_PROJECT
from pipelines.landing.contract import ADDED, BUCKETS, COLUMNS, INPUT_BUCKETS, METERS, OUTPUT_BUCKETS
from pipelines.pricing.units import ALL, BLOCKS, UNITS
from tests.rating.case import Case, event
from tests.rating.models import macro

if TYPE_CHECKING:
    import duckdb

    from pipelines.pricing.units import Unit

# Units of which an event has a quantity of its own name.
METERED = tuple(u for u in ALL if u.name not in {"embedding", "request", "gpu_hour"})


def test_units_of_the_macro_are_the_units() -> None:
    listed = [(u["unit"], u["quantity"], u.get("hours", False)) for u in macro("units")]
    assert listed == [(u.name, u.quantity, u.dimension == "hours") for u in ALL]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("event_columns", [c.name for c in COLUMNS]),
        ("buckets", list(BUCKETS)),
        ("input_buckets", list(INPUT_BUCKETS)),
        ("output_buckets", list(OUTPUT_BUCKETS)),
        ("meters", list(METERS)),
        ("added_quantities", list(ADDED)),
    ],
)
def test_list_of_the_macro_is_that_of_the_contract(name: str, expected: list[str]) -> None:
    assert macro(name) == expected


def test_rate_sets_have_a_price_for_each_unit(con: duckdb.DuckDBPyConnection) -> None:
    Case(con=con).rate("price_rates")
    types = {name: kind for name, kind, *_ in con.execute("describe price_rates").fetchall()}
    prices = {name: kind for name, kind in types.items() if name.startswith("price_")}
    hours = {"hours": "DECIMAL(18,6)", "tokens": "DECIMAL(18,12)", "calls": "DECIMAL(18,12)"}
    assert prices == {u.price_column: hours[u.dimension] for u in ALL}


def test_seed_takes_the_units_and_their_blocks() -> None:
    seeds = yaml.safe_load((DBT_PROJECT / "seeds" / "price_book.yml").read_text())["seeds"]
    (seed,) = [one for one in seeds if one["name"] == "price_book"]
    accepted: dict[str, Any] = {
        column["name"]: test["accepted_values"]["arguments"]["values"]
        for column in seed["columns"]
        for test in column.get("data_tests", [])
        if "accepted_values" in test
    }
    assert accepted["unit"] == list(UNITS)
    assert sorted(accepted["per"]) == sorted({per for blocks in BLOCKS.values() for per in blocks})


def only(unit: Unit, **given: Any) -> dict[str, Any]:
    """A rate for one unit alone."""
    return {"unit": unit.name, "per": BLOCKS[unit.dimension][0], "price": "7.300001", **given}


def price_of_one(unit: Unit) -> Decimal:
    return Decimal("7.300001") / BLOCKS[unit.dimension][0]


@pytest.fixture(scope="module")
def probed(con: duckdb.DuckDBPyConnection) -> dict[str, tuple[Decimal | None, ...]]:
    """Amounts of probes that use 1234567 of one unit and nothing else, at a model with a price for it and one without.

    By unit: priced revenue and cost, then revenue, cost and reason at the model that has prices of all other units.
    """
    rates, probes = [], []
    for unit in METERED:
        others = [u for u in ALL if u.name not in {unit.name, "request", "gpu_hour", "embedding"}]
        # Images without a price of their own are priced as text.
        others = [u for u in others if (unit.name, u.name) != ("image_input", "input")]
        rates += [only(unit, model=f"only-{unit.name}")]
        rates += [only(u, model=f"not-{unit.name}") for u in others]
        probes += [
            event(event_id=model, model=model, **{unit.quantity: 1_234_567})
            for model in (f"only-{unit.name}", f"not-{unit.name}")
        ]
    case = Case(rates=rates, events=probes, con=con).rate("rated_usage")
    found = {
        event_id: amounts
        for event_id, *amounts in case.ask(
            "select event_id, revenue_amount, cost_amount, unpriced_reason from rated_usage"
        )
    }
    return {u.name: (*found[f"only-{u.name}"][:2], *found[f"not-{u.name}"]) for u in METERED}


@pytest.mark.parametrize("unit", METERED, ids=lambda u: u.name)
def test_a_unit_alone_costs_quantity_times_price(unit: Unit, probed: dict[str, tuple[Decimal | None, ...]]) -> None:
    whole = 1_234_567 * price_of_one(unit)
    assert probed[unit.name][:2] == (whole, whole)


@pytest.mark.parametrize("unit", METERED, ids=lambda u: u.name)
def test_a_unit_without_a_price_is_unpriced(unit: Unit, probed: dict[str, tuple[Decimal | None, ...]]) -> None:
    assert probed[unit.name][2:] == (None, None, f"no rate for {unit.quantity}")


def test_all_units_together_cost_what_they_cost_alone(con: duckdb.DuckDBPyConnection) -> None:
    used = {u.quantity: 1_000 + n for n, u in enumerate(METERED)}
    priced = [*METERED, next(u for u in ALL if u.name == "request")]
    case = Case(rates=[only(u) for u in priced], events=[event(**used)], con=con).rate("rated_usage")
    whole = sum(((1_000 + n) * price_of_one(u) for n, u in enumerate(METERED)), price_of_one(priced[-1]))
    assert case.ask("select revenue_amount, cost_amount from rated_usage") == [(whole, whole)]


def test_embedding_calls_have_a_price_of_their_own_or_that_of_input(con: duckdb.DuckDBPyConnection) -> None:
    used = {"input_tokens": 1_000_000, "operation": "embedding"}
    case = Case(
        rates=[
            {"unit": "input", "price": "3.00"}, {"unit": "embedding", "price": "0.02"},
            {"model": "n", "unit": "input", "price": "0.10"}, {"model": "o", "unit": "embedding", "price": "0.05"},
        ],
        events=[
            event(event_id="own", **used), event(event_id="input", model="n", **used),
            event(event_id="alone", model="o", **used), event(event_id="chat", input_tokens=1_000_000),
            event(event_id="no embedding", model="o", input_tokens=1_000_000),
        ],
        con=con,
    ).rate("rated_usage")  # fmt: skip
    assert case.amounts() == case.amounts("cost") == {
        "own": Decimal("0.02"), "input": Decimal("0.10"), "alone": Decimal("0.05"), "chat": Decimal(3),
        "no embedding": None,
    }  # fmt: skip


def test_a_fee_a_call_is_for_calls_that_succeeded(con: duckdb.DuckDBPyConnection) -> None:
    given = {
        "ok": {}, "no status": {"status": None}, "redirect": {"status": 399}, "refused": {"status": 400},
        "broken": {"status": 503}, "cached": {"gateway_cache_hit": True}, "unknown": {"gateway_cache_hit": None},
    }  # fmt: skip
    case = Case(
        rates=[{"unit": "request", "price": "2.50", "per": "1000"}],
        events=[event(event_id=name, **values) for name, values in given.items()],
        con=con,
    ).rate("rated_usage")
    fee, none = Decimal("0.0025"), Decimal(0)
    assert case.amounts() == case.amounts("cost") == {
        "ok": fee, "no status": fee, "redirect": fee, "refused": none, "broken": none, "cached": none, "unknown": fee,
    }  # fmt: skip


def test_reasoning_is_part_of_output_and_never_charged_again(con: duckdb.DuckDBPyConnection) -> None:
    case = Case(
        rates=[{"unit": "output", "price": "10.00"}],
        terms=[{"kind": "graduated", "unit": "output", "quantity": "0", "percent": "10"}],
        events=[event(event_id=f"{n}", output_tokens=5_000, reasoning_tokens=n) for n in (0, 1, 2_500, 5_000, 9_999)],
        con=con,
    ).rate("rated_usage", "spend_daily")
    assert set(case.amounts().values()) == {Decimal("0.045")}
    assert set(case.amounts("cost").values()) == {Decimal("0.05")}
    assert case.ask("select output_tokens, total_tokens, reasoning_tokens from spend_daily") == [
        (25_000, 25_000, 17_500)
    ]


def test_a_quantity_of_nothing_needs_no_price(con: duckdb.DuckDBPyConnection) -> None:
    case = Case(
        rates=[{"unit": "output", "price": "10.00"}], events=[event(output_tokens=1, input_tokens=0)], con=con
    ).rate("rated_usage")
    assert case.amounts() == {"e1": Decimal("0.00001")}
