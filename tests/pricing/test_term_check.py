"""Terms: what each kind needs, and which terms cannot stand together."""

from __future__ import annotations

import pytest

from tests.pricing.price_books import alias_row, price_row, term_row

KINDS = ("card", "uplift", "discount", "markup", "allowance", "graduated", "volume")
BANDS = ("graduated", "volume")
LATER = "2024-06-01T00:00:00Z"


def band(kind="graduated", quantity="0", **changes):
    return term_row(kind, quantity=quantity, **changes)


def priced(kind="graduated", quantity="0", **changes):
    return band(kind, quantity, **{"percent": "", "price": "0.50", "per": "1000000", "currency": "USD", **changes})


@pytest.mark.parametrize("kind", KINDS)
def test_a_term_of_every_kind_is_fine(problems_of, kind):
    assert problems_of(terms=[term_row(kind, organization_id="*", provider="acme", model="m-1", region="eu")]) == []


@pytest.mark.parametrize("kind", BANDS)
def test_bands_may_have_a_price_or_a_percentage(problems_of, kind):
    assert problems_of(terms=[priced(kind), band(kind, "1000000", percent="12.5")]) == []


def test_cost_side_takes_cards_uplifts_and_discounts(problems_of):
    assert problems_of(terms=[term_row(kind, side="cost") for kind in ("card", "uplift", "discount")]) == []


@pytest.mark.parametrize(
    ("kind", "field", "value", "said"),
    [
        ("discount", "organization_id", "", "organization_id is empty"),
        ("discount", "kind", "rebate", "unknown kind 'rebate'; known: card, uplift"),
        ("discount", "side", "both", "unknown side 'both'"),
        *((kind, "side", "cost", "is for the revenue side only") for kind in KINDS[3:]),
        ("discount", "provider", "ac|me", "has blanks around it or a |"),
        ("discount", "model", "ft:m-1:org::x", "is tuned; name its base model"),
        ("discount", "region", " eu", "has blanks around it"),
        *((kind, "unit", "input", f"unit must be empty for {kind}") for kind in KINDS[:4]),
        *((kind, "quantity", "1", f"quantity must be empty for {kind}") for kind in KINDS[:4]),
        *((kind, "unit", "", "needs unit") for kind in KINDS[4:]),
        *((kind, "quantity", "", "needs quantity") for kind in KINDS[4:]),
        ("allowance", "unit", "tokens", "unknown unit 'tokens'"),
        ("allowance", "unit", "gpu_hour", "a cost of ours"),
        ("allowance", "quantity", "0", "nothing is allowed"),
        ("allowance", "quantity", "-5", "is negative"),
        ("allowance", "quantity", "1e6", "is not a decimal"),
        ("allowance", "quantity", "0.5", "is not whole"),
        ("allowance", "quantity", "1" + "0" * 15, "is not a decimal"),
        *((kind, "percent", "", "needs percent") for kind in KINDS[1:4]),
        ("markup", "percent", "", "only one that names a model may leave it empty"),
        *((kind, "percent", "5", "percent must be empty for") for kind in ("card", "allowance")),
        ("discount", "percent", "-5", "is negative"),
        ("discount", "percent", "5 %", "is not a decimal"),
        ("discount", "percent", "0.12345", "4 after the point"),
        ("discount", "percent", "100.0001", "is above 100"),
        ("graduated", "percent", "100.0001", "is above 100"),
        ("uplift", "percent", "10000.0001", "is above 10000"),
        ("markup", "percent", "10001", "is above 10000"),
        *((kind, "price", "1.00", "price must be empty for") for kind in KINDS[:5]),
        *((kind, "currency", "USD", "is empty where there is no price") for kind in KINDS),
        *((kind, "per", "1", "is empty where there is no price") for kind in KINDS),
        *((kind, "card", "list", "card must be empty for") for kind in KINDS[1:]),
        ("card", "card", "", "needs card"),
        ("card", "card", "contact", "no rate has the card contact; known: list"),
        ("discount", "valid_from", "2024-01-01", "is not an instant"),
        ("discount", "valid_to", "2023-01-01T00:00:00Z", "is not after valid_from"),
        ("discount", "known_from", "now", "is not an instant"),
        ("discount", "source", "", "source is empty"),
        ("discount", "checked_on", "yesterday", "is not a date"),
    ],
)
def test_error_names_line_and_field(problems_of, kind, field, value, said):
    (found,) = problems_of(terms=[term_row("uplift", organization_id="org-2"), term_row(kind, **{field: value})])
    assert (found.severity, found.line, found.field) == ("error", 3, field)
    assert found.file.endswith("prices/terms/own.csv")
    assert said in found.cause


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"percent": "5"}, "price", "needs either percent or price, and has both"),
        ({"price": ""}, "price", "needs either percent or price"),
        ({"price": "-1"}, "price", "is negative"),
        ({"price": "0.1234567"}, "price", "is not a decimal"),
        ({"per": "12"}, "per", "is no block of unit input"),
        ({"per": ""}, "per", "is no block of unit input"),
        ({"per": "1", "price": "1000000"}, "price", "above 999999"),
        ({"currency": ""}, "currency", "is not a currency"),
    ],
)
def test_the_price_of_a_band_is_a_whole_price(problems_of, changes, field, said):
    (found,) = problems_of(terms=[priced(**changes)])
    assert (found.severity, found.field) == ("error", field)
    assert said in found.cause


