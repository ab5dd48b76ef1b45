"""The same tokens under other prices: compared to the last digit, by the same models, without touching the home."""

from __future__ import annotations

import csv
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest
from click.testing import CliRunner

from pipelines import warehouse
from pipelines.cli import main
from pipelines.errors import MeterhouseError
from pipelines.pricing import break_even as break_even_module
from pipelines.pricing import what_if as module
from pipelines.pricing.book import SEED
from pipelines.pricing.break_even import break_even
from pipelines.pricing.rerate import Change, Days
from pipelines.pricing.what_if import WhatIf, what_if
from pipelines.sql import literal
from tests.conftest import ask
from tests.pricing.built import build_home
from tests.rating.case import Case, event

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import duckdb

    from pipelines.home import Home
    from pipelines.run import RunSummary

TUNED = "ft:m:acme::x"


def rate(unit: str, price: str, **changes: Any) -> dict[str, Any]:
    return {"unit": unit, "price": price, **changes}


EVENTS = [
    event(event_id="1", input_tokens=1_000_000, product_id="chat"),
    event(event_id="2", input_tokens=1_000_000, organization_id="beta", at="2023-06-16T12:00:00"),
    event(event_id="3", model="n", input_tokens=1_000_000),
    event(event_id="4", model="x", input_tokens=1_000_000),
    event(event_id="5", model=TUNED, input_tokens=1_000_000),
    event(event_id="6", model=TUNED, operation="fine_tuning", training_tokens=1_000_000),
]
OLD = [
    rate("input", "3"), rate("input", "0.333333", model="n"), rate("input", "12", model_tier="fine_tuned"),
    rate("training", "8", model_tier="fine_tuned"),
]  # fmt: skip


