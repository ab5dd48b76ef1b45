"""How one request got its two amounts: every part is shown, and the parts add up to what is stored."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import duckdb
import pytest
from click.testing import CliRunner
from hypothesis import given

from pipelines.cli import main
from pipelines.errors import MeterhouseError
from pipelines.pricing import explain as module
from pipelines.pricing.explain import explain, explain_from
from tests.pricing.built import DIGEST, SCHEMAS, build_home, place_in_schemas
from tests.rating.case import Case, event
from tests.rating.strategies import examples, worlds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipelines.home import Home
    from pipelines.pricing.explanation import Side


def rate(unit: str, price: str, per: str = "1000000", **changes: Any) -> dict[str, Any]:
    return {"unit": unit, "price": price, "per": per, **changes}


def term(kind: str, **changes: Any) -> dict[str, Any]:
    return {"kind": kind, **changes}


WORLD = Case(
    rates=[
        rate("input", "2.50", valid_to="2023-06-20T16:00:00Z", source="page of May"),
        rate("input", "1.25", valid_from="2023-06-20T16:00:00Z"),
        rate("input", "5", context_from="1000"),
        rate("output", "10"),
        rate("request", "0.50", "1000"),
        rate("output", "60", model_tier="fine_tuned"),
        rate("input", "8", card="contract", model="k"),
        rate("input", "4", card="cost", provider="self", model="llama"),
        rate("gpu_hour", "2.5", "1", card="cost", provider="self", model="own"),
        rate("web_search", "10", "1000", card="cost", provider="self", model="own"),
        rate("gpu_hour", "9", "1", card="contract", provider="self", model="own"),
        rate("input", "1", provider="self", model="own"),
        rate("input", "1", provider="self", model="llama"),
        rate("input", "1", card="cost", model="eur", currency="EUR"),
        rate("input", "1", model="eur"),
        rate("input", "0", model="free"),
        rate("embedding", "0.02", model="vec"),
    ],
    aliases=[
        {"alias": "m-latest", "model": "m"},
        {"provider": "self", "alias": "own-latest", "model": "own", "valid_from": "2023-06-17T00:00:00Z"},
        {"alias": "y-latest", "model": "y"},
        {"alias": "y-latest", "model": "z", "valid_from": "2023-07-01T00:00:00Z"},
    ],
    terms=[
        term("card", card="contract", organization_id="beta"),
        term("uplift", percent="10", organization_id="*", region="eu"),
        term("discount", percent="20", organization_id="beta", provider="openai"),
        term("markup", percent="25", organization_id="gamma"),
        term("discount", percent="50", organization_id="epsilon", side="cost", model="own"),
        term("card", card="contract", organization_id="zeta", side="cost"),
        term("allowance", unit="input", quantity="1000", organization_id="delta"),
        term("graduated", unit="input", quantity="0", percent="0", organization_id="delta"),
        term("graduated", unit="input", quantity="500", percent="50", organization_id="delta"),
    ],
    serving_hours=[
        {"usage_date": "2023-06-15", "provider": "self", "model": "own", "gpu_hours": "24"},
        {"usage_date": "2023-06-17", "provider": "self", "model": "own", "gpu_hours": "4"},
        {"usage_date": "2023-06-17", "provider": "self", "model": "own-latest", "gpu_hours": "6"},
    ],
    events=[
        event(event_id="plain", input_tokens=100, output_tokens=10),
        event(event_id="later", input_tokens=100, at="2023-06-20T16:00:00", product_id="chat"),
        event(event_id="long", input_tokens=2_000),
        event(event_id="alias", model="m-latest", input_tokens=100),
        event(event_id="contract", model="k", organization_id="beta", input_tokens=100, region="eu"),
        event(event_id="marked", provider="self", model="llama", organization_id="gamma", input_tokens=100),
        event(event_id="first", organization_id="delta", input_tokens=800, at="2023-06-02T00:00:00"),
        event(event_id="second", organization_id="delta", input_tokens=900, at="2023-06-03T00:00:00"),
        event(event_id="gpu", provider="self", model="own", input_tokens=200),
        event(event_id="gpu2", provider="self", model="own", input_tokens=100, at="2023-06-15T13:00:00"),
        event(event_id="no hours", provider="self", model="own", input_tokens=1, at="2023-06-16T13:00:00"),
        event(event_id="of the alias", provider="self", model="own-latest", input_tokens=300, at="2023-06-17T10:00:00"),
        event(event_id="of the model", provider="self", model="own", input_tokens=100, at="2023-06-17T11:00:00"),
        event(
            event_id="less",
            provider="self",
            model="own-latest",
            organization_id="epsilon",
            input_tokens=100,
            at="2023-06-17T12:00:00",
        ),
        event(
            event_id="less and searched",
            provider="self",
            model="own",
            organization_id="epsilon",
            web_search_calls=3,
            input_tokens=500,
            at="2023-06-17T13:00:00",
        ),
        event(event_id="by contract", provider="self", model="own", organization_id="zeta", input_tokens=10),
        event(
            event_id="images",
            organization_id="delta",
            input_tokens=100,
            image_input_tokens=500,
            at="2023-06-04T00:00:00",
        ),
        event(event_id="foreign", model="eur", input_tokens=100),
        event(event_id="free", model="free", input_tokens=100),
        event(event_id="vector", model="vec", operation="embedding", input_tokens=100),
        event(event_id="unknown", model="x", input_tokens=100),
        event(event_id="unknown alias", model="y-latest", input_tokens=100),
        event(event_id="tuned", model="ft:k:acme::1", input_tokens=100),
        event(event_id="failed", status=500),
        event(event_id="cached", gateway_cache_hit=True),
        event(event_id="twice", input_tokens=1),
        event(event_id="twice", source="other", input_tokens=2),
    ],
    cost_card="cost",
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """The world above, built once."""
    with patch.object(module, "_book_now", lambda _: DIGEST):
        yield build_home(tmp_path_factory.mktemp("explain") / "home", WORLD)


def revenue(home: Home, event_id: str) -> Side:
    return explain(home, event_id, "gateway").sides[0]


def cost(home: Home, event_id: str) -> Side:
    return explain(home, event_id, "gateway").sides[1]


def text_of(home: Home, *arguments: str) -> str:
    done = CliRunner().invoke(main, ["explain", "--home", str(home.root), *arguments])
    assert done.exit_code == 0, done.output
    return done.output


def words(text: str) -> str:
    """The text without its line breaks, which depend on the width."""
    return " ".join(text.split())


def test_every_request_of_the_world_adds_up(home: Home) -> None:
    for one in {row["event_id"] for row in WORLD.events}:
        assert explain(home, one, "gateway").agrees, one


def test_each_unit_has_its_price_row_with_place_and_source(home: Home) -> None:
    side = revenue(home, "plain")
    assert [(c.unit, c.quantity, c.amount) for c in side.charges] == [
        ("input", 100, Decimal("0.00025")), ("output", 10, Decimal("0.0001")), ("request", 1, Decimal("0.0005")),
    ]  # fmt: skip
    row = side.charges[0].row
    assert row is not None
    assert (row.price, row.per, row.source, row.origin, row.place) == (
        Decimal("2.5"), 1_000_000, "page of May", "home", "own.csv, line 2",
    )  # fmt: skip
    shown = words(text_of(home, "plain"))
    assert "100 × USD 2.5 per 1,000,000 = 0.00025 [1]" in shown
    assert "own.csv, line 2 (home): valid 2023-01-01T00:00:00Z to 2023-06-20T16:00:00Z" in shown
    assert "equal to the stored amount, to the last digit" in shown


def test_the_price_is_that_of_the_instant_and_of_the_length(home: Home) -> None:
    assert revenue(home, "later").charges[0].unit_price == Decimal("0.00000125")
    assert "product chat" in text_of(home, "later")
    assert revenue(home, "long").charges[0].unit_price == Decimal("0.000005")
    assert "requests of 1,000 and more input tokens" in words(text_of(home, "long"))


def test_an_alias_names_the_model_whose_rows_price_it(home: Home) -> None:
    rate = revenue(home, "alias").rate
    assert rate is not None
    assert (rate.model, rate.priced_as) == ("m-latest", "m")
    assert "alias of m" in text_of(home, "alias")


def test_terms_are_named_in_the_order_in_which_they_apply(home: Home) -> None:
    side = revenue(home, "contract")
    assert [t.kind for t in side.terms] == ["card", "uplift", "discount"]
    assert side.factor == Decimal("0.88")
    shown = words(text_of(home, "contract"))
    steps = [
        "1. card contract: term of beta", "2. uplift: 10 % more, term of everybody", "3. discount: 20 % off",
        "4. allowance: none", "5. bands by quantity: none",
    ]  # fmt: skip
    assert [shown.index(step) for step in steps] == sorted(shown.index(step) for step in steps)
    assert "× USD 8 per 1,000,000 × 0.88" in shown


def test_a_mark_up_shows_the_cost_sides_prices(home: Home) -> None:
    side = revenue(home, "marked")
    assert side.found == side.stored == Decimal("0.0005")
    assert side.rate is not None
    assert side.rate.card == "cost"
    assert "mark-up over the cost side's prices: 25 % more" in words(text_of(home, "marked"))


def test_parts_in_an_allowance_and_in_bands(home: Home) -> None:
    assert revenue(home, "first").charges[0].amount == 0
    (charge, fee) = revenue(home, "second").charges
    assert [(p.term.kind, p.before, p.quantity, p.amount) for p in charge.parts] == [
        ("allowance", 800, 200, 0), ("graduated", 0, 500, Decimal("0.00125")),
        ("graduated", 0, 200, Decimal("0.00025")),
    ]  # fmt: skip
    assert fee.unit == "request"
    assert "of the first 1,000 of the month; 800 used before in the month" in words(text_of(home, "second"))


def test_the_share_of_hours_of_gpus(home: Home) -> None:
    first, second = cost(home, "gpu"), cost(home, "gpu2")
    assert first.share is not None
    assert second.share is not None
    assert (first.share.amount, second.share.amount) == (40, 20)
    assert (second.share.tokens_before, second.share.day_tokens) == (200, 300)
    shown = words(text_of(home, "gpu2"))
    assert "24 hours × USD 2.5 = 60 over 300 tokens of 2 requests; tokens 200 to 300 of them = 20" in shown
    assert "no hours of GPUs are known" in (cost(home, "no hours").reason or "")


def test_hours_of_gpus_of_an_alias_are_those_of_its_model(home: Home) -> None:
    side = cost(home, "of the alias")
    assert side.rate is not None
    assert (side.rate.model, side.rate.priced_as) == ("own-latest", "own")
    shares = [cost(home, one).share for one in ("of the alias", "of the model", "less", "less and searched")]
    # Ten hours at 2.5 over 1,000 tokens of both ids.
    assert [(s.gpu_hours, s.day_tokens, s.tokens_before, s.amount) for s in shares if s] == [
        (10, 1_000, 0, Decimal("7.5")), (10, 1_000, 300, Decimal("2.5")), (10, 1_000, 400, Decimal("2.5")),
        (10, 1_000, 500, Decimal("12.5")),
    ]  # fmt: skip
    assert "10 hours × USD 2.5 = 25 over 1,000 tokens of 4 requests" in words(text_of(home, "of the alias"))


def test_percentages_are_not_told_of_hours_of_gpus(home: Home) -> None:
    assert cost(home, "less").found == Decimal("2.5")
    shown = words(text_of(home, "less")).partition("Cost:")[2]
    assert "3. discount: 50 % off, but not of hours of GPUs, term of epsilon for own" in shown
    assert "factor none: percentages do not touch hours of GPUs" in shown
    # What has a price of its own is multiplied.
    assert cost(home, "less and searched").found == Decimal("12.515")
    shown = words(text_of(home, "less and searched")).partition("Cost:")[2]
    assert "factor 0.5, by which prices are multiplied, but not hours of GPUs" in shown
    assert "3 × USD 10 per 1,000 × 0.5 = 0.015" in shown


def test_hours_of_gpus_of_a_contract_card_are_not_spread(home: Home) -> None:
    side = cost(home, "by contract")
    assert (side.spread, side.share, side.reason) == (False, None, "no rate for input_tokens")
    assert "part of the share" not in text_of(home, "by contract")


def test_images_without_a_price_of_their_own_cost_what_text_does(home: Home) -> None:
    text, images, _ = revenue(home, "images").charges
    assert (text.unit, images.unit, images.priced_as) == ("input", "image_input", "input")
    # A tariff of text input does not count them.
    assert [part.quantity for part in text.parts] == [100]
    assert (images.parts, images.amount) == ((), Decimal("0.00125"))
    assert "500 × USD 2.5 per 1,000,000 = 0.00125, priced as input [1]" in words(text_of(home, "images"))


def test_a_cost_in_another_currency_is_explained_in_its_own(home: Home) -> None:
    side = cost(home, "foreign")
    assert (side.currency, side.stored, side.found) == ("EUR", Decimal("0.0001"), Decimal("0.0001"))


def test_free_is_not_unpriced(home: Home) -> None:
    side = revenue(home, "free")
    assert (side.stored, side.reason) == (0, None)
    assert "100 × USD 0 per 1,000,000 = 0" in words(text_of(home, "free"))


def test_embedding_tokens_have_their_own_price(home: Home) -> None:
    assert [c.unit for c in revenue(home, "vector").charges] == ["embedding"]


@pytest.mark.parametrize(
    ("event_id", "reason"),
    [("unknown", "model is not in the price book"), ("tuned", "model is not in the price book")],
)
def test_no_rate_says_why_and_what_would_help(home: Home, event_id: str, reason: str) -> None:
    side = revenue(home, event_id)
    assert (side.stored, side.rate, side.reason) == (None, None, reason)
    shown = words(text_of(home, event_id))
    assert f"Revenue: no amount why {reason}." in shown
    assert "`meterhouse unpriced --side revenue` writes the lines" in shown


def test_failed_and_cached_calls_cost_nothing_and_pay_no_fee(home: Home) -> None:
    for event_id in ("failed", "cached"):
        side = revenue(home, event_id)
        assert (side.stored, side.charges) == (0, ())
    assert "answered from the gateway's own cache" in words(text_of(home, "cached"))


def test_several_sources_are_listed(home: Home) -> None:
    done = CliRunner().invoke(main, ["explain", "twice", "--home", str(home.root)])
    assert done.exit_code == 1
    assert "2 sources have a request with the id 'twice'" in done.output
    assert "--source gateway" in done.output
    assert explain(home, "twice", "other").quantities["input"] == 2


def test_an_alias_without_rates_names_its_model(home: Home) -> None:
    assert [side.stands_for for side in explain(home, "unknown alias").sides] == ["y", "y"]
    done = CliRunner().invoke(main, ["explain", "unknown alias", "--home", str(home.root)])
    assert "looked for      y, which this id is an alias of at that instant" in done.output
    assert revenue(home, "unknown").stands_for is None


def test_an_unknown_id_says_where_to_look(home: Home) -> None:
    with pytest.raises(MeterhouseError, match=r"no request with the id 'nope' was accepted\. .*quarantined_records"):
        explain(home, "nope")


def test_a_home_without_a_warehouse_says_to_run(tmp_path: Any) -> None:
    done = CliRunner().invoke(main, ["explain", "x", "--home", str(tmp_path)])
    assert done.exit_code == 1
    assert "meterhouse run" in done.output


def test_piped_text_fits_and_has_no_blanks_or_zeros_behind(home: Home) -> None:
    for event_id in ("plain", "second", "gpu2", "contract"):
        for line in text_of(home, event_id).splitlines():
            assert len(line) <= 100
            assert line == line.rstrip()
            assert "\x1b" not in line
            assert "00000000" not in line.replace("1,000,000", "")


def test_json_is_exact(home: Home) -> None:
    found = json.loads(text_of(home, "contract", "--json"))
    assert found["agrees"] is True
    (charge,) = found["sides"][0]["charges"]
    assert (charge["amount"], charge["factor"]) == ("0.000704", "0.88")
    assert found["event"]["occurred_at"] == "2023-06-15T12:00:00Z"


def test_an_amount_that_its_parts_do_not_give_is_an_error(tmp_path: Any, home: Home) -> None:
    small = Case(rates=[rate("input", "1")], events=[event(input_tokens=10)])
    home = build_home(tmp_path / "small", small)
    with duckdb.connect(str(home.warehouse)) as con:
        con.execute("update published.rated_usage set revenue_amount = revenue_amount + 0.000000000000000001")
        con.execute("update run.settings set price_book_digest = 'older'")
    done = CliRunner().invoke(main, ["explain", "e1", "--home", str(home.root)])
    assert done.exit_code == 1
    assert "NOT EQUAL to the stored amount, 0.000010000000000001" in done.output
    assert "do not add up to its stored amount" in done.output
    assert "price tables have changed since this was rated" in words(done.output)


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


@given(case=worlds())
@examples(5)
def test_the_parts_of_any_request_add_up(case: Case, home: Home, con: duckdb.DuckDBPyConnection) -> None:
    case.con = con
    case.rate("rated_usage_published", *(model for models in SCHEMAS.values() for model in models))
    place_in_schemas(con)
    cached = {(e["source"], e["event_id"]) for e in case.events if e["gateway_cache_hit"]}
    with (
        patch.object(module, "_from_gateway", lambda _, __, row: (row["source"], row["event_id"]) in cached),
        patch.object(module, "_book_text", lambda _: None),
    ):
        for one in case.events:
            found = explain_from(con, home, one["event_id"], one["source"])
            assert found.agrees, (found.event, found.sides)
            for side in found.sides:
                assert (side.stored is None) == (side.reason is not None)


TARIFFS = Case(
    rates=[
        rate("input", "1"),
        rate("output", "2"),
        rate("input", "0.5", known_from="2023-09-01T00:00:00Z"),
        rate("input", "9", model="other", known_from="2023-09-01T00:00:00Z"),
    ],
    terms=[
        term("discount", percent="10", organization_id="delta"),
        term("allowance", unit="input", quantity="1000", organization_id="delta"),
        term("volume", unit="output", quantity="0", percent="0", organization_id="delta"),
        term(
            "volume", unit="output", quantity="500", price="1", per="1000000", currency="USD", organization_id="delta"
        ),
        term("discount", percent="50", organization_id="delta", model="m", known_from="2023-09-01T00:00:00Z"),
    ],
    events=[
        event(event_id="1", organization_id="delta", input_tokens=1000, output_tokens=400, at="2023-06-01T00:00:00"),
        event(event_id="2", organization_id="delta", input_tokens=10, output_tokens=200, at="2023-06-02T00:00:00"),
        event(event_id="3", organization_id="delta", input_tokens=10, output_tokens=200, at="2023-07-02T00:00:00"),
    ],
    known_at="2023-08-01 00:00:00",
)  # fmt: skip


@pytest.fixture(scope="module")
def tariffs(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return build_home(tmp_path_factory.mktemp("tariffs") / "home", TARIFFS)


def test_a_volume_band_says_what_the_whole_month_has_used(tariffs: Home) -> None:
    """That, and not what was used before, decides the band."""
    (part,) = next(charge for charge in revenue(tariffs, "1").charges if charge.unit == "output").parts
    assert (part.before, part.month, part.term.quantity) == (0, 600, 500)
    said = words(text_of(tariffs, "1"))
    assert "0 used before in the month, 600 in the whole month, which decides the band" in said
    (part,) = next(charge for charge in revenue(tariffs, "3").charges if charge.unit == "output").parts
    assert part.month == 200


def test_an_allowance_that_was_used_up_before_is_told(tariffs: Home) -> None:
    assert [term.quantity for term in revenue(tariffs, "2").used_up] == [1000]
    said = words(text_of(tariffs, "2"))
    assert "allowance: nothing left for input, 1,000 of 1,000 used before in the month (term of delta for" in said
    for event_id in ("1", "3"):
        assert revenue(tariffs, event_id).used_up == ()


def test_the_factor_is_not_told_of_a_bands_price_of_its_own(tariffs: Home) -> None:
    assert "0.9, by which prices are multiplied, but not a band's price of its own" in words(text_of(tariffs, "1"))
    assert "price of its own" not in words(text_of(tariffs, "3"))


def test_what_was_known_only_later_is_told(tariffs: Home, home: Home) -> None:
    assert explain(tariffs, "1").notes[-3:] == (
        "The price tables are read as they were known at 2023-08-01T00:00:00Z (known_at in meterhouse.toml).",
        "Known only later, so it does not count: own.csv, line 4, known from 2023-09-01T00:00:00Z (list, m, input).",
        "1 row of the terms, known only later, would be for it too.",
    )
    assert not any("known" in note for note in explain(home, "plain").notes)
