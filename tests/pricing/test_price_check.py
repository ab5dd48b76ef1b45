"""Every error of a rate names file, line and field; odd prices are warned about."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.errors import MeterhouseError
from pipelines.pricing.book import SEED, load_book
from pipelines.pricing.check import find_problems, find_table_problems, require_valid, require_valid_tables
from pipelines.pricing.tables import RATES, read_rows
from pipelines.pricing.units import ALL, BLOCKS
from tests.pricing.price_books import alias_row, exchange_row, hours_row, term_row, write_home


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("card", "", "card is empty"),
        ("provider", " acme", "provider is empty"),
        ("model", "a|b", "model is empty"),
        ("model", "ft:m-1:acme::x", "name its base model"),
        ("model_tier", "tuned", "unknown model_tier 'tuned'; known: base, fine_tuned"),
        ("service_tier", "fast", "unknown service_tier 'fast'"),
        ("unit", "tokens", "unknown unit 'tokens'"),
        ("price", "-1.00", "is negative"),
        ("price", "free", "is not a decimal"),
        ("price", "1e-3", "is not a decimal"),
        ("price", "", "is not a decimal"),
        ("price", "0.1234567", "is not a decimal"),
        ("region", " eu", "region has blanks around it"),
        ("per", "100", "is no block of unit input: 1000000 or 1000 or 1"),
        ("per", "", "per is '', which is no block"),
        ("currency", "US$", "'US$' is not a currency: that is three capital letters of ISO 4217, as USD"),
        ("currency", "usd", "'usd' is not a currency: that is three capital letters of ISO 4217, here USD"),
        ("currency", " EUR", "three capital letters of ISO 4217, here EUR"),
        ("currency", "XYZ", "is not a currency: that is three capital letters of ISO 4217, as USD"),
        ("context_from", "200k", "is not a whole number"),
        ("valid_from", "", "is not an instant"),
        ("valid_from", "2024-01-01", "is not an instant"),
        ("valid_from", "2024-02-30T00:00:00Z", "is not an instant"),
        ("valid_from", "2024-01-01T00:00:00+02:00", "is not an instant"),
        ("valid_to", "soon", "is not an instant"),
        ("valid_to", "2024-01-01T00:00:00Z", "is not after valid_from"),
        ("known_from", "2024", "is not an instant"),
        ("source", "", "source is empty"),
        ("checked_on", "2024-13-01", "is not a date"),
    ],
)
def test_error_names_file_line_and_field(book_of, row, field, value, said):
    path = book_of([row(unit="output"), row(**{field: value})])

    (found,) = find_problems(read_rows(RATES, [path]))

    assert (found.severity, found.file, found.line, found.field) == ("error", str(path), 3, field)
    assert said in found.cause
    with pytest.raises(MeterhouseError) as raised:
        require_valid(read_rows(RATES, [path]))
    assert (raised.value.line, raised.value.field) == (3, field)
    assert str(path) in str(raised.value)


def test_same_start_twice_names_both_lines(book_of, row):
    path = book_of([row(), row(price="2.00")])
    (found,) = find_problems(read_rows(RATES, [path]))
    assert (found.line, found.field) == (3, "valid_from")
    assert f"line 2 of {path}" in found.cause


def test_closed_row_must_not_reach_into_the_next(book_of, row):
    path = book_of([row(valid_to="2024-03-01T00:00:00Z"), row(valid_from="2024-02-29T23:59:59Z", price="2.00")])
    (found,) = find_problems(read_rows(RATES, [path]))
    assert (found.line, found.field) == (2, "valid_to")
    assert "overlaps the one on line 3" in found.cause


def test_half_open_rows_may_touch(book_of, row):
    path = book_of([row(valid_to="2024-03-01T00:00:00Z"), row(valid_from="2024-03-01T00:00:00Z", price="2.00")])
    assert find_problems(read_rows(RATES, [path])) == []


def test_later_knowledge_may_correct(book_of, row):
    later = "2025-01-01T00:00:00Z"
    path = book_of(
        [
            row(valid_to="2024-03-01T00:00:00Z"),
            row(price="2.00", known_from=later),
            row(price="3.00", known_from=later, valid_from="2024-02-01T00:00:00Z"),
        ]
    )
    assert find_problems(read_rows(RATES, [path])) == []


def test_overlap_is_found_across_seed_and_home(home, book_of, row):
    seed = book_of([row()])
    home.prices.mkdir(parents=True)
    card = home.prices / "own.csv"
    card.write_text(seed.read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(MeterhouseError) as raised:
        require_valid(load_book(home, seed=seed))
    assert raised.value.field == "valid_from"
    assert {str(seed), str(card)} == {
        str(raised.value.file),
        str(raised.value.cause).split(" of ")[1].rstrip("."),
    }


def test_warns_of_cheap_tuned_and_dear_batch(book_of, row):
    path = book_of(
        [
            row(price="2.00"),
            row(price="1.00", model_tier="fine_tuned"),
            row(price="2.50", service_tier="batch"),
        ]
    )
    found = find_problems(read_rows(RATES, [path]))
    assert [(f.severity, f.line, f.field) for f in found] == [
        ("warning", 2, "price"),
        ("warning", 4, "price"),
    ]
    require_valid(read_rows(RATES, [path]))


def test_no_warning_when_prices_never_meet_in_time(book_of, row):
    path = book_of(
        [
            row(price="2.00", valid_to="2024-02-01T00:00:00Z"),
            row(price="1.00", model_tier="fine_tuned", valid_from="2024-02-01T00:00:00Z"),
        ]
    )
    assert find_problems(read_rows(RATES, [path])) == []


def test_wrong_header_and_width_name_the_line(tmp_path, book_of, row):
    book = book_of([row()])
    text = book.read_text(encoding="utf-8")
    book.write_text(text.replace("valid_to,", "", 1), encoding="utf-8")
    with pytest.raises(MeterhouseError, match=r"line 1: .*missing valid_to"):
        read_rows(RATES, [book])

    book.write_text(text + "list,acme\n", encoding="utf-8")
    with pytest.raises(MeterhouseError, match="line 3: the row has 2 fields"):
        read_rows(RATES, [book])

    book.write_bytes(text.encode() + b"\xff\n")
    with pytest.raises(MeterhouseError, match="not UTF-8"):
        read_rows(RATES, [book])

    book.write_text(",".join(RATES.columns) + '\n"open', encoding="utf-8")
    with pytest.raises(MeterhouseError, match="not valid CSV"):
        read_rows(RATES, [book])


def test_what_comes_with_meterhouse_has_no_error_and_no_warning():
    assert read_rows(RATES, [SEED]).num_rows > 1000
    assert find_table_problems() == []


@pytest.mark.parametrize("unit", ALL, ids=lambda unit: unit.name)
def test_a_unit_is_sold_in_its_blocks_only(book_of, row, unit):
    for per in (1_000_000, 1_000, 1):
        found = find_problems(read_rows(RATES, [book_of([row(unit=unit.name, per=str(per))])]))
        assert [f.field for f in found] == ([] if per in BLOCKS[unit.dimension] else ["per"])


@pytest.mark.parametrize(("per", "digits"), [("1", 6), ("1000", 9), ("1000000", 12)])
def test_the_price_of_one_stays_below_a_million(book_of, row, per, digits):
    assert find_problems(read_rows(RATES, [book_of([row(per=per, price="9" * digits + ".999999")])])) == []
    (found,) = find_problems(read_rows(RATES, [book_of([row(per=per, price="1" + "0" * digits)])]))
    assert (found.severity, found.field) == ("error", "price")


@pytest.mark.parametrize(("field", "value"), [("service_tier", "batch"), ("region", "eu"), ("context_from", "1")])
def test_hours_of_gpus_have_no_tier_region_or_length(book_of, row, field, value):
    hour = {"unit": "gpu_hour", "per": "1", "price": "2.50"}
    assert find_problems(read_rows(RATES, [book_of([row(**hour)])])) == []
    (found,) = find_problems(read_rows(RATES, [book_of([row(**{**hour, field: value})])]))
    assert (found.severity, found.field) == ("error", field)


def test_regions_have_prices_and_currencies_of_their_own(book_of, row):
    path = book_of([row(), row(region="eu", price="1.10", currency="EUR"), row(region="us", price="1.10")])
    assert find_problems(read_rows(RATES, [path])) == []


def test_every_table_of_a_home_is_checked(home, book_of, row):
    seed = book_of([row()])
    require_valid_tables(home, seed=seed)
    for table, rows in {
        "rates": [row(card="own", price="-1")],
        "aliases": [alias_row(model="")],
        "terms": [term_row("discount", percent="101")],
        "exchange_rates": [exchange_row(rate="0")],
        "serving_hours": [hours_row(gpu_hours="-1")],
    }.items():
        paths = write_home(home, **{table: rows})
        with pytest.raises(MeterhouseError) as raised:
            require_valid_tables(home, seed=seed)
        assert (str(raised.value.file), raised.value.line) == (str(paths[table]), 2)
        assert raised.value.way_out
        paths[table].unlink()


def test_the_first_error_says_how_many_more_there_are(book_of, row):
    path = book_of([row(price="-1"), row(unit="output", price="-1"), row(unit="training", price="-1")])
    with pytest.raises(MeterhouseError, match=r"line 2.*2 more errors; `meterhouse prices check` lists them"):
        require_valid(read_rows(RATES, [path]))


def test_two_currencies_at_once_for_one_model_are_refused(book_of, row):
    path = book_of([row(), row(unit="output", currency="EUR")])
    (found,) = find_problems(read_rows(RATES, [path]))
    assert (found.severity, found.field) == ("error", "currency")
    assert "EUR" in found.cause
    assert "USD" in found.cause


def test_currency_may_change_over_time(book_of, row):
    path = book_of(
        [
            row(valid_from="2024-01-01T00:00:00Z", valid_to="2024-06-01T00:00:00Z"),
            row(valid_from="2024-06-01T00:00:00Z", currency="EUR"),
        ]
    )
    assert find_problems(read_rows(RATES, [path])) == []


def test_what_is_wrong_with_one_row_hides_no_other(home, book_of, row):
    """All fields of all files are told at once, and of tables without such an error what their rows say together."""
    paths = write_home(
        home,
        rates=[row(card="own", price="-1"), row(card="own", unit="output")],
        aliases=[alias_row(model="")],
        terms=[term_row("volume", quantity="5"), term_row("card", card="nobody's")],
        serving_hours=[hours_row(), hours_row()],
    )
    with paths["rates"].open("a", encoding="utf-8") as file:
        file.write("own,acme\n")
    (home.prices / "wrong.csv").write_text("card,provider\nown,acme\n", encoding="utf-8")
    found = find_table_problems(home, seed=book_of([row()]))
    places = [(Path(one.file).parent.name + "/" + Path(one.file).name, one.line, one.field) for one in found]
    assert places == [
        ("prices/own.csv", 4, ""),
        ("prices/wrong.csv", 1, ""),
        ("prices/own.csv", 2, "price"),
        ("aliases/own.csv", 2, "model"),
        # Whether the card is one cannot be said while rates cannot be read.
        ("terms/own.csv", 2, "quantity"),
        ("serving_hours/own.csv", 3, "usage_date"),
    ]
    assert found[0].paragraph().startswith(f"error: {paths['rates']}, line 4: the row has 2 fields, the header 16. ")
    assert {one.severity for one in found} == {"error"}
    with pytest.raises(MeterhouseError, match=r"line 4: the row has 2 fields, the header 16\. \(5 more errors;"):
        require_valid_tables(home, seed=book_of([row()]))
