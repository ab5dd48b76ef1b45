"""Models in use that the last run found no rate for."""

from __future__ import annotations

import duckdb
import pytest

from pipelines.pricing.book import load_book
from pipelines.pricing.digest import price_book_digest
from pipelines.pricing.gaps import built_with_other_prices, gaps_in_use
from pipelines.pricing.tables import RATES, TERMS, load, write_typed
from tests.pricing.price_books import alias_row, price_row, term_row, write_book, write_home

NO_MODEL = "model is not in the price book"
NO_TIME = "no rate in force at this instant"


@pytest.fixture
def used(home, tmp_path):
    """Writes published requests of a home; returns the gaps beside a book."""

    def gaps(book, *requests):
        seed = write_book(tmp_path / "seed.csv", book)
        day = home.exports / "published" / "rated_usage" / "usage_date=2024-05-01"
        day.mkdir(parents=True)
        with duckdb.connect() as con:
            con.execute("""
                create table rated (
                    provider varchar, model varchar, base_model varchar, model_tier varchar, service_tier varchar,
                    occurred_at timestamp, input_tokens bigint, output_tokens bigint,
                    unpriced_reason varchar, uncosted_reason varchar,
                    revenue_rate_id varchar, cost_rate_id varchar, revenue_terms varchar,
                    region varchar, operation varchar)""")
            con.executemany("insert into rated values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", requests)
            # Rates by an id that says whose they are.
            con.execute(f"""
                copy (
                    select
                        id as rate_id, split_part(id, ' ', 1) as card, split_part(id, ' ', 2) as priced_as,
                        split_part(id, ' ', 3) as region
                    from (select unnest([revenue_rate_id, cost_rate_id]) as id from rated) as ids
                    where id is not null
                    group by id
                ) to '{home.exports / "published" / "price_rates.parquet"}'""")
            con.execute(f"copy rated to '{day / 'part.parquet'}'")
            write_typed(con, RATES, load_book(home, seed=seed), "book")
            con.execute(f"copy book to '{home.exports / 'published' / 'price_book.parquet'}'")
            con.execute(f"""
                copy (select '{price_book_digest(home, seed=seed)}' as price_book_digest)
                to '{home.exports / "published" / "build.parquet"}'""")
        return seed, gaps_in_use(home, seed=seed)

    return gaps


def request(
    model="m-1", tokens=100, reason=NO_MODEL, *, base=None, tier="standard", at="2024-05-01", cost=None, rates=None,
    cost_rates=None, terms=None, region=None, operation=None, output=1,
):  # fmt: skip
    return (
        "acme", model, base, "fine_tuned" if base else "base", tier, at, tokens, output, reason,
        reason if cost is None else cost, rates, cost_rates, terms, region, operation,
    )  # fmt: skip


def test_a_home_without_exports_has_none(home):
    assert gaps_in_use(home) == []
    assert not built_with_other_prices(home)


def test_a_model_is_told_once_with_its_requests_tokens_and_time(used):
    _, found = used(
        [price_row()], request("m-2"), request("m-2", 50, at="2024-05-01 12:00:00.5"), request("m-1", reason=None)
    )
    (one,) = found
    assert one.severity == "warning"
    assert one.line is None
    assert one.cause == (
        f"card list does not price acme m-2 base standard ({NO_MODEL}): 2 requests with 152 tokens "
        "from 2024-05-01T00:00:00Z to 2024-05-01T12:00:00Z"
    )


@pytest.mark.parametrize(
    ("rows", "line", "field"),
    [
        ([price_row(valid_from="2024-06-01T00:00:00Z"), price_row(valid_from="2024-07-01T00:00:00Z")], 2, "valid_from"),
        ([price_row(valid_to="2024-04-01T00:00:00Z"), price_row(unit="output", model="m-3")], 2, "valid_to"),
    ],
)
def test_the_row_nearest_in_time_is_named(used, rows, line, field):
    seed, (one,) = used(rows, request(reason=NO_TIME))
    assert (one.file, one.line, one.field) == (str(seed), line, field)
    assert one.way_out == "Add rows that are valid from 2024-05-01T00:00:00Z or before."


def test_a_row_of_the_same_tiers_is_nearer_than_another(used):
    rows = [price_row(), price_row(model_tier="fine_tuned"), price_row(service_tier="batch")]
    _, found = used(
        rows,
        request("ft:m-1:o::x", 9, "no rate for service tier batch", base="m-1", tier="batch"),
        request("m-1", 5, "no rate for service tier flex", tier="flex"),
    )
    assert [(one.line, one.field) for one in found] == [(3, "service_tier"), (2, "service_tier")]
    assert "acme m-1 fine_tuned batch" in found[0].cause


