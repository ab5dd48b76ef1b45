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
