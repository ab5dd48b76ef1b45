"""The installed genai-prices package as a source, and the committed book that was made from it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest

from pipelines.pricing.append import append_rows
from pipelines.pricing.book import SEED
from pipelines.pricing.genai import PROVIDERS, UNIT_OF, read_package
from pipelines.pricing.importer import propose
from pipelines.pricing.tables import RATES, read_rows

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.pricing.importer import Proposal
    from pipelines.pricing.series import Series, Source

TODAY = date(2026, 11, 22)


@pytest.fixture(scope="module")
def package() -> Source:
    return read_package()


def found(package: Source, **key) -> list[Series]:
    return [s for s in package.series if all(getattr(s, name) == value for name, value in key.items())]


def imported(path: Path, package: Source, on: date = TODAY) -> Proposal:
    return propose(read_rows(RATES, [path]).to_pylist(), package, on)


def test_the_committed_book_has_all_that_the_package_knows(package):
    read_last = max(row["checked_on"] for row in read_rows(RATES, [SEED]).to_pylist())
    assert imported(SEED, package, date.fromisoformat(read_last)).rows == []
    assert imported(SEED, package, date(2027, 6, 1)).rows == []


def test_import_into_an_empty_book_then_again(tmp_path, package):
    path = tmp_path / "book.csv"
    path.write_text(SEED.read_text(encoding="utf-8").splitlines()[0] + "\n", encoding="utf-8")
    first = imported(path, package)
    assert len(first.rows) > 1000
    append_rows(path, first.rows)
    text = path.read_bytes()
    again = imported(path, package)
    assert (again.rows, again.unchanged) == ([], len(package.series))
    append_rows(path, [])
    assert path.read_bytes() == text


def test_no_undated_price_reaches_the_past():
    rows = [r for r in read_rows(RATES, [SEED]).to_pylist() if "undated entry" in r["source"]]
    assert rows
    assert all(r["valid_from"] >= f"{r['checked_on']}T00:00:00Z" for r in rows)


def test_only_spelled_out_ids_and_no_tuned_ones(package):
    ids = {s.model for s in package.series}
    assert {"gpt-4o-2024-08-06", "claude-sonnet-4-5-20250929"} <= ids
    assert not [name for name in ids if name.startswith(("ft:", "regional.")) or ".ft-" in name]


def test_every_series_prices_as_the_package_does(package):
    """The package's own calculation, on the day after, for every plain series of one unit."""
    from genai_prices.data import providers

    key_of = {unit: key for key, (unit, _) in UNIT_OF.items()}
    by_id = {p.id: p for p in providers}
    theirs = {ours: by_id[name] for name, ours in PROVIDERS.items()}
    moment = datetime(2026, 11, 23, tzinfo=UTC)
    checked = dict.fromkeys(key_of, 0)
    for one in package.series:
        if one.service_tier != "standard" or one.context_from:
            continue
        provider = theirs[one.provider]
        model = provider.find_model(one.model, all_providers=providers)
        price = getattr(model.get_prices(moment), key_of[one.unit])
        in_force = [c.price for c in one.changes if c.starts is None or c.starts <= "2026-11-23"]
        assert in_force[-1] == getattr(price, "base", price), one
        checked[one.unit] += 1
    assert sum(checked.values()) > 3000
    assert all(checked.values()), checked


def test_calls_are_priced_by_the_thousand(package):
    searches = found(package, provider="anthropic", unit="web_search")
    assert searches
    assert {change.per for one in searches for change in one.changes} == {1_000}


def test_standard_prices_are_never_copied_into_a_tier(package):
    assert found(package, provider="openai", model="gpt-3.5-turbo-1106", service_tier="standard")
    assert not found(package, provider="openai", model="gpt-3.5-turbo-1106", service_tier="batch")
    batch = found(package, provider="openai", model="gpt-4o", service_tier="batch")
    assert {s.unit for s in batch} == {"input", "output"}


def test_long_context_begins_above_the_packages_threshold(package):
    contexts = {s.context_from for s in found(package, provider="openai", model="gpt-5.5", unit="input")}
    assert contexts == {0, 272_001}


def test_models_that_cannot_be_rated_exactly_are_told(package):
    told = {(one.entry, one.reason) for one in package.left_out}
    assert ("deepseek deepseek-chat", "its price depends on the time of day") in told
    assert not found(package, model="deepseek-chat", provider="deepseek")
    assert ("google gemini-embedding-2", "input video tokens have a price of their own") in told


def test_images_have_units_and_cached_ones_are_not_taken_for_text(package):
    units = {s.unit for s in found(package, provider="openai", model="gpt-image-1.5", service_tier="standard")}
    assert units == {"input", "image_input", "output", "image_output"}
    assert [one for one in package.left_out if one.entry == "openai gpt-image-1.5 cached_input"]