def test_hours_may_be_broken(problems_of):
    book = [price_row(unit="hosting_hour", per="1")]
    assert problems_of(book=book, terms=[term_row("allowance", unit="hosting_hour", quantity="0.5")]) == []


@pytest.mark.parametrize("kind", BANDS)
def test_the_first_band_begins_at_0(problems_of, kind):
    (found,) = problems_of(terms=[band(kind, "2000"), band(kind, "1000")])
    assert (found.severity, found.line, found.field) == ("error", 2, "quantity")
    assert "begins at 1000:" in found.cause


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_term_twice_is_refused(problems_of, kind):
    (found,) = problems_of(terms=[term_row(kind), term_row(kind, source="another")])
    assert (found.severity, found.line, found.field) == ("error", 3, "valid_from")
    assert "starts twice" in found.cause


def test_an_allowance_is_one_row(problems_of):
    (found,) = problems_of(terms=[term_row("allowance"), term_row("allowance", quantity="2000")])
    assert "starts twice" in found.cause


def test_later_knowledge_replaces_a_whole_set(problems_of):
    corrected = {"known_from": "2025-01-01T00:00:00Z"}
    before = [band(), band(quantity="1000", percent="5")]
    assert problems_of(terms=[*before, band(**corrected), band(quantity="2000", percent="6", **corrected)]) == []
    (found,) = problems_of(terms=[*before, band(quantity="2000", percent="6", **corrected)])
    assert "first band" in found.cause


def test_bands_of_a_set_end_together(problems_of):
    (found,) = problems_of(terms=[band(valid_to=LATER), band(quantity="1000", percent="5")])
    assert (found.severity, found.line, found.field) == ("error", 3, "valid_to")


def test_bands_of_a_set_are_in_one_currency(problems_of):
    (found,) = problems_of(terms=[priced(), priced(quantity="1000", currency="EUR")])
    assert (found.severity, found.field) == ("error", "currency")
    assert "EUR and USD" in found.cause


def test_equally_specific_terms_follow_each_other(problems_of):
    first = term_row("discount", valid_to=LATER)
    assert problems_of(terms=[first, term_row("discount", percent="5", valid_from=LATER)]) == []
    (found,) = problems_of(terms=[first, term_row("discount", percent="5", valid_from="2024-05-01T00:00:00Z")])
    assert (found.severity, found.line, found.field) == ("error", 2, "valid_to")
    assert "equally specific" in found.cause


def test_an_open_term_ends_where_the_next_begins(problems_of):
    assert problems_of(terms=[term_row("discount"), term_row("discount", percent="5", valid_from=LATER)]) == []


@pytest.mark.parametrize("change", [{"model": "m-1"}, {"provider": "acme"}, {"region": "eu"}, {"organization_id": "*"}])
def test_a_more_specific_term_may_stand_beside_another(problems_of, change):
    assert problems_of(terms=[term_row("discount"), term_row("discount", percent="5", **change)]) == []


def test_a_quantity_has_one_tariff(problems_of):
    (found,) = problems_of(terms=[band("graduated"), band("volume")])
    assert (found.severity, found.line, found.field) == ("error", 3, "kind")
    assert "graduated one on line 2" in found.cause
    both = [price_row(), price_row(unit="output")]
    assert problems_of(book=both, terms=[band("graduated"), band("volume", unit="output")]) == []
    assert problems_of(terms=[band("graduated"), band("volume", model="m-1")]) == []
    assert problems_of(terms=[band("graduated", valid_to=LATER), band("volume", valid_from=LATER)]) == []


def test_a_card_of_the_home_counts_as_known(problems_of):
    contract = [price_row(card="contract")]
    assert problems_of(rates=contract, terms=[term_row("card", card="contract")]) == []


@pytest.mark.parametrize("kind", ["card", "uplift", "discount"])
def test_a_markup_silences_the_organisations_own_terms(problems_of, kind):
    (found,) = problems_of(terms=[term_row("markup"), term_row(kind)])
    assert (found.severity, found.line, found.field) == ("warning", 3, "kind")
    assert f"this {kind} of the revenue side does not count while the mark-up on line 2" in found.cause
    assert problems_of(terms=[term_row("markup"), term_row(kind, organization_id="org-2")]) == []
    assert problems_of(terms=[term_row("markup"), term_row(kind, side="cost")]) == []
    assert problems_of(terms=[term_row("markup", region="us"), term_row(kind, region="eu")]) == []
    assert problems_of(terms=[term_row("markup", valid_to=LATER), term_row(kind, valid_from=LATER)]) == []