class Worlds:
    """A home, and what its events would come to under other rates: both built without dbt."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.home = build_home(root / "home", Case(rates=OLD, events=EVENTS))
        self.built: dict[str, Home] = {}
        self.asked: list[tuple[Change, Days]] = []

    @contextmanager
    def rated_again(self, home: Home, change: Change, days: Days) -> Iterator[duckdb.DuckDBPyConnection]:
        self.asked.append((change, days))
        with warehouse.connect(home, read_only=True) as con:
            con.execute(f"attach {literal(self.other.warehouse)} as scratch (read_only)")
            yield con

    def build_other(self, rates: list[dict[str, Any]], **changes: Any) -> None:
        key = repr((rates, changes))
        if key not in self.built:
            case = Case(rates=rates, events=EVENTS, **changes)
            self.built[key] = build_home(self.root / f"other-{len(self.built)}", case)
        self.other = self.built[key]

    def compare(self, rates: list[dict[str, Any]], **options: Any) -> WhatIf:
        changes = {name: options.pop(name) for name in ("terms", "cost_card") if name in options}
        self.build_other(rates, **changes)
        with patch.object(module, "rated_again", self.rated_again):
            return what_if(self.home, Change(), **options)


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Worlds:
    return Worlds(tmp_path_factory.mktemp("what-if"))


def revenue(found: WhatIf, level: str) -> dict[tuple[str, ...], tuple[Any, ...]]:
    return {one.names: (one.old, one.new, one.difference) for one in found.level(level) if one.side == "revenue"}


def test_differences_are_exact_at_every_level(worlds: Worlds) -> None:
    other = [rate("input", "3.000001"), *OLD[1:]]
    found = worlds.compare(other)
    tiny = Decimal("0.000001")
    assert revenue(found, "total") == {(): (Decimal("26.333333"), Decimal("26.333335"), 2 * tiny)}
    assert revenue(found, "organisation") == {
        ("acme",): (Decimal("23.333333"), Decimal("23.333334"), tiny), ("beta",): (3, 3 + tiny, tiny),
    }  # fmt: skip
    assert revenue(found, "model") == {("openai", "m"): (6, 6 + 2 * tiny, 2 * tiny)}
    assert ("acme", "chat") in revenue(found, "product")
    assert not found.is_same
    assert {one.side for one in found.level("total")} == {"revenue", "cost"}


def test_requests_that_gain_or_lose_their_amount_are_counted_one_by_one(worlds: Worlds) -> None:
    found = worlds.compare([*(row for row in OLD if row.get("model") != "n"), rate("input", "5", model="x")])
    (moved, _) = found.moved
    assert (moved.newly_priced, moved.newly_unpriced) == (1, 1)
    assert moved.reasons == (("model is not in the price book", 1),)
    assert revenue(found, "model") == {
        ("openai", "x"): (None, 5, 5), ("openai", "n"): (Decimal("0.333333"), None, Decimal("-0.333333")),
    }  # fmt: skip


def test_reasons_make_up_all_that_lose_their_amount(tmp_path: Path) -> None:
    def case(*models: str) -> Case:
        events = [event(event_id=str(n), model=f"m{n}", input_tokens=1, service_tier=tier)
                  for n, tier in enumerate(("standard", "batch", "flex", "priority", "scale"))]  # fmt: skip
        rates = [
            rate("input", "1", model=one["model"], service_tier=tier)
            for one in events
            for tier in ({one["service_tier"]} if one["model"] in models else {"standard"} - {one["service_tier"]})
        ]
        return Case(rates=rates, events=events)

    worlds = Worlds.__new__(Worlds)
    worlds.root, worlds.built, worlds.asked = tmp_path, {}, []
    worlds.home = build_home(tmp_path / "home", case(*(f"m{n}" for n in range(5))))
    worlds.other = build_home(tmp_path / "other", case())
    with patch.object(module, "rated_again", worlds.rated_again):
        found = what_if(worlds.home, Change())
    moved = found.moved[0]
    assert moved.newly_unpriced == 5
    assert sum(requests for _, requests in moved.reasons) == 5
    assert moved.reasons[-1] == ("2 other reasons", 2)


def test_an_amount_that_moves_to_another_currency_is_two_rows(worlds: Worlds) -> None:
    found = worlds.compare(
        [*(row for row in OLD if row.get("model") != "n"), rate("input", "1", model="n", currency="EUR")]
    )
    rows = {one.currency: one.difference for one in found.level("model") if one.side == "revenue"}
    assert rows == {"USD": Decimal("-0.333333"), "EUR": 1}


def test_terms_and_one_side_alone(worlds: Worlds) -> None:
    found = worlds.compare(OLD, terms=[{"kind": "discount", "percent": "50", "organization_id": "beta"}])
    assert revenue(found, "organisation") == {("beta",): (3, Decimal("1.5"), Decimal("-1.5"))}
    assert [one for one in found.differences if one.side == "cost" and one.difference] == []


def test_days_and_organisation_are_chosen_on_both_sides(worlds: Worlds) -> None:
    other = [rate("input", "4"), *OLD[1:]]
    found = worlds.compare(other, first=date(2023, 6, 16), last=date(2030, 1, 1))
    assert revenue(found, "total") == {(): (3, 4, 1)}
    assert found.requests == 1
    assert worlds.asked[-1][1] == Days(date(2023, 6, 16), date(2023, 6, 16))
    found = worlds.compare(other, organization="acme")
    assert revenue(found, "total") == {(): (Decimal("23.333333"), Decimal("24.333333"), 1)}
    for wrong in ({"organization": "nobody"}, {"first": date(2024, 1, 1)}):
        with pytest.raises(MeterhouseError, match="there is no usage"):
            worlds.compare(other, **wrong)


@pytest.mark.parametrize("name", ["organization_id", "charge_date", "o'brien' or true --"])
def test_an_organisation_may_be_named_like_anything(tmp_path: Path, name: str) -> None:
    worlds = Worlds(tmp_path)
    worlds.home = build_home(tmp_path / "named", Case(rates=OLD, events=[*EVENTS, _of(name)]))
    worlds.other = build_home(tmp_path / "dearer", Case(rates=[rate("input", "4"), *OLD[1:]], events=[_of(name)]))
    with patch.object(module, "rated_again", worlds.rated_again):
        found = what_if(worlds.home, Change(), organization=name)
    assert found.requests == 1
    assert revenue(found, "organisation") == {(name,): (3, 4, 1)}


def _of(organization: str) -> dict[str, Any]:
    return event(event_id="named", organization_id=organization, input_tokens=1_000_000)


def test_the_csv_has_what_differs_with_every_digit(worlds: Worlds, tmp_path: Path) -> None:
    file = tmp_path / "what-if.csv"
    worlds.compare([rate("input", "3.000001"), *OLD[1:]], csv=file)
    rows = list(csv.DictReader(file.open()))
    assert {(r["organization_id"], r["product_id"], r["side"], Decimal(r["difference"])) for r in rows} == {
        (organization, product, side, Decimal("0.000001"))
        for organization, product in (("acme", "chat"), ("beta", "(none)"))
        for side in ("revenue", "cost")
    }
    worlds.compare(OLD, csv=file)
    assert len(file.read_text().splitlines()) == 1


def test_the_command_shows_parts_that_add_up(worlds: Worlds) -> None:
    thirds = [{"kind": "discount", "percent": "33.3333", "organization_id": "*"}]
    worlds.build_other(OLD, terms=thirds)
    with patch.object(module, "rated_again", worlds.rated_again):
        done = CliRunner().invoke(main, ["what-if", "--home", str(worlds.home.root), "--model", "m=n"])
    assert done.exit_code == 0, done.output
    assert "usage of openai/m at the rates of openai/n" in " ".join(done.output.split())
    lines = [line.split() for line in done.output.splitlines()]
    (total,) = [line for line in lines if line[:2] == ["revenue", "USD"]]
    parts = [line for line in lines if line[0:1] in (["acme"], ["beta"]) and line[1:2] == ["revenue"]]
    assert len(parts) == 2
    for place in (-3, -2, -1):
        assert sum(Decimal(line[place]) for line in parts) == Decimal(total[place])
    (change, _) = worlds.asked[-1]
    assert [str(one.priced_as) for one in change.replacements] == ["openai/n"]


def test_break_even_against_another_model(worlds: Worlds) -> None:
    worlds.build_other([rate("input", "3"), rate("input", "15", model_tier="fine_tuned")])
    with patch.object(break_even_module, "rated_again", worlds.rated_again):
        (found,) = break_even(worlds.home, against="n")
    base, other = found.comparisons
    assert (base.name, base.tuned_amount, base.other_amount) == ("m", 12, 3)
    assert (other.name, other.requests, other.tokens) == ("n", 1, 1_000_000)
    assert (other.tuned_amount, other.other_amount, other.saving, other.reason) == (12, 15, 3, None)
    (change, days) = worlds.asked[-1]
    assert [(str(one.used), str(one.priced_as)) for one in change.replacements] == [("openai/ft:m", "openai/n")]
    assert days == Days(date(2023, 6, 15), date(2023, 6, 15))


def test_break_even_against_another_model_in_another_currency(tmp_path: Path) -> None:
    """The other model's amount is converted as the tuned model's is, day by day."""
    rates = [rate("input", "4", model_tier="fine_tuned", card="euro", currency="EUR"), *OLD]
    given = {
        "terms": [{"kind": "card", "card": "euro", "valid_from": "2023-06-10T00:00:00Z"}],
        "exchange_rates": [{"rate": "1.25"}, {"rate": "1.5", "valid_from": "2023-06-16T00:00:00Z"}],
        "events": [
            event(event_id="t", model=TUNED, operation="fine_tuning", training_tokens=1, at="2023-06-01T00:00:00"),
            event(event_id="1", model=TUNED, input_tokens=1_000_000),
            event(event_id="2", model=TUNED, input_tokens=1_000_000, at="2023-06-16T00:00:00"),
        ],
    }
    worlds = Worlds(tmp_path)
    worlds.home = build_home(tmp_path / "euro", Case(rates=rates, **given))
    worlds.other = build_home(tmp_path / "other", Case(rates=[rates[0] | {"price": "6"}, *rates[1:]], **given))
    with patch.object(break_even_module, "rated_again", worlds.rated_again):
        (found,) = break_even(worlds.home, against="n")
    (_, other) = found.comparisons
    assert (other.requests, other.tuned_amount, other.other_amount, found.currency) == (2, 11, Decimal("16.5"), "USD")


class Listed:
    """A tuned model at 12 USD, trained for 8 USD; n is listed at 20 EUR. Two million tokens, a million a day."""

    def __init__(self, root: Path, **given: Any) -> None:
        events = [
            event(event_id="t", model=TUNED, operation="fine_tuning", training_tokens=1_000_000),
            event(event_id="1", model=TUNED, input_tokens=1_000_000),
            event(event_id="2", model=TUNED, input_tokens=1_000_000, at="2023-06-16T00:00:00"),
        ]
        self.worlds = Worlds(root)
        foreign = rate("input", "20", model="n", currency="EUR")
        self.worlds.home = build_home(root / "own", Case(rates=[*OLD, foreign], events=events, **given))
        other = [rate("input", "20", model_tier="fine_tuned", currency="EUR"), *OLD[:2], OLD[3]]
        self.worlds.other = build_home(root / "elsewhere", Case(rates=other, events=events, **given))

    def shown(self) -> str:
        with patch.object(break_even_module, "rated_again", self.worlds.rated_again):
            done = CliRunner().invoke(main, ["break-even", "--home", str(self.worlds.home.root), "--against", "n"])
        assert done.exit_code == 0, done.output
        return " ".join(done.output.split())


def test_break_even_against_a_model_that_is_listed_in_another_currency(tmp_path: Path) -> None:
    """20 EUR are 25 USD on the first day and 30 on the second: 55 USD, where tuned they came to 24."""
    text = Listed(
        tmp_path, exchange_rates=[{"rate": "1.25"}, {"rate": "1.5", "valid_from": "2023-06-16T00:00:00Z"}]
    ).shown()
    assert "2 requests with 2,000,000 tokens came to USD 24 tuned, and would come to USD 55 there" in text
    assert "tuning saves USD 15.5 per 1,000,000 tokens" in text
    # 8 of training at 31 in two requests.
    assert "paid back: it took 1 request with 516,130 tokens" in text
    assert "EUR is converted to USD at the rate of exchange of each billing day" in text
    # The base is in the model's own currency, and stays so.
    assert "came to USD 24 tuned, and would come to USD 6 there" in text


def test_break_even_says_which_rate_of_exchange_is_missing(tmp_path: Path) -> None:
    """On the second day. What needs no rate is compared all the same."""
    text = Listed(tmp_path, exchange_rates=[{"rate": "1.25", "valid_to": "2023-06-16T00:00:00Z"}]).shown()
    why = "use in USD, n in EUR: no exchange rate from EUR to USD on this day: 2023-06-16"
    assert f"against n paid back? not comparable: {why} Add that rate under prices/exchange_rates/" in text
    assert "came to USD 24 tuned, and would come to USD 6 there" in text
    assert "paid back? never: it is dearer a token" in text
    assert "unknown" not in text


def test_break_even_in_a_third_currency_of_reports(tmp_path: Path) -> None:
    """Both are converted to it, and all else of the model with them."""
    text = Listed(
        tmp_path,
        reporting_currency="GBP",
        exchange_rates=[
            {"from_currency": "EUR", "to_currency": "GBP", "rate": "0.85"},
            {"from_currency": "USD", "to_currency": "GBP", "rate": "0.75"},
        ],
    ).shown()
    assert "training 1 job: GBP 6" in text
    assert "came to GBP 18 tuned, and would come to GBP 34 there" in text
    assert "EUR and USD is converted to GBP" not in text
    assert "EUR and USD are converted to GBP" in text


def test_break_even_where_the_own_currency_has_no_rate(tmp_path: Path) -> None:
    text = Listed(
        tmp_path,
        reporting_currency="GBP",
        exchange_rates=[{"from_currency": "EUR", "to_currency": "GBP", "rate": "0.85"}],
    ).shown()
    assert "use in USD, n in EUR: no exchange rate from USD to GBP on this day: 2023-06-15" in text
    assert "came to USD 24 tuned, and would come to USD 6 there" in text


def test_hours_of_gpus_that_would_serve_nobody_are_told(tmp_path: Path) -> None:
    """10 hours at 2 USD are booked for m; at the rates of n they are in no request's cost, and yet to be paid."""
    events = [event(event_id="1", input_tokens=1_000_000), event(event_id="2", model="n", input_tokens=1_000_000)]
    given: dict[str, Any] = {"events": events, "serving_hours": [{"usage_date": "2023-06-15", "gpu_hours": "10"}]}
    hours = rate("gpu_hour", "2", per="1", card="own")
    worlds = Worlds(tmp_path)
    worlds.home = build_home(tmp_path / "a", Case(rates=[*OLD, hours], cost_card="own", **given))
    worlds.other = build_home(
        tmp_path / "b", Case(rates=[*OLD, rate("input", "5", card="own")], cost_card="own", **given)
    )
    with patch.object(module, "rated_again", worlds.rated_again):
        found = what_if(worlds.home, Change())
        done = CliRunner().invoke(main, ["what-if", "--home", str(worlds.home.root)])
    assert [(one.provider, one.model, one.currency, one.amount) for one in found.idle] == [("openai", "m", "USD", 20)]
    assert "GPUs USD 20, booked for all organisations, of hours of openai/m would serve nobody" in " ".join(
        done.output.split()
    )
    worlds.other = worlds.home
    with patch.object(module, "rated_again", worlds.rated_again):
        assert what_if(worlds.home, Change()).idle == ()


