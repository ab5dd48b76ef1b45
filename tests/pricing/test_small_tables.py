"""Aliases, exchange rates and serving hours: what their rows may say."""

from __future__ import annotations

import pytest

from tests.pricing.price_books import alias_row, exchange_row, hours_row, price_row

LATER = "2024-06-01T00:00:00Z"
GPU = {"unit": "gpu_hour", "per": "1", "price": "2.50"}


@pytest.mark.parametrize(
    ("table", "field", "value", "said"),
    [
        ("aliases", "provider", "", "provider is empty"),
        ("aliases", "alias", "", "alias is empty"),
        ("aliases", "alias", "ft:m-1:org::x", "is tuned"),
        ("aliases", "model", "m-latest", "m-latest is an alias of itself"),
        ("aliases", "valid_to", "2024-01-01T00:00:00Z", "is not after valid_from"),
        ("aliases", "source", "", "source is empty"),
        ("aliases", "checked_on", "", "is not a date"),
        ("exchange_rates", "from_currency", "Euro", "is not a currency"),
        ("exchange_rates", "to_currency", "", "is not a currency"),
        ("exchange_rates", "to_currency", "EUR", "both currencies are EUR"),
        ("exchange_rates", "rate", "0", "the rate is 0"),
        ("exchange_rates", "rate", "0.000000", "the rate is 0"),
        ("exchange_rates", "rate", "-1.1", "is negative"),
        ("exchange_rates", "rate", "1.0000001", "6 after the point"),
        ("exchange_rates", "rate", "", "is not a decimal"),
        ("exchange_rates", "valid_from", "today", "is not an instant"),
        ("serving_hours", "usage_date", "2024-01-02T00:00:00Z", "is not a date"),
        ("serving_hours", "usage_date", "2023-02-29", "is not a date"),
        ("serving_hours", "model", "", "model is empty"),
        ("serving_hours", "model_tier", "tuned", "unknown model_tier"),
        ("serving_hours", "gpu_hours", "-1", "is negative"),
        ("serving_hours", "gpu_hours", "1.0000001", "6 after the point"),
        ("serving_hours", "source", " x", "source is empty, has blanks"),
        ("serving_hours", "checked_on", "soon", "is not a date"),
    ],
)
def test_error_names_line_and_field(problems_of, table, field, value, said):
    make = {"aliases": alias_row, "exchange_rates": exchange_row, "serving_hours": hours_row}[table]
    other = {"aliases": {"alias": "m-2"}, "exchange_rates": {"from_currency": "GBP"}, "serving_hours": {"model": "m-2"}}
    (found,) = problems_of(book=[price_row(**GPU)], **{table: [make(**other[table]), make(**{field: value})]})
    assert (found.severity, found.line, found.field) == ("error", 3, field)
    assert found.file.endswith(f"prices/{table}/own.csv")
    assert said in found.cause


@pytest.mark.parametrize(("table", "make"), [("aliases", alias_row), ("exchange_rates", exchange_row)])
def test_rows_follow_each_other(problems_of, table, make):
    assert problems_of(**{table: [make(), make(valid_from=LATER)]}) == []
    assert problems_of(**{table: [make(valid_to=LATER), make(valid_from=LATER)]}) == []
    assert problems_of(**{table: [make(), make(known_from=LATER, source="correction")]}) == []
    (found,) = problems_of(**{table: [make(), make(source="another")]})
    assert (found.severity, found.line, found.field) == ("error", 3, "valid_from")
    (found,) = problems_of(**{table: [make(valid_to=LATER), make(valid_from="2024-05-01T00:00:00Z")]})
    assert (found.severity, found.line, found.field) == ("error", 2, "valid_to")


def test_an_alias_of_an_alias_is_refused_while_both_hold(problems_of):
    chain = [alias_row(), alias_row(alias="m-best", model="m-latest")]
    (found,) = problems_of(aliases=chain)
    assert (found.severity, found.line, found.field) == ("error", 3, "model")
    assert "m-latest is itself an alias, of m-1 by line 2 of " in found.cause
    found = problems_of(aliases=[{**chain[0], "valid_to": LATER}, {**chain[1], "valid_from": LATER}])
    assert [f.severity for f in found] == ["warning"]
    found = problems_of(aliases=[{**chain[0], "provider": "other"}, chain[1]])
    assert {f.severity for f in found} == {"warning"}


