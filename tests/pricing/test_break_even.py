"""Paid back or not, and after how much use: exact, and never said of what is not known."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from pipelines.cli import main
from pipelines.errors import MeterhouseError
from pipelines.pricing.break_even import Compared, Tuned, break_even, per_million, verdict
from tests.pricing.built import build_home
from tests.rating.case import Case, event

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.home import Home


def tuned(**changes: Any) -> Tuned:
    given_: dict[str, Any] = {
        "provider": "openai", "model": "ft:m:acme::x", "base_model": "m", "organization_id": "acme",
        "currency": "USD", "first_at": datetime.fromisoformat("2023-09-01"),
        "last_at": datetime.fromisoformat("2023-09-10T12:00:00"),
        "usage_requests": 100, "usage_tokens": 1_000, "usage_amount": Decimal(10), "training_jobs": 1,
        "training_amount": Decimal(60), "hosting_hours": Decimal(0), "hosting_amount": None,
        "unpriced_requests": 0, "comparisons": (),
    }  # fmt: skip
    return Tuned(**given_ | changes)


def compared(own: str | None, other: str | None, **changes: Any) -> Compared:
    amounts = [None if text is None else Decimal(text) for text in (own, other)]
    return Compared(**{"name": "m", "requests": 100, "tokens": 1_000, "reason": None} | changes,
                    tuned_amount=amounts[0], other_amount=amounts[1])  # fmt: skip


def test_dearer_a_token_is_never_paid_back() -> None:
    assert verdict(tuned(), compared("80", "10")).text == "never: it is dearer a token"
    assert verdict(tuned(), compared("10", "10")).text == "never: it costs the same a token"


def test_what_is_saved_goes_against_training() -> None:
    found = verdict(tuned(), compared("10", "50"))
    assert (found.is_paid, found.text) == (False, "not yet paid back")
    # 60 at 40 in ten days of 100 requests.
    assert (found.requests, found.tokens, found.days) == (150, 1_500, 15)
    found = verdict(tuned(), compared("10", "130"))
    assert (found.is_paid, found.requests, found.days) == (True, 50, 5)


def test_hosting_goes_on() -> None:
    hosted = {"hosting_hours": Decimal(240), "hosting_amount": Decimal(30)}
    found = verdict(tuned(**hosted), compared("10", "50"))
    assert (found.is_paid, found.requests, found.days) == (False, 600, 60)
    found = verdict(tuned(**hosted), compared("10", "39.999999999999999999"))
    assert found.text == "never at the present rate: hosting costs more than is saved"
    assert verdict(tuned(training_jobs=0, training_amount=None, **hosted), compared("10", "50")).is_paid


@pytest.mark.parametrize(
    ("model", "other", "text"),
    [
        (tuned(), compared("10", None, reason="no rate for output_tokens"), "unknown: no rate for output_tokens"),
        (tuned(), compared(None, None, requests=0, tokens=0), "unknown: the model has not been used"),
        (tuned(), compared("1", "99", requests=10), "unknown: 90 of 100 requests could not be compared"),
        (tuned(), compared("99", "1", requests=10), "unknown: 90 of 100 requests could not be compared"),
        (tuned(unpriced_requests=1), compared("1", "99"), "unknown: some of the training or hosting has no amount"),
        (tuned(incomparable="use in EUR"), compared("1", "99"), "not comparable: use in EUR"),
        (tuned(), compared("1", None, incomparable="m in EUR"), "not comparable: m in EUR"),
        (tuned(training_amount=None), compared("1", "9"), "unknown: the training has no amount"),
        (tuned(hosting_hours=Decimal(1)), compared("1", "9"), "unknown: the hosting has no amount"),
    ],
)
def test_what_is_not_known_is_not_said(model: Tuned, other: Compared, text: str) -> None:
    found = verdict(model, other)
    assert (found.is_paid, found.text, found.requests) == (False, text, None)


@given(
    training=st.integers(1, 10**12), saving=st.integers(1, 10**12), requests=st.integers(1, 10**9),
    tokens=st.integers(1, 10**12),
)  # fmt: skip
def test_break_even_is_the_first_request_that_pays(training: int, saving: int, requests: int, tokens: int) -> None:
    """At a saving of so much a request, the requests said pay back and one fewer do not."""
    found = verdict(
        tuned(training_amount=Decimal(training), usage_requests=requests),
        compared("0", str(saving), requests=requests, tokens=tokens),
    )
    each = Fraction(saving, requests)
    assert found.requests is not None
    assert each * found.requests >= training > each * (found.requests - 1)
    assert found.is_paid == (saving >= training)


def test_saving_keeps_every_digit() -> None:
    one = compared("12345678901234567890.123456789012345678", "12345678901234567890.123456789012345679")
    assert one.saving == Decimal("0.000000000000000001")
    assert per_million(Decimal("0.5"), 250_000) == 2


def test_days_of_use_count_begun_ones() -> None:
    assert tuned().use_days == 10
    assert tuned(first_at=None, last_at=None).use_days == 0


def in_two_currencies(folder: Path, **given: Any) -> Home:
    """Trained at 8 USD; used for 4 EUR, where the base would have come to 10 EUR."""
    rates = [
        {"unit": "training", "price": "8", "model_tier": "fine_tuned"},
        {"unit": "input", "price": "4", "model_tier": "fine_tuned", "card": "euro", "currency": "EUR"},
        {"unit": "input", "price": "10", "card": "euro", "currency": "EUR"},
    ]
    model = "ft:m:acme::x"
    events = [
        event(event_id="t", model=model, operation="fine_tuning", training_tokens=1_000_000, at="2023-06-01T00:00:00"),
        event(event_id="1", model=model, input_tokens=1_000_000),
    ]
    terms = [{"kind": "card", "card": "euro", "valid_from": "2023-06-10T00:00:00Z"}]
    return build_home(folder / "home", Case(rates=rates, terms=terms, events=events, **given))


def shown(home: Home, *options: str) -> str:
    done = CliRunner().invoke(main, ["break-even", "--home", str(home.root), *options])
    assert done.exit_code == 0, done.output
    return " ".join(done.output.split())


def test_training_in_another_currency_is_converted(tmp_path: Path) -> None:
    home = in_two_currencies(tmp_path, exchange_rates=[{"rate": "1.25"}])
    (found,) = break_even(home)
    assert (found.currency, found.converted_from) == ("USD", ("EUR",))
    assert (found.training_amount, found.usage_amount, found.usage_requests) == (8, 5, 1)
    assert found.comparisons[0].saving == Decimal("7.5")
    assert verdict(found, found.comparisons[0]).text == "not yet paid back"
    assert "EUR is converted to USD at the rate of exchange of each billing day" in shown(home)


def test_what_cannot_be_converted_is_not_compared(tmp_path: Path) -> None:
    home = in_two_currencies(tmp_path)
    euro, dollars = break_even(home)
    assert (euro.currency, euro.usage_amount, dollars.currency, dollars.training_amount) == ("EUR", 4, "USD", 8)
    why = "training in USD, use in EUR: no exchange rate from EUR to USD on this day: 2023-06-15"
    assert {verdict(one, one.comparisons[0]).text for one in (euro, dollars)} == {f"not comparable: {why}"}
    text = shown(home)
    assert text.count(f"paid back? not comparable: {why} Add that rate under prices/exchange_rates/") == 2
    assert "acme: openai ft:m:acme::x, in EUR" in text


def test_the_command_shows_each_tuned_model_of_the_warehouse(tmp_path: Path) -> None:
    rates = [
        {"unit": "input", "price": "2"},
        {"unit": "input", "price": "16", "model_tier": "fine_tuned"},
        {"unit": "training", "price": "8", "model_tier": "fine_tuned"},
    ]
    events = [
        event(event_id="1", model="ft:m:acme::x", input_tokens=500_000),
        event(event_id="t", model="ft:m:acme::x", operation="fine_tuning", training_tokens=1_000_000),
        event(event_id="2", model="ft:n:beta::x", organization_id="beta", input_tokens=500_000),
    ]
    home = build_home(tmp_path / "home", Case(rates=rates, events=events))
    assert [(t.organization_id, t.training_amount) for t in break_even(home)] == [("acme", 8), ("beta", None)]
    text = shown(home, "--organization", "acme")
    assert "training 1 job: USD 8" in text
    assert "1 request with 500,000 tokens came to USD 8 tuned, and would come to USD 1 there" in text
    assert "tuning is dearer by USD 14 per 1,000,000 tokens paid back? never: it is dearer a token" in text
    assert "beta" not in text


def test_an_organisation_that_is_not_there_is_no_organisation_without_tuned_models(tmp_path: Path) -> None:
    home = build_home(tmp_path / "home", Case(rates=[{"unit": "input", "price": "2"}], events=[event(input_tokens=1)]))
    assert "No tuned model has been used" in shown(home, "--organization", "acme")
    with pytest.raises(MeterhouseError, match="there is no usage of the organisation 'amce'"):
        break_even(home, organization="amce")


def test_what_costs_the_same_is_not_said_to_be_dearer(tmp_path: Path) -> None:
    """Free models too: nothing is paid, so nothing is saved."""
    rates = [{"unit": "input", "price": "0", "model_tier": tier} for tier in ("base", "fine_tuned")]
    home = build_home(
        tmp_path / "home", Case(rates=rates, events=[event(model="ft:m:acme::x", input_tokens=1_000_000)])
    )
    text = shown(home)
    assert "both cost the same paid back? never: it costs the same a token" in text
    assert "dearer" not in text
