"""Import of list prices: what is proposed, from when, and that nothing of the book changes."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import MeterhouseError
from pipelines.pricing.book import SEED, read_rows
from pipelines.pricing.genai import Series, read_package
from pipelines.pricing.importer import append_rows, import_genai_prices, price_text, propose
from tests.pricing.price_books import price_row

TODAY = date(2026, 11, 22)
NOW = "2026-11-22T00:00:00Z"


def series(*changes: tuple[date | None, str | None], unit: str = "input", context: int = 0) -> Series:
    return Series(
        provider="acme",
        model="m-1",
        entry="acme/m",
        service_tier="standard",
        unit=unit,
        context_from=context,
        changes=tuple((day, None if price is None else Decimal(price)) for day, price in changes),
    )


def proposed(book, *known, on=TODAY):
    found = propose(book, known, on, "genai-prices 0")
    return [(r["valid_from"], r["price"], r["valid_to"]) for r in found.rows]


def test_undated_price_is_valid_from_the_day_of_import():
    assert proposed([], series((None, "2.5"))) == [(NOW, "2.50", "")]


def test_dated_price_is_valid_from_its_date_and_replaces_the_undated():
    known = series((None, "3"), (date(2026, 3, 1), "2"))
    assert proposed([], known) == [("2026-03-01T00:00:00Z", "2.00", "")]


def test_announced_price_follows_todays():
    known = series((None, "1"), (date(2027, 1, 1), "2"))
    assert proposed([], known) == [(NOW, "1.00", ""), ("2027-01-01T00:00:00Z", "2.00", "")]


def test_price_that_stops_is_ended():
    known = series((None, "1"), (date(2027, 1, 1), None))
    assert proposed([], known) == [(NOW, "1.00", "2027-01-01T00:00:00Z")]


def test_known_price_is_not_said_again():
    assert proposed([price_row(price="2.500")], series((None, "2.5"))) == []


def test_another_price_supersedes_and_leaves_the_old_row():
    assert proposed([price_row(price="3.00")], series((None, "2.5"))) == [(NOW, "2.50", "")]


def test_ended_row_does_not_count_as_known():
    book = [price_row(price="2.50", valid_to="2025-01-01T00:00:00Z")]
    assert proposed(book, series((None, "2.5"))) == [(NOW, "2.50", "")]


def test_late_news_also_corrects_the_import_after_it():
    book = [price_row(price="5.00", valid_from="2026-11-01T00:00:00Z", source="genai-prices 0")]
    known = series((None, "5"), (date(2026, 10, 1), "4"))
    assert proposed(book, known) == [
        ("2026-10-01T00:00:00Z", "4.00", ""),
        ("2026-11-01T00:00:00Z", "4.00", ""),
    ]


def test_later_row_of_another_source_is_left_alone():
    book = [price_row(price="5.00", valid_from="2027-03-01T00:00:00Z", source="price page")]
    assert proposed(book, series((None, "4"))) == [(NOW, "4.00", "")]


def test_unit_the_package_dropped_is_told_and_kept():
    known = series((None, "1"), (date(2026, 3, 1), None))
    found = propose([price_row(price="1.00")], [known], TODAY, "genai-prices 0")
    assert found.rows == []
    assert found.notes == ["acme m-1 standard input: the package no longer prices it; the book stays as it is"]


def test_appended_rows_are_sorted_and_old_ones_kept_to_the_letter(book_of, row):
    path = book_of([row(price="3.000", source='said, "so"'), row(unit="output", price="9")])
    before = path.read_text(encoding="utf-8").splitlines()
    append_rows(path, propose([], [series((None, "2.5"))], TODAY, "genai-prices 0").rows)
    after = path.read_text(encoding="utf-8").splitlines()
    assert len(after) == 4
    assert [line for line in after if line in before] == before
    assert after[2].startswith("list,acme,m-1,base,standard,input,2.50,1000000,USD,0,2026-11-22")
    append_rows(path, [])
    assert path.read_text(encoding="utf-8").splitlines() == after


def test_overlap_is_refused_and_the_file_untouched(book_of, row):
    path = book_of([row()])
    before = path.read_bytes()
    with pytest.raises(MeterhouseError, match="starts twice"):
        append_rows(path, [row(price="2.00")])
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir() if p.suffix == ".new"] == []


@given(st.decimals(0, 10**9, places=6, allow_nan=False))
def test_price_text_is_plain_and_exact(price):
    text = price_text(price)
    assert Decimal(text) == price
    assert "e" not in text.lower()
    assert len(text.split(".")[1]) >= 2


# The installed package and the committed book.


@pytest.fixture(scope="module")
def package() -> tuple[list[Series], list[str]]:
    return read_package()


def found(package, **key) -> list[Series]:
    return [s for s in package[0] if all(getattr(s, name) == value for name, value in key.items())]


def test_second_import_proposes_nothing():
    assert import_genai_prices(SEED, TODAY).rows == []
    assert import_genai_prices(SEED, date(2027, 6, 1)).rows == []


def test_import_into_an_empty_book_then_again(tmp_path):
    path = tmp_path / "book.csv"
    path.write_text(SEED.read_text(encoding="utf-8").splitlines()[0] + "\n", encoding="utf-8")
    first = import_genai_prices(path, TODAY)
    assert len(first.rows) > 1000
    append_rows(path, first.rows)
    text = path.read_bytes()
    assert import_genai_prices(path, TODAY).rows == []
    append_rows(path, first.rows[:0])
    assert path.read_bytes() == text


def test_no_undated_price_reaches_the_past():
    rows = [r for r in read_rows([SEED]).to_pylist() if "undated entry" in r["source"]]
    assert rows
    assert all(r["valid_from"] >= f"{r['checked_on']}T00:00:00Z" for r in rows)


def test_only_spelled_out_ids_and_no_tuned_ones(package):
    ids = {s.model for s in package[0]}
    assert {"gpt-4o-2024-08-06", "claude-sonnet-4-5-20250929"} <= ids
    assert not [name for name in ids if name.startswith(("ft:", "regional.")) or ".ft-" in name]


def test_every_series_prices_as_the_package_does(package):
    """The package's own calculation, on the day after, for every plain series of one unit."""
    from datetime import UTC, datetime

    from genai_prices.data import providers

    from pipelines.pricing.genai import PROVIDERS

    key_of = {"input": "input_mtok", "output": "output_mtok", "cached_input": "cache_read_mtok"}
    by_id = {p.id: p for p in providers}
    theirs = {ours: by_id[name] for name, ours in PROVIDERS.items()}
    moment = datetime(2026, 11, 23, tzinfo=UTC)
    checked = 0
    for one in package[0]:
        if one.service_tier != "standard" or one.unit not in key_of or one.context_from:
            continue
        provider = theirs[one.provider]
        model = provider.find_model(one.model, all_providers=providers)
        price = getattr(model.get_prices(moment), key_of[one.unit])
        in_force = [p for day, p in one.changes if day is None or day <= moment.date()]
        assert in_force[-1] == getattr(price, "base", price), one
        checked += 1
    assert checked > 1000


def test_standard_prices_are_never_copied_into_a_tier(package):
    assert found(package, provider="openai", model="gpt-3.5-turbo-1106", service_tier="standard")
    assert not found(package, provider="openai", model="gpt-3.5-turbo-1106", service_tier="batch")
    batch = found(package, provider="openai", model="gpt-4o", service_tier="batch")
    assert {s.unit for s in batch} == {"input", "output"}


def test_long_context_begins_above_the_packages_threshold(package):
    contexts = {s.context_from for s in found(package, provider="openai", model="gpt-5.5", unit="input")}
    assert contexts == {0, 272_001}


def test_models_that_cannot_be_rated_exactly_are_told(package):
    series_, notes = package
    assert "deepseek deepseek-chat: left out, its price depends on the time of day" in notes
    assert not found(package, model="deepseek-chat", provider="deepseek")
    assert not found(package, model="gpt-image-1")
    assert len(series_) > 1000