def test_an_alias_of_what_no_card_knows_is_told(problems_of):
    assert problems_of(aliases=[alias_row()]) == []
    (found,) = problems_of(aliases=[alias_row(model="m-3")])
    assert (found.severity, found.field) == ("warning", "model")
    assert "no rate of any card is for acme m-3" in found.cause
    assert problems_of(rates=[price_row(card="own", model="m-3")], aliases=[alias_row(model="m-3")]) == []


def test_an_alias_with_rates_of_its_own_is_told(problems_of):
    (found,) = problems_of(rates=[price_row(card="own", model="m-latest")], aliases=[alias_row()])
    assert (found.severity, found.field) == ("warning", "alias")
    assert "card own has rates of its own for m-latest from 2024-01-01T00:00:00Z on" in found.cause
    assert found.cause.endswith("the alias never counts")


def test_an_alias_that_gets_rates_of_its_own_counts_until_then(problems_of):
    own = [price_row(model="m-latest", valid_from=LATER)]
    (found,) = problems_of(rates=own, aliases=[alias_row()])
    assert (found.severity, found.field) == ("warning", "alias")
    assert found.cause.endswith(f"from {LATER} on, and the alias counts there only until then")
    assert "Remove" not in found.way_out
    assert problems_of(rates=own, aliases=[alias_row(valid_to=LATER)]) == []


def test_hours_of_one_day_and_model_are_one_row(problems_of):
    hours = [hours_row(), hours_row(usage_date="2024-01-03"), hours_row(model_tier="fine_tuned")]
    book = [price_row(**GPU), price_row(**GPU, model_tier="fine_tuned")]
    assert problems_of(book=book, serving_hours=hours) == []
    (found,) = problems_of(book=book, serving_hours=[*hours, hours_row(gpu_hours="1")])
    assert (found.severity, found.line, found.field) == ("error", 5, "usage_date")


@pytest.mark.parametrize(
    "changes",
    [{"usage_date": "2023-12-31"}, {"usage_date": "2024-06-01"}, {"model": "m-2"}, {"model_tier": "fine_tuned"}],
)
def test_hours_that_no_card_prices_that_day_are_told(problems_of, changes):
    (found,) = problems_of(book=[price_row(**GPU, valid_to=LATER)], serving_hours=[hours_row(), hours_row(**changes)])
    assert (found.severity, found.line, found.field) == ("warning", 3, "model")
    assert "card list, that of the cost side, has no gpu_hour rate" in found.cause


def test_hours_that_only_another_card_prices_are_told(problems_of):
    hour = price_row(**GPU, card="own")
    (found,) = problems_of(rates=[hour], serving_hours=[hours_row()])
    assert (found.severity, found.field) == ("warning", "model")
    assert "card list, that of the cost side, has no gpu_hour rate for acme m-1 base on 2024-01-02" in found.cause
    assert "; one is on card own" in found.cause


def test_hours_are_priced_by_the_homes_cost_card(problems_of, home):
    home.config.write_text('[pricing]\ncost_card = "own"\n', encoding="utf-8")
    assert problems_of(rates=[price_row(**GPU, card="own")], serving_hours=[hours_row()]) == []


def test_hours_under_an_alias_are_those_of_its_model(problems_of):
    book, hours = [price_row(**GPU)], [hours_row(model="m-latest")]
    assert problems_of(book=book, aliases=[alias_row()], serving_hours=hours) == []
    (found,) = problems_of(book=book, aliases=[alias_row(valid_to="2024-01-02T00:00:00Z")], serving_hours=hours)
    assert "no gpu_hour rate for acme m-latest" in found.cause
    own = price_row(model="m-latest", valid_from="2024-01-02T00:00:00Z")
    found = problems_of(book=[*book, own], aliases=[alias_row()], serving_hours=hours)
    assert [one.field for one in found] == ["alias", "model"]


def test_hours_of_a_day_to_come_are_told(problems_of):
    found = problems_of(book=[price_row(**GPU)], serving_hours=[hours_row(usage_date="2999-01-01"), hours_row()])
    (one,) = found
    assert (one.severity, one.line, one.field) == ("warning", 2, "usage_date")
    assert "the day 2999-01-01 is still to come" in one.cause
