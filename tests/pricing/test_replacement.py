"""Which model A=B means, and that A's rates become B's and no others."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from pipelines.errors import MeterhouseError
from pipelines.pricing.replacement import (
    RATES_MODEL,
    Model,
    Replacement,
    find_model,
    parse_replacement,
    replace_rates,
)
from tests.rating.case import Case, event
from tests.rating.models import build

BASE = Model("openai", "gpt-4o", "base")
TUNED = Model("openai", "gpt-4o", "fine_tuned")
MINI = Model("openai", "gpt-4o-mini", "base")
AZURE = Model("azure", "gpt-4o", "base")
LLAMA = Model("meta", "meta-llama/Llama-3", "base")
KNOWN = (BASE, TUNED, MINI, AZURE, LLAMA)


@pytest.mark.parametrize(
    ("text", "one", "other"),
    [
        ("openai/gpt-4o=gpt-4o-mini", BASE, MINI),
        ("ft:gpt-4o=gpt-4o", TUNED, BASE),
        ("gpt-4o-mini=ft:gpt-4o", MINI, TUNED),
        ("azure/gpt-4o=gpt-4o-mini", AZURE, MINI),
        ("meta-llama/Llama-3=openai/gpt-4o", LLAMA, BASE),
    ],
)
def test_what_a_equals_b_means(text: str, one: Model, other: Model) -> None:
    assert parse_replacement(text, KNOWN, KNOWN) == Replacement(one, other)


def test_of_several_providers_the_others_own_is_meant() -> None:
    assert find_model("gpt-4o", KNOWN, "has no rates", provider="azure") == AZURE
    with pytest.raises(MeterhouseError, match="several providers: azure/gpt-4o, openai/gpt-4o"):
        find_model("gpt-4o", KNOWN, "has no rates", provider="meta")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("gpt-4o-mini", "is not A=B"),
        ("=gpt-4o-mini", "is not A=B"),
        ("gpt-5=gpt-4o-mini", r"gpt-5 is used by no request of these days\. Copy the id"),
        ("gpt-4o-mini=gpt-4o-mini-2024", r"has no rates\. There is .*openai/gpt-4o-mini"),
        ("ft:gpt-4o:acme::x=gpt-4o", "Tuned models are named by their base"),
    ],
)
def test_what_it_cannot_mean_is_refused_with_a_way_out(text: str, message: str) -> None:
    with pytest.raises(MeterhouseError, match=message):
        parse_replacement(text, KNOWN, KNOWN)


def rates(case: Case) -> set[tuple[Any, ...]]:
    return set(case.ask(f"select card, model, model_tier, unit, unit_price * 1000000, priced_as from {RATES_MODEL}"))


def model(name: str, tier: str = "base") -> Model:
    return Model("openai", name, tier)


def replaced(case: Case, *replacements: Replacement) -> Case:
    """The world with its rates replaced between the models, as `rerate.py` has it done."""
    case.rate(RATES_MODEL)
    case.con.execute("create schema if not exists rating; create table rating.model_aliases as from model_aliases")
    replace_rates(case.con, replacements, RATES_MODEL)
    build(case.con, ["rated_usage", "price_rates"], kept=(RATES_MODEL,))
    return case


ROWS = [
    {"model": "a", "price": "1"}, {"model": "a", "price": "9", "model_tier": "fine_tuned"},
    {"model": "b", "price": "2"}, {"model": "b", "price": "3", "unit": "output"}, {"model": "c", "price": "4"},
    {"model": "a", "price": "7", "card": "own"}, {"model": "b", "price": "8", "card": "own"},
]  # fmt: skip


def before() -> set[tuple[Any, ...]]:
    return rates(Case(rates=ROWS).rate(RATES_MODEL))


def test_one_models_rates_become_the_others_on_every_card() -> None:
    found = rates(replaced(Case(rates=ROWS), Replacement(model("a"), model("b"))))
    assert found == before() - {("list", "a", "base", "input", 1, "a"), ("own", "a", "base", "input", 7, "a")} | {
        ("list", "a", "base", "input", 2, "a"), ("list", "a", "base", "output", 3, "a"),
        ("own", "a", "base", "input", 8, "a"),
    }  # fmt: skip


def test_replacements_are_made_all_at_once() -> None:
    found = rates(replaced(Case(rates=ROWS), Replacement(model("a"), model("c")), Replacement(model("c"), model("a"))))
    assert {row for row in found if row[2] == "base" and row[1] != "b"} == {
        ("list", "a", "base", "input", 4, "a"), ("list", "c", "base", "input", 1, "c"),
        ("own", "c", "base", "input", 7, "c"),
    }  # fmt: skip


def test_a_tuned_models_rates_can_become_its_bases() -> None:
    found = rates(replaced(Case(rates=ROWS), Replacement(model("a", "fine_tuned"), model("a"))))
    assert {row for row in found if row[1] == "a"} == {
        ("list", "a", "base", "input", 1, "a"), ("list", "a", "fine_tuned", "input", 1, "a"),
        ("own", "a", "base", "input", 7, "a"), ("own", "a", "fine_tuned", "input", 7, "a"),
    }  # fmt: skip


def test_one_model_cannot_become_two() -> None:
    with pytest.raises(MeterhouseError, match="names openai/a twice"):
        replaced(Case(rates=ROWS), Replacement(model("a"), model("b")), Replacement(model("a"), model("c")))


def test_an_alias_is_priced_as_what_it_stands_for_while_it_does() -> None:
    """It stood for m until 2024, then for n, until on the card `own` it got a rate of its own in 2025."""
    case = Case(
        rates=[
            {"model": "m"}, {"model": "n"}, {"model": "b", "price": "2"}, {"model": "b", "price": "3", "card": "own"},
            {"model": "x", "card": "own", "price": "5", "valid_from": "2025-01-01T00:00:00Z"},
        ],
        aliases=[
            {"alias": "x", "model": "m", "valid_from": "2023-06-01T00:00:00Z"},
            {"alias": "x", "model": "n", "valid_from": "2024-01-01T00:00:00Z"},
            {"alias": "x", "model": "b", "valid_from": "2026-01-01T00:00:00Z", "known_from": "2026-02-01T00:00:00Z"},
        ],
        known_at="2026-01-15 00:00:00",
    )  # fmt: skip
    replaced(case, Replacement(model("x"), model("b")))
    found = case.ask("""
        select card, priced_as, strftime(valid_from, '%Y-%m'), strftime(valid_to, '%Y-%m'), price_input_tokens * 1000000
        from price_rates where model = 'x' order by card, valid_from""")
    assert found == [
        ("list", "x", "2023-01", "2023-06", 2), ("list", "m", "2023-06", "2024-01", 2),
        ("list", "n", "2024-01", "9999-12", 2),
        ("own", "x", "2023-01", "2023-06", 3), ("own", "m", "2023-06", "2024-01", 3),
        ("own", "n", "2024-01", "2025-01", 3), ("own", "x", "2025-01", "9999-12", 3),
    ]  # fmt: skip
    assert case.ask("select count(*) from (select distinct rate_id, unit from price_rate_units)") == case.ask(
        "select count(*) from price_rate_units"
    )


def test_an_alias_follows_the_model_it_stands_for_unless_it_is_replaced_itself() -> None:
    given: dict[str, Any] = {
        "rates": [{"model": "m"}, {"model": "b", "price": "2"}, {"model": "c", "price": "3"}],
        "aliases": [{"alias": "x", "model": "m"}, {"alias": "y", "model": "m"}],
        "events": [event(event_id=name, model=name, input_tokens=1_000_000) for name in ("m", "x", "y")],
    }
    assert replaced(Case(**given), Replacement(model("m"), model("b"))).amounts() == {"m": 2, "x": 2, "y": 2}
    assert replaced(Case(**given), Replacement(model("x"), model("b"))).amounts() == {"m": 1, "x": 2, "y": 1}
    both = [Replacement(model("m"), model("b")), Replacement(model("x"), model("c"))]
    assert replaced(Case(**given), *both).amounts() == {"m": 2, "x": 3, "y": 2}


MILLION = 1_000_000
DISCOUNT = {"kind": "discount", "percent": "50"}
CARD = {"kind": "card", "card": "contract"}
ALLOWANCE = {"kind": "allowance", "unit": "input", "quantity": str(MILLION // 4)}
MARKUP = {"kind": "markup", "percent": "20"}


@pytest.mark.parametrize(
    ("terms", "booked", "otherwise"),
    [
        # A million tokens under the alias x, which stands for m: USD 10 at m's rate, USD 4 at b's.
        ([], "10", "4"),
        # Half off, whoever of the two the term names; b's own terms are for usage of b.
        ([{**DISCOUNT, "model": "x"}], "5", "2"),
        ([{**DISCOUNT, "model": "m"}], "5", "2"),
        ([{**DISCOUNT, "model": "b"}], "10", "4"),
        ([DISCOUNT], "5", "2"),
        # The alias' own term comes first, on both sides of the comparison.
        ([{**DISCOUNT, "model": "m"}, {**DISCOUNT, "model": "x", "percent": "25"}], "7.5", "3"),
        # The contract's card: m costs 8 there and b 3.
        ([{**CARD, "model": "m"}], "8", "3"),
        ([{**CARD, "model": "x"}], "8", "3"),
        ([{**CARD, "model": "b"}], "10", "4"),
        ([{**CARD, "model": "m"}, {**DISCOUNT, "model": "m"}], "4", "1.5"),
        # A quarter of a million is free: three quarters of the tokens are left.
        ([{**ALLOWANCE, "model": "m"}], "7.5", "3"),
        ([{**ALLOWANCE, "model": "x"}], "7.5", "3"),
        ([{**ALLOWANCE, "model": "b"}], "10", "4"),
        # A fifth over the prices of the cost side, which has the same list.
        ([{**MARKUP, "model": "m"}], "12", "4.8"),
    ],
)
def test_terms_of_the_used_model_and_of_what_it_stands_for_are_kept(
    terms: list[dict[str, Any]], booked: str, otherwise: str
) -> None:
    given: dict[str, Any] = {
        "rates": [
            {"model": "m", "price": "10"}, {"model": "b", "price": "4"},
            {"model": "m", "price": "8", "card": "contract"}, {"model": "b", "price": "3", "card": "contract"},
        ],
        "aliases": [{"alias": "x", "model": "m"}],
        "terms": terms,
        "events": [event(event_id="1", model="x", input_tokens=MILLION)],
    }  # fmt: skip
    assert Case(**given).rate().amounts() == {"1": Decimal(booked)}
    assert replaced(Case(**given), Replacement(model("x"), model("b"))).amounts() == {"1": Decimal(otherwise)}


def test_an_allowance_is_still_shared_by_the_alias_and_its_model() -> None:
    """Half a million free a month for m: its own 400,000 tokens come first and leave 100,000 for the alias."""
    case = Case(
        rates=[{"model": "m", "price": "10"}, {"model": "b", "price": "4"}],
        aliases=[{"alias": "x", "model": "m"}],
        terms=[{**ALLOWANCE, "model": "m", "quantity": "500000"}],
        events=[
            event(event_id="1", input_tokens=400_000),
            event(event_id="2", model="x", input_tokens=MILLION, at="2023-06-16T00:00:00"),
        ],
    )
    assert replaced(case, Replacement(model("x"), model("b"))).amounts() == {"1": 0, "2": Decimal("3.6")}


def test_terms_stop_counting_when_the_alias_ends() -> None:
    """From July on x stands for nothing: it had no price and no terms of m's, and has b's rate without them now."""
    given: dict[str, Any] = {
        "rates": [{"model": "m", "price": "10"}, {"model": "b", "price": "4"}],
        "aliases": [{"alias": "x", "model": "m", "valid_to": "2023-07-01T00:00:00Z"}],
        "terms": [{**DISCOUNT, "model": "m"}],
        "events": [
            event(event_id="1", model="x", input_tokens=MILLION),
            event(event_id="2", model="x", input_tokens=MILLION, at="2023-07-01T00:00:00"),
        ],
    }
    assert Case(**given).rate().amounts() == {"1": 5, "2": None}
    assert replaced(Case(**given), Replacement(model("x"), model("b"))).amounts() == {"1": 2, "2": 4}