@pytest.mark.parametrize("kind", KINDS[4:])
def test_a_markup_stands_with_what_counts_by_quantity(problems_of, kind):
    assert problems_of(terms=[term_row("markup"), term_row(kind)]) == []


def test_a_filter_that_matches_no_rate_is_told(problems_of):
    (found,) = problems_of(terms=[term_row("discount", provider="acme", model="m-2")])
    assert (found.severity, found.field) == ("warning", "model")
    (found,) = problems_of(terms=[term_row("discount", provider="acne")])
    assert (found.severity, found.field) == ("warning", "provider")
    assert problems_of(aliases=[alias_row(alias="m-2")], terms=[term_row("discount", model="m-2")]) == []


def test_a_markup_silences_what_it_covers_and_nothing_wider(problems_of):
    (found,) = problems_of(terms=[term_row("markup", organization_id="*"), term_row("discount")])
    assert "does not count while the mark-up on line 2" in found.cause
    assert problems_of(terms=[term_row("markup", model="m-1"), term_row("discount")]) == []


def test_a_markup_of_a_model_silences_terms_of_its_aliases(problems_of):
    terms = [term_row("markup", model="m-1"), term_row("discount", model="m-latest")]
    (found,) = problems_of(aliases=[alias_row()], terms=terms)
    assert (found.severity, found.line) == ("warning", 3)
    assert "does not count while the mark-up on line 2" in found.cause
    # Not where it stands for another model, or is a model of its own, or not any more.
    assert problems_of(aliases=[alias_row(model="m-9")], rates=[price_row(model="m-9")], terms=terms) == []
    own = [price_row(model="m-latest", card="own")]
    assert [f for f in problems_of(aliases=[alias_row()], rates=own, terms=terms) if f.field == "kind"] == []
    ended = [alias_row(valid_to=LATER)]
    later = [terms[0], {**terms[1], "valid_from": LATER}]
    assert problems_of(aliases=ended, rates=[price_row(model="m-9")], terms=later) == []


def test_a_markup_without_percent_lets_the_terms_of_its_model_count(problems_of):
    terms = [term_row("markup"), term_row("markup", model="m-1", percent=""), term_row("discount", model="m-1")]
    assert problems_of(terms=terms) == []
    assert problems_of(aliases=[alias_row()], terms=[*terms[:2], term_row("card", model="m-latest")]) == []
    (found,) = problems_of(terms=[*terms[:2], term_row("discount", model="m-9")], rates=[price_row(model="m-9")])
    assert (found.line, found.field) == (4, "kind")


def test_a_markup_without_percent_that_exempts_from_nothing_is_told(problems_of):
    alone = term_row("markup", model="m-1", percent="")
    for others in ([], [term_row("markup", organization_id="org-2")], [term_row("markup", model="m-9")]):
        found = problems_of(rates=[price_row(model="m-9")], terms=[alone, *others])
        assert [(f.severity, f.line, f.field) for f in found] == [("warning", 2, "percent")]
    for other in ({}, {"organization_id": "*"}, {"model": "m-latest"}):
        assert problems_of(aliases=[alias_row()], terms=[alone, term_row("markup", **other)]) == []


def test_a_quantity_of_a_unit_that_nobody_sells_is_told(problems_of):
    """Only the cards that the organisation is charged by count."""
    (found,) = problems_of(terms=[term_row("allowance", unit="output")])
    assert (found.severity, found.line, found.field) == ("warning", 2, "unit")
    assert "no card that org-1 is charged by has a rate for output: the term matches no rate" in found.cause
    own = [price_row(card="own", unit="output")]
    terms = [term_row("allowance", unit="output"), term_row("card", card="own")]
    (found,) = problems_of(rates=own, terms=terms[:1])
    assert found.field == "unit"
    assert problems_of(rates=own, terms=terms) == []
    (found,) = problems_of(rates=own, terms=[terms[0], {**terms[1], "organization_id": "org-2"}])
    assert found.field == "unit"


def test_a_quantity_under_a_mark_up_is_of_the_cost_sides_cards(problems_of):
    own = [price_row(card="own", unit="output")]
    terms = [term_row("allowance", unit="output"), term_row("markup")]
    (found,) = problems_of(rates=own, terms=terms)
    assert found.field == "unit"
    assert problems_of(rates=own, terms=[*terms, term_row("card", side="cost", card="own")]) == []


@pytest.mark.parametrize("changes", [{"model": "m-latest"}, {"unit": "image_input"}, {"organization_id": "*"}])
def test_a_quantity_is_found_through_aliases_and_as_rating_prices_it(problems_of, changes):
    assert problems_of(aliases=[alias_row()], terms=[term_row("allowance", **changes)]) == []
