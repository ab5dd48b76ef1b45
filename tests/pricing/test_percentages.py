"""Percentages that meet on one request must make a factor of six decimals at most, or say so at load."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.pricing.check import find_table_problems
from pipelines.pricing.tables import SEEDS
from tests.pricing.price_books import alias_row, price_row, term_row, write_book, write_home

LATER = "2024-06-01T00:00:00Z"
FINE = "33.3333"  # factor 1.333333


def uplift(percent=FINE, **changes):
    return term_row("uplift", percent=percent, **changes)


def discount(percent="10", **changes):
    return term_row("discount", percent=percent, **changes)


def inexact(found):
    return [f for f in found if "does not combine" in f.cause]


def test_a_product_of_six_decimals_is_fine(problems_of):
    assert problems_of(terms=[uplift("12.5"), discount("12.5")]) == []
    assert problems_of(terms=[uplift("33.3333"), discount("100")]) == []


def test_uplift_and_discount(problems_of):
    (found,) = problems_of(terms=[uplift(), discount()])
    assert (found.severity, found.line, found.field) == ("error", 3, "percent")
    assert found.cause.startswith("10 % does not combine with 33.3333 % (line 2 of ")
    assert "revenue side's factor 1.1999997 has more" in found.cause


@pytest.mark.parametrize("changes", [{"side": "cost"}, {"organization_id": "org-2"}, {"valid_from": LATER}])
def test_percentages_that_never_meet(problems_of, changes):
    assert inexact(problems_of(terms=[uplift(valid_to=LATER), discount(**changes)])) == []


@pytest.mark.parametrize(("one", "other"), [("provider", "acme"), ("model", "m-1"), ("region", "eu")])
def test_scopes_that_exclude_each_other(problems_of, one, other):
    rates = [price_row(provider="other", card="own"), price_row(model="other", card="own")]
    assert inexact(problems_of(rates=rates, terms=[uplift(**{one: other}), discount(**{one: "other"})])) == []
    assert inexact(problems_of(rates=rates, terms=[uplift(**{one: other}), discount()]))


def test_a_general_term_meets_that_of_an_organisation(problems_of):
    assert inexact(problems_of(terms=[uplift(organization_id="*"), discount()]))


def test_a_term_that_a_more_specific_one_always_replaces_meets_nothing(problems_of):
    general = uplift(organization_id="*")
    assert inexact(problems_of(terms=[general, uplift("10"), discount()])) == []
    # For a part of the time, or of the models, the general one still counts.
    assert inexact(problems_of(terms=[general, uplift("10", valid_from=LATER), discount()]))
    assert inexact(problems_of(terms=[general, uplift("10", model="m-1"), discount()]))
    assert inexact(problems_of(terms=[general, uplift("10", model="m-1"), discount(model="m-1")])) == []


def test_a_markup_multiplies_the_cost_sides_factor(problems_of):
    cost = discount(FINE, side="cost", organization_id="*")
    assert inexact(problems_of(terms=[cost])) == []
    (found,) = inexact(problems_of(terms=[cost, term_row("markup", percent="15")]))
    assert (found.line, found.field) == (3, "percent")
    assert "33.3333 % (line 2" in found.cause


def test_a_markup_hides_the_revenue_sides_own_percentages(problems_of):
    assert inexact(problems_of(terms=[uplift(), discount(), term_row("markup", percent="15")])) == []


def test_a_model_without_mark_up_has_the_revenue_sides_own_percentages(problems_of):
    markup = term_row("markup", percent="15")
    exempt = term_row("markup", percent="", model="m-1")
    cost = discount(FINE, side="cost", model="m-1")
    assert inexact(problems_of(terms=[cost, markup]))
    assert inexact(problems_of(terms=[cost, markup, exempt])) == []
    own = [uplift(), discount()]
    assert inexact(problems_of(terms=[markup, *own])) == []
    assert inexact(problems_of(terms=[markup, exempt, *own]))


@pytest.mark.parametrize("kind", ["graduated", "volume"])
def test_bands_multiply_what_comes_before(problems_of, kind):
    bands = [term_row(kind), term_row(kind, quantity="1000", percent="0.5")]
    assert inexact(problems_of(terms=[discount("12.34"), *bands])) == []
    (found,) = inexact(problems_of(terms=[discount("12.345"), *bands[:1], {**bands[1], "percent": "0.25"}]))
    assert found.line == 4
    (found,) = inexact(problems_of(terms=[term_row("markup", percent=FINE), *bands[:1], {**bands[1], "percent": "5"}]))
    assert found.line == 4


def test_bands_of_another_unit_do_not_hide_each_other(problems_of):
    terms = [discount(FINE), term_row("graduated"), term_row("graduated", unit="output", percent="5")]
    (found,) = inexact(problems_of(terms=terms))
    assert found.line == 4


def test_a_term_of_a_model_meets_those_of_its_aliases(problems_of):
    terms = [uplift(model="m-1"), discount(model="m-latest")]
    (found,) = inexact(problems_of(aliases=[alias_row()], terms=terms))
    assert (found.severity, found.line) == ("error", 3)
    assert inexact(problems_of(aliases=[alias_row(alias="m-other")], terms=terms)) == []
    others = [{**t, "provider": "acme"} for t in terms]
    assert inexact(problems_of(aliases=[alias_row(provider="other")], terms=others)) == []
    # Only while it is one.
    ended = alias_row(valid_to=LATER)
    assert inexact(problems_of(aliases=[ended], terms=[{**t, "valid_from": LATER} for t in terms])) == []
    # A term of the alias itself takes the place of the model's.
    assert inexact(problems_of(aliases=[alias_row()], terms=[*terms, uplift("10", model="m-latest")])) == []


percents = st.sampled_from(["0", "10", "12.5", "3.25", "1.005", "33.3333", "99.99", "50", "100"])
scopes = st.fixed_dictionaries(
    {
        "organization_id": st.sampled_from(["*", "org-1", "org-2"]),
        "model": st.sampled_from(["", "m-1", "m-2"]),
        "region": st.sampled_from(["", "eu"]),
    }
)
terms = st.lists(
    st.tuples(st.sampled_from(["uplift", "discount"]), percents, scopes),
    max_size=6,
    unique_by=lambda t: (t[0], *sorted(t[2].items())),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(terms)
def test_found_exactly_where_a_request_would_meet_an_inexact_factor(tmp_path, home, chosen):
    """A slow and obvious search: ask for every organisation, model and region there could be."""
    rows = [term_row(kind, percent=percent, **scope) for kind, percent, scope in chosen]
    write_home(home, terms=rows)
    seed = write_book(tmp_path / "seed.csv", [price_row(), price_row(model="m-2")])
    found = find_table_problems(home, seed=seed)

    def winner(kind, **request):
        matching = [
            (scope["organization_id"] != "*", scope["model"] != "", scope["region"] != "", percent)
            for k, percent, scope in chosen
            if k == kind
            and scope["organization_id"] in ("*", request["organization_id"])
            and scope["model"] in ("", request["model"])
            and scope["region"] in ("", request["region"])
        ]
        return Decimal(max(matching)[3]) if matching else Decimal(0)

    expected = False
    for organization in ("org-1", "org-2", "another"):
        for model in ("m-1", "m-2", "another"):
            for region in ("eu", "another"):
                request = {"organization_id": organization, "model": model, "region": region}
                product = (1 + winner("uplift", **request) / 100) * (1 - winner("discount", **request) / 100)
                expected |= product != round(product, 6)
    errors = [f for f in found if f.severity == "error" and not f.file.startswith(str(SEEDS))]
    assert bool(errors) == expected
    assert all("does not combine" in f.cause for f in errors)