def test_a_price_of_nothing_differs_from_no_price(worlds: Worlds, tmp_path: Path) -> None:
    """x is free otherwise: no amount differs in sum, and yet it is shown."""
    found = worlds.compare([*OLD, rate("input", "0", model="x")], csv=tmp_path / "free.csv")
    assert revenue(found, "model") == {("openai", "x"): (None, 0, 0)}
    assert not found.is_same
    with patch.object(module, "rated_again", worlds.rated_again):
        done = CliRunner().invoke(main, ["what-if", "--home", str(worlds.home.root)])
    assert "openai x revenue USD none 0.000000 0.000000" in " ".join(done.output.split())
    assert "revenue 1 request newly priced" in " ".join(done.output.split())


def test_what_has_no_amount_in_either_rating_is_told(worlds: Worlds) -> None:
    found = worlds.compare(OLD)
    assert {(one.side, one.unpriced) for one in found.moved} == {("revenue", 1), ("cost", 1)}
    with patch.object(module, "rated_again", worlds.rated_again):
        done = CliRunner().invoke(main, ["what-if", "--home", str(worlds.home.root)])
    assert "revenue 1 request without an amount in either rating" in " ".join(done.output.split())


def middle(home: Home) -> tuple[date, date]:
    """Three days in the middle of a home."""
    ((first,),) = ask(home, "select min(charge_date) + 8 from marts.spend_daily")
    return first, first + timedelta(days=2)