def test_a_row_of_the_same_service_tier_is_nearer_than_one_of_another_in_time(used):
    late = "2024-09-01T00:00:00Z"
    rows = [price_row(), price_row(service_tier="batch", valid_from=late)]
    _, (one,) = used(rows, request(reason=NO_TIME, tier="batch"))
    assert (one.line, one.field) == (3, "valid_from")


def test_most_tokens_first_and_only_what_lacks_a_rate(used):
    _, found = used(
        [price_row()],
        request("m-2", 10),
        request("m-3", 20),
        request("m-1", 99, "bands are in another currency"),
    )
    assert [one.cause.split(" ")[6] for one in found] == ["m-3", "m-2"]


def test_each_side_has_its_card(home, used):
    home.root.mkdir(parents=True, exist_ok=True)
    home.config.write_text('[pricing]\nrevenue_card = "list"\ncost_card = "own"\n', encoding="utf-8")
    write_book(home.prices / "own.csv", [price_row(card="own")])
    _, found = used([price_row()], request("m-2"), request("m-1", reason=None, cost=NO_MODEL))
    assert sorted(" ".join(one.cause.split(" ")[:7]) for one in found) == [
        "card list does not price acme m-2",
        "card own does not price acme m-1",
        "card own does not price acme m-2",
    ]


def test_a_card_of_both_sides_is_told_once(used):
    _, found = used([price_row()], request("m-2"), request("m-2", reason=None, cost=NO_MODEL))
    assert len(found) == 1
    assert "2 requests" in found[0].cause


def test_rates_that_were_found_say_card_model_and_region(home, used):
    write_book(home.prices / "own.csv", [price_row(card="contract"), price_row(card="contract", region="eu")])
    reason = "no rate for output_tokens"
    seed, found = used(
        [price_row()],
        request("m-latest", 9, reason, rates="contract m-1 eu", cost_rates="list m-1"),
        request("m-latest", 5, None, cost=reason, cost_rates="list m-1"),
        request("m-1", 3, None, cost=reason, cost_rates="list m-1"),
    )
    places = [one.cause.partition(" (")[0] for one in found]
    assert places == [
        "card list does not price acme m-1 base standard",
        "card contract does not price acme m-1 base standard in eu",
    ]
    assert "3 requests with 20 tokens" in found[0].cause
    contract = str(home.prices / "own.csv")
    assert [(one.file, one.line, one.field) for one in found] == [(str(seed), 2, "unit"), (contract, 3, "unit")]


def test_a_mark_up_lacks_what_the_cost_card_lacks(home, used):
    home.root.mkdir(parents=True, exist_ok=True)
    home.config.write_text('[pricing]\ncost_card = "own"\n', encoding="utf-8")
    write_home(home, rates=[price_row(card="own")], terms=[term_row("markup"), term_row("discount")])
    with duckdb.connect() as con:
        write_typed(con, TERMS, load(TERMS, home), "terms")
        ids = dict(con.execute("select kind, term_id from terms").fetchall())
    _, found = used(
        [price_row(model="m-2")],
        request("m-2", 5, terms=f"x,{ids['markup']}"),
        request("m-3", 5, terms=ids["discount"], cost="another"),
    )
    assert sorted(" ".join(one.cause.split(" ")[:7]) for one in found) == [
        "card list does not price acme m-3", "card own does not price acme m-2",
    ]  # fmt: skip


def test_rates_of_other_lengths_are_named(used):
    rows = [price_row(context_from="1000", valid_from="2024-02-01T00:00:00Z")]
    _, (one,) = used(rows, request(reason="no rate for requests of this length"))
    assert (one.line, one.field) == (2, "context_from")


def test_whether_prices_have_changed_since(home, used, tmp_path):
    seed, _ = used([price_row()], request())
    assert not built_with_other_prices(home, seed=seed)
    write_book(seed, [price_row(), price_row(unit="output")])
    assert built_with_other_prices(home, seed=seed)


def both(**changes):
    return [price_row(**changes), price_row(unit="output", **changes)]


