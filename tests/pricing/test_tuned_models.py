"""tuned_models: what tuned models came to, and what the same tokens would have come to at the base model's rate."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.rating.case import Case, event

TUNED = "ft:m:acme::x"


def rate(unit: str, price: str, tier: str = "base", **changes: Any) -> dict[str, Any]:
    return {"unit": unit, "price": price, "model_tier": tier, **changes}


RATES = [
    rate("input", "2", valid_to="2023-06-20T00:00:00Z"),
    rate("input", "1", valid_from="2023-06-20T00:00:00Z"),
    rate("output", "4"),
    rate("input", "8", "fine_tuned"),
    rate("output", "16", "fine_tuned"),
    rate("training", "25", "fine_tuned"),
    rate("hosting_hour", "3", "fine_tuned", per="1"),
]


def used(event_id: str, **given: Any) -> dict[str, Any]:
    return event(**{"event_id": event_id, "model": TUNED, "input_tokens": 1_000_000, **given})


def found(case: Case) -> list[dict[str, Any]]:
    """Rows of the model, by name."""
    case.rate("tuned_models")
    asked = case.con.execute("select * from tuned_models order by model, organization_id, billing_currency")
    names = [column[0] for column in asked.description]
    return [dict(zip(names, row, strict=True)) for row in asked.fetchall()]


def test_base_price_is_that_of_each_requests_own_instant() -> None:
    (row,) = found(Case(rates=RATES, events=[used("1"), used("2", at="2023-06-20T00:00:00", output_tokens=1_000_000)]))
    assert row["base_amount"] == 2 + 1 + 4
    assert row["compared_amount"] == row["usage_amount"] == 8 + 8 + 16
    assert row["extra_amount"] == 25
    assert (row["compared_requests"], row["compared_tokens"], row["base_reason"]) == (2, 3_000_000, None)


def test_training_and_hosting_stand_apart_from_use() -> None:
    (row,) = found(
        Case(
            rates=RATES,
            events=[
                used("1"),
                used("t", operation="fine_tuning", input_tokens=0, training_tokens=2_000_000, at="2023-06-01T00:00:00"),
                used("h", operation="hosting", input_tokens=0, hosting_hours="24.5", at="2023-07-01T00:00:00"),
            ],
        )
    )
    assert (row["training_jobs"], row["training_tokens"], row["training_amount"]) == (1, 2_000_000, 50)
    assert (row["hosting_hours"], row["hosting_amount"]) == (Decimal("24.5"), Decimal("73.5"))
    assert (row["usage_requests"], row["usage_tokens"], row["usage_amount"]) == (1, 1_000_000, 8)
    assert str(row["first_at"]) == str(row["last_at"]) == "2023-06-15 12:00:00"


def test_percentages_of_terms_hold_for_the_base_too_and_bands_are_left_out() -> None:
    (row,) = found(
        Case(
            rates=RATES,
            terms=[
                {"kind": "discount", "percent": "25", "model": "m"},
                {"kind": "allowance", "unit": "input", "quantity": "400000"},
            ],
            events=[used("1")],
        )
    )
    assert row["usage_amount"] == Decimal("3.6")
    assert (row["compared_amount"], row["base_amount"]) == (6, Decimal("1.5"))


def test_the_base_is_looked_up_on_the_card_and_in_the_tier_of_the_request() -> None:
    terms = [{"kind": "card", "card": "own"}]
    rates = [*RATES, rate("input", "5", "fine_tuned", card="own"), rate("input", "3", card="own")]
    (row,) = found(Case(rates=rates, terms=terms, events=[used("1")]))
    assert (row["usage_amount"], row["base_amount"]) == (5, 3)
    batch = [rate("input", "4", "fine_tuned", service_tier="batch")]
    (row,) = found(Case(rates=[*RATES, *batch], events=[used("1", service_tier="batch"), used("2")]))
    assert (row["usage_requests"], row["compared_requests"], row["base_amount"]) == (2, 1, 2)
    assert (
        row["base_reason"]
        == "no rate of the base model on the same card, in its service tier and currency, at this instant"
    )


def test_a_region_of_its_own_comes_first() -> None:
    rates = [*RATES, rate("input", "2.2", region="eu"), rate("input", "9", "fine_tuned", region="eu")]
    (row,) = found(Case(rates=rates, events=[used("1", region="eu"), used("2", region="us")]))
    assert (row["usage_amount"], row["base_amount"]) == (17, Decimal("4.2"))


def test_long_requests_have_the_bases_long_price() -> None:
    rates = [*RATES, rate("input", "6", context_from="500000")]
    (row,) = found(Case(rates=rates, events=[used("1"), used("2", input_tokens=499_999)]))
    assert row["base_amount"] == 6 + Decimal("0.999998")


def test_an_unknown_base_price_is_null_with_its_reason() -> None:
    tuned_alone = [r for r in RATES if r["model_tier"] == "fine_tuned"]
    (row,) = found(Case(rates=tuned_alone, events=[used("1")]))
    assert (row["base_amount"], row["extra_amount"], row["compared_amount"]) == (None, None, None)
    assert (
        row["base_reason"]
        == "no rate of the base model on the same card, in its service tier and currency, at this instant"
    )
    (row,) = found(Case(rates=[*tuned_alone, rate("input", "2")], events=[used("1", output_tokens=1)]))
    assert (row["base_amount"], row["base_reason"]) == (None, "no rate for output_tokens")


def test_a_tuned_model_without_a_rate_is_listed_and_counts_with_its_currency() -> None:
    rates = [r | {"valid_from": "2023-06-10T00:00:00Z"} if r["model_tier"] == "fine_tuned" else r for r in RATES]
    (row,) = found(Case(rates=rates, events=[used("1"), used("early", at="2023-06-01T00:00:00")]))
    assert (row["billing_currency"], row["usage_requests"], row["unpriced_requests"]) == ("USD", 2, 1)
    assert row["base_reason"] == "the tuned model itself has no amount"


def test_failed_requests_change_nothing() -> None:
    (row,) = found(Case(rates=RATES, events=[used("1"), used("failed", input_tokens=0, status=500)]))
    assert (row["usage_requests"], row["base_amount"], row["usage_amount"]) == (2, 2, 8)


def test_models_and_organisations_are_told_apart_and_base_models_are_not_listed() -> None:
    events = [used("1"), used("2", organization_id="beta"), used("3", model="ft:m:acme::y"), used("4", model="m")]
    assert [(r["model"], r["organization_id"]) for r in found(Case(rates=RATES, events=events))] == [
        (TUNED, "acme"), (TUNED, "beta"), ("ft:m:acme::y", "acme"),
    ]  # fmt: skip


def in_two_currencies(**given: Any) -> Case:
    """Trained in dollars, used in euro from a card of its own."""
    euro = [
        rate("input", "4", "fine_tuned", card="euro", currency="EUR"),
        rate("input", "1", card="euro", currency="EUR"),
    ]
    events = [
        used("t", operation="fine_tuning", input_tokens=0, training_tokens=2_000_000, at="2023-06-01T00:00:00"),
        used("1"),
        # Already the 16th in Tokyo.
        used("2", at="2023-06-15T15:00:00"),
    ]
    terms = [{"kind": "card", "card": "euro", "valid_from": "2023-06-10T00:00:00Z"}]
    return Case(rates=[*RATES, *euro], terms=terms, events=events, **given)


def test_currencies_stand_apart_and_are_converted_at_the_rate_of_each_billing_day() -> None:
    rates = [{"rate": "1.1"}, {"rate": "1.2", "valid_from": "2023-06-15T15:00:00Z"}]
    euro, dollars = found(in_two_currencies(exchange_rates=rates, billing_time_zone="Asia/Tokyo"))
    assert (euro["billing_currency"], euro["usage_amount"], euro["base_amount"]) == ("EUR", 8, 2)
    assert euro["reporting_currency"] == dollars["reporting_currency"] == "USD"
    assert euro["reported_usage_amount"] == euro["reported_compared_amount"] == Decimal("9.2")
    assert euro["reported_base_amount"] == Decimal("2.3")
    assert (dollars["training_amount"], dollars["reported_training_amount"]) == (50, 50)
    assert (euro["reported_training_amount"], euro["unconverted_reason"]) == (None, None)
    assert dollars["unconverted_reason"] is None


def test_an_amount_is_not_converted_in_part() -> None:
    rates = [{"rate": "1.2", "valid_from": "2023-06-16T00:00:00Z"}]
    case = in_two_currencies(exchange_rates=rates)
    case.events = [*case.events, used("3", at="2023-06-20T00:00:00")]
    euro, _ = found(case)
    assert (euro["usage_amount"], euro["reported_usage_amount"], euro["reported_base_amount"]) == (12, None, None)
    assert euro["unconverted_reason"] == "no exchange rate from EUR to USD on this day: 2023-06-15"
