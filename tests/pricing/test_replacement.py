"""Which model A=B means, and that A's rates become B's and no others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pipelines.errors import MeterhouseError
from pipelines.pricing.replacement import Model, Replacement, find_model, parse_replacement, replace_rates
from pipelines.pricing.tables import ALIASES, RATES, write_typed
from tests.rating.case import text_table

if TYPE_CHECKING:
    import duckdb

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


@pytest.fixture
def tables(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Rates of Meterhouse and of a home, and an alias."""
    connection.execute("create schema rating; create schema run")
    seed = [
        {"model": "a", "price": "1"}, {"model": "a", "price": "9", "model_tier": "fine_tuned"},
        {"model": "b", "price": "2"}, {"model": "b", "price": "3", "unit": "output"}, {"model": "c", "price": "4"},
    ]  # fmt: skip
    home = [{"model": "a", "price": "7", "card": "own"}, {"model": "b", "price": "8", "card": "own"}]
    for target, rows in (("rating.price_book", seed), ("run.home_prices", home)):
        write_typed(connection, RATES, text_table(RATES, rows), target)
    for target, rows in (("rating.model_aliases", []), ("run.home_aliases", [{"alias": "a", "model": "c"}])):
        write_typed(connection, ALIASES, text_table(ALIASES, rows), target)
    return connection


def rates(con: duckdb.DuckDBPyConnection) -> set[tuple[Any, ...]]:
    return set(
        con.execute("""
            select card, model, model_tier, unit, price::double
            from (select * from rating.price_book union all select * from run.home_prices)""").fetchall()
    )


def model(name: str, tier: str = "base") -> Model:
    return Model("openai", name, tier)


def test_one_models_rates_become_the_others_on_every_card(tables: duckdb.DuckDBPyConnection) -> None:
    before = rates(tables)
    replace_rates(tables, [Replacement(model("a"), model("b"))])
    assert rates(tables) == before - {("list", "a", "base", "input", 1), ("own", "a", "base", "input", 7)} | {
        ("list", "a", "base", "input", 2), ("list", "a", "base", "output", 3), ("own", "a", "base", "input", 8),
    }  # fmt: skip
    assert tables.execute("select count(*) from run.home_aliases").fetchone() == (0,)


def test_replacements_are_made_all_at_once(tables: duckdb.DuckDBPyConnection) -> None:
    replace_rates(tables, [Replacement(model("a"), model("c")), Replacement(model("c"), model("a"))])
    found = {row for row in rates(tables) if row[0] == "list" and row[2] == "base" and row[1] != "b"}
    assert found == {("list", "a", "base", "input", 4), ("list", "c", "base", "input", 1)}


def test_a_tuned_models_rates_can_become_its_bases(tables: duckdb.DuckDBPyConnection) -> None:
    replace_rates(tables, [Replacement(model("a", "fine_tuned"), model("a"))])
    assert {row for row in rates(tables) if row[1] == "a"} == {
        ("list", "a", "base", "input", 1), ("list", "a", "fine_tuned", "input", 1),
        ("own", "a", "base", "input", 7), ("own", "a", "fine_tuned", "input", 7),
    }  # fmt: skip
    assert tables.execute("select count(*) from run.home_aliases").fetchone() == (1,)


def test_one_model_cannot_become_two(tables: duckdb.DuckDBPyConnection) -> None:
    both = [Replacement(model("a"), model("b")), Replacement(model("a"), model("c"))]
    with pytest.raises(MeterhouseError, match="names openai/a twice"):
        replace_rates(tables, both)