@pytest.mark.slow
def test_the_same_prices_give_the_same_amounts_and_leave_the_home_alone(finished: tuple[Home, RunSummary]) -> None:
    home, _ = finished
    first, last = middle(home)
    before = {p: p.stat().st_mtime_ns for p in home.root.rglob("*") if p.is_file() and home.work not in p.parents}
    found = what_if(home, Change(), first=first, last=last)
    assert found.is_same
    ((requests, amount),) = ask(
        home,
        "select sum(requests), sum(revenue_amount) from marts.spend_daily "
        f"where charge_date between '{first}' and '{last}' and billing_currency = 'USD'",
    )
    assert found.requests >= requests > 0
    assert [one.new for one in found.level("total") if (one.side, one.currency) == ("revenue", "USD")] == [amount]
    assert before == {p: p.stat().st_mtime_ns for p in before}
    assert list(home.work.glob("what-if-*")) == []


@pytest.mark.slow
def test_another_book_and_another_model_go_through_the_same_models(
    finished: tuple[Home, RunSummary], tmp_path: Path
) -> None:
    """Usage of the model that is used most, rated by a tuned model's rates of a book that doubles them."""
    home, _ = finished
    first, last = middle(home)
    where = f"charge_date between '{first}' and '{last}'"
    base, tuned = ask(
        home,
        f"""
        select provider, model, sum(total_tokens) from marts.spend_daily
        where {where} and model_tier = 'base' and revenue_amount > 0 group by all order by 3 desc limit 2""",
    )
    rows = list(csv.reader(SEED.open(encoding="utf-8")))
    place = {name: n for n, name in enumerate(rows[0])}
    for row in rows[1:]:
        if row[place["model"]] == tuned[1]:
            row[place["price"]] = str(Decimal(row[place["price"]]) * 2)
    book = tmp_path / "book.csv"
    with book.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
    found = what_if(
        home, Change(book=book), models=[f"{base[0]}/{base[1]}={tuned[0]}/{tuned[1]}"], first=first, last=last
    )
    by_model = revenue(found, "model")
    old, new, difference = by_model[tuned[0], tuned[1]]
    assert new == 2 * old
    assert difference == old
    # The other model's tokens at the doubled rates, put together here from the rates that are in force.
    ((expected,),) = ask(
        home,
        f"""
        select sum(2 * (
            e.input_tokens * r.price_input_tokens + e.output_tokens * r.price_output_tokens
            + case when e.cached_input_tokens = 0 then 0 else e.cached_input_tokens * r.price_cached_input_tokens end
        ))
        from published.rated_usage as e
        left join marts.price_rates as r
            on r.card = 'list' and r.provider = e.provider and r.model = '{tuned[1]}' and r.model_tier = 'base'
            and r.service_tier = e.service_tier and r.region = '' and r.context_from = 0
            and e.occurred_at >= r.valid_from and e.occurred_at < r.valid_to
        where e.{where} and e.provider = '{base[0]}' and e.model = '{base[1]}'""",
    )
    assert by_model[base[0], base[1]][1] == expected
    assert set(by_model) == {(base[0], base[1]), (tuned[0], tuned[1])}


