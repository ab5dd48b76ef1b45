"""Rates by instant, and the demo's cost card."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import MeterhouseError
from pipelines.simulate.catalogue import COST_SHARE
from pipelines.simulate.money import Rater
from pipelines.simulate.prices import HEADER, load_book, price_book_path, rates_at, write_cost_card

BOOK = """\
list,openai,gpt-4o,base,standard,input,5,1000000,USD,0,2024-05-13T00:00:00Z,,2024-05-13T00:00:00Z,a,2024-05-13
list,openai,gpt-4o,base,standard,input,2.5,1000000,USD,0,2024-10-02T00:00:00Z,,2024-10-02T00:00:00Z,b,2024-10-02
list,openai,gpt-4o,base,standard,output,99,1000000,USD,0,2024-05-13T00:00:00Z,,2024-05-13T00:00:00Z,typo,2024-05-13
list,openai,gpt-4o,base,standard,output,15,1000000,USD,0,2024-05-13T00:00:00Z,,2024-05-14T00:00:00Z,c,2024-05-14
list,openai,gpt-4-0613,base,standard,input,30,1000000,USD,0,2023-06-13T00:00:00Z,2024-10-01T00:00:00Z,2023-06-13T00:00:00Z,d,2024-05-13
list,azure,gpt-4-0613,base,standard,input,1,1000000,USD,0,2023-06-13T00:00:00Z,,2023-06-13T00:00:00Z,e,2024-05-13
list,openai,gpt-4o,base,standard,input,10,1000000,USD,200000,2024-05-13T00:00:00Z,,2024-05-13T00:00:00Z,long,2024-05-13
"""


@pytest.fixture
def book(tmp_path):
    path = tmp_path / "book.csv"
    path.write_text(",".join(HEADER) + "\n" + BOOK)
    return load_book(path)


def rates(book, model, at, *, batch=False):
    found = rates_at(book, model, card="list", batch=batch, at=datetime.fromisoformat(at).replace(tzinfo=UTC))
    return {u: p * 1_000_000 for u, p in found.items()}


def test_the_last_begun_row_is_in_force_and_a_correction_wins(book):
    assert rates(book, "gpt-4o", "2024-10-01T23:59:59") == {"input": 5, "output": 15}
    assert rates(book, "gpt-4o", "2024-10-02T00:00:00") == {"input": Decimal("2.5"), "output": 15}
    assert rates(book, "gpt-4o", "2024-05-12T23:59:59") == {}


def test_ends_tiers_and_tuned_models(book):
    assert rates(book, "gpt-4-0613", "2024-09-30T23:59:59") == {"input": 30}
    assert rates(book, "gpt-4-0613", "2024-10-01T00:00:00") == {}
    assert rates(book, "gpt-4o", "2024-10-03T00:00:00", batch=True) == {}
    assert rates(book, "ft:gpt-4o:acme::x", "2024-10-03T00:00:00") == {}


@given(fresh=st.integers(0, 10**12), output=st.integers(0, 10**12), cached=st.integers(0, 10))
def test_amounts_are_exact_or_none(tmp_path_factory, fresh, output, cached):
    path = tmp_path_factory.getbasetemp() / "book.csv"
    path.write_text(",".join(HEADER) + "\n" + BOOK)
    rater = Rater(load_book(path), datetime(2024, 10, 1, tzinfo=UTC), 2)
    tokens = {"input": fresh, "cached_input": cached, "output": output}
    amount = rater.amount("list", "gpt-4o", batch=False, day=1, tokens=tokens)
    if cached:
        assert amount is None
    else:
        assert amount is not None
        assert amount * 10_000_000 == fresh * 25 + output * 150


def test_a_change_within_a_day_is_refused(tmp_path):
    path = tmp_path / "book.csv"
    path.write_text(",".join(HEADER) + "\n" + BOOK.replace("2024-10-02T00:00:00Z", "2024-10-02T12:00:00Z"))
    with pytest.raises(MeterhouseError, match="changes within a day"):
        Rater(load_book(path), datetime(2024, 10, 1, tzinfo=UTC), 5)


def test_cost_card_is_a_share_of_each_list_price(tmp_path):
    book = load_book(price_book_path())
    write_cost_card(book, tmp_path / "demo.csv")
    with (tmp_path / "demo.csv").open(newline="") as file:
        reader = csv.DictReader(file)
        assert tuple(reader.fieldnames or ()) == HEADER
        rows = list(reader)
    assert {r["card"] for r in rows} == {"demo-serving"}
    assert all(r["source"].startswith("demo assumption: ") for r in rows)
    listed = {
        (r.model, r.model_tier, r.service_tier, r.unit, r.valid_from, r.known_from): r.price
        for r in book
        if r.card == "list"
    }
    cost = load_book(tmp_path / "demo.csv")
    assert len(cost) == len(rows) > 20
    for row in cost:
        key = (
            row.model,
            row.model_tier,
            row.service_tier,
            row.unit,
            row.valid_from,
            row.known_from,
        )
        assert row.price == listed[key] * Decimal(COST_SHARE[row.model, row.model_tier])


def test_models_used_have_list_prices_all_along():
    book = load_book(price_book_path())
    for model, tier in COST_SHARE:
        served = f"ft:{model}:x::y" if tier == "fine_tuned" else model
        for day in (0, 15, 16, 29):
            at = datetime(2024, 9, 16, tzinfo=UTC) + timedelta(days=day)
            assert "input" in rates_at(book, served, card="list", batch=False, at=at), (model, day)