def test_a_gap_that_new_rows_close_is_told_as_closed(home, used):
    seed, (one,) = used([price_row()], request("m-2"), request("m-2", 50, at="2024-05-03"))
    assert "does not price" in one.cause
    own = write_home(home, rates=both(model="m-2"))["rates"]
    (one,) = gaps_in_use(home, seed=seed)
    assert (one.file, one.line, one.way_out) == (str(own), 2, "`meterhouse run` rates them anew.")
    assert one.cause == (
        f"this row, added since the last run, closes a gap of it: card list did not price acme m-2 base standard "
        f"({NO_MODEL}): 2 requests with 152 tokens from 2024-05-01T00:00:00Z to 2024-05-03T00:00:00Z"
    )


def test_what_new_rows_do_not_reach_is_a_gap_still(home, used):
    seed, _ = used([price_row()], request("m-2"), request("m-2", 50, at="2024-05-03"), request("m-2", output=0))
    # Only the input has a price: that is enough for one request.
    write_home(home, rates=[price_row(model="m-2")])
    gap, closed = gaps_in_use(home, seed=seed)
    assert "2 requests with 152 tokens" in gap.cause
    assert "1 request with 100 tokens" in closed.cause
    write_home(home, rates=both(model="m-2", valid_from="2024-05-02T00:00:00Z"))
    gap, closed = gaps_in_use(home, seed=seed)
    assert "2 requests with 201 tokens from 2024-05-01" in gap.cause
    assert "1 request with 51 tokens from 2024-05-03" in closed.cause


@pytest.mark.parametrize(
    "other",
    [
        {"card": "own"}, {"model_tier": "fine_tuned"}, {"service_tier": "flex"}, {"region": "us"},
        {"context_from": "101"}, {"valid_to": "2024-04-01T00:00:00Z"}, {"provider": "other"},
    ],
)  # fmt: skip
def test_rows_of_another_place_close_nothing(home, used, other):
    seed, before = used([price_row()], request("m-2", region="eu"))
    write_home(home, rates=both(model="m-2", **other))
    (one,) = gaps_in_use(home, seed=seed)
    assert one.cause.partition(";")[0] == before[0].cause


def test_a_region_is_closed_by_its_own_rows_alone(home, used):
    reason = "no rate for output_tokens"
    seed, _ = used([price_row(region="eu")], request(reason=reason, region="eu", rates="list m-1 eu"))
    write_home(home, rates=[price_row(unit="output")])
    assert "does not price" in gaps_in_use(home, seed=seed)[0].cause
    write_home(home, rates=[price_row(unit="output", region="eu")])
    assert "closes a gap" in gaps_in_use(home, seed=seed)[0].cause


def test_rows_that_are_not_known_yet_close_nothing(home, used):
    home.root.mkdir(parents=True, exist_ok=True)
    home.config.write_text("[pricing]\nknown_at = 2024-06-01T00:00:00Z\n", encoding="utf-8")
    seed, _ = used([price_row()], request("m-2"))
    write_home(home, rates=both(model="m-2", known_from="2024-07-01T00:00:00Z"))
    assert "does not price" in gaps_in_use(home, seed=seed)[0].cause


def test_a_new_alias_closes_a_gap(home, used):
    seed, _ = used([*both(), *both(model="m-9")], request("m-2"), request("m-3", 9))
    rows = write_home(home, aliases=[alias_row(alias="m-2"), alias_row(alias="m-3", model="m-8")])
    gap, closed = gaps_in_use(home, seed=seed)
    assert "m-3" in gap.cause
    assert (closed.file, closed.line) == (str(rows["aliases"]), 2)


def test_an_embedding_and_images_are_priced_as_text_where_rating_does_so(home, used):
    seed, _ = used([price_row()], request("m-2", operation="embedding", output=0))
    write_home(home, rates=[price_row(model="m-2", unit="embedding")])
    assert "closes a gap" in gaps_in_use(home, seed=seed)[0].cause


def test_times_without_rates_are_told_one_by_one(used):
    rows = [
        price_row(valid_from=f"2024-{month}-01T00:00:00Z", valid_to=f"2024-{month}-10T00:00:00Z")
        for month in ("03", "05")
    ]
    days = ("2024-03-20", "2024-04-02", "2024-06-07")
    _, found = used(rows, *(request(reason=NO_TIME, at=day) for day in days))
    assert [one.cause.partition(" tokens from ")[2].partition(";")[0] for one in found] == [
        "2024-03-20T00:00:00Z to 2024-04-02T00:00:00Z", "2024-06-07T00:00:00Z to 2024-06-07T00:00:00Z",
    ]  # fmt: skip