@pytest.mark.slow
def test_an_alias_and_another_currency_go_through_the_whole_way(tmp_path: Path) -> None:
    """By dbt: the discount of m for what its alias x is used for, at n's rates; a tuned model against one in EUR."""
    home = build_home(
        tmp_path / "home",
        Case(
            rates=[
                rate("input", "10"), rate("input", "4", model="n"), rate("input", "20", model="e", currency="EUR"),
                rate("input", "12", model_tier="fine_tuned"), rate("training", "8", model_tier="fine_tuned"),
            ],
            aliases=[{"alias": "x", "model": "m"}],
            terms=[{"kind": "discount", "percent": "50", "model": "m"}],
            exchange_rates=[{"rate": "1.25"}],
            events=[
                event(event_id="1", model="x", input_tokens=1_000_000, reasoning_tokens=0),
                event(event_id="2", model=TUNED, input_tokens=1_000_000, reasoning_tokens=0),
            ],
        ),
    )  # fmt: skip
    assert revenue(what_if(home, Change(), models=["x=n"]), "model") == {("openai", "x"): (5, 2, -3)}
    # Of what is used only under an alias, the model that it stands for can be named too.
    assert revenue(what_if(home, Change(), models=["m=n"]), "model") == {("openai", "x"): (5, 2, -3)}
    ((_, other),) = [found.comparisons for found in break_even(home, against="e")]
    assert (other.tuned_amount, other.other_amount, other.incomparable) == (6, Decimal("12.5"), None)
