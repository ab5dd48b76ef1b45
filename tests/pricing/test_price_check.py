"""Every error of a price row names file, line and field; odd prices are warned about."""

from __future__ import annotations

import pytest

from pipelines.errors import MeterhouseError
from pipelines.pricing.book import COLUMNS, SEED, load_book, read_rows
from pipelines.pricing.check import find_problems, require_valid


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
        ("per", "1000", "prices are per 1000000 tokens"),
        ("currency", "US$", "is not a currency"),
        ("currency", "usd", "is not a currency"),
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

    (found,) = find_problems(read_rows([path]))

    assert (found.severity, found.file, found.line, found.field) == ("error", str(path), 3, field)
    assert said in found.cause
    with pytest.raises(MeterhouseError) as raised:
        require_valid(read_rows([path]))
    assert (raised.value.line, raised.value.field) == (3, field)
    assert str(path) in str(raised.value)


def test_same_start_twice_names_both_lines(book_of, row):
    path = book_of([row(), row(price="2.00")])
    (found,) = find_problems(read_rows([path]))
    assert (found.line, found.field) == (3, "valid_from")
    assert f"line 2 of {path}" in found.cause


def test_closed_row_must_not_reach_into_the_next(book_of, row):
    path = book_of([row(valid_to="2024-03-01T00:00:00Z"), row(valid_from="2024-02-29T23:59:59Z", price="2.00")])
    (found,) = find_problems(read_rows([path]))
    assert (found.line, found.field) == (2, "valid_to")
    assert "overlaps the one on line 3" in found.cause


def test_half_open_rows_may_touch(book_of, row):
    path = book_of([row(valid_to="2024-03-01T00:00:00Z"), row(valid_from="2024-03-01T00:00:00Z", price="2.00")])
    assert find_problems(read_rows([path])) == []


def test_later_knowledge_may_correct(book_of, row):
    later = "2025-01-01T00:00:00Z"
    path = book_of(
        [
            row(valid_to="2024-03-01T00:00:00Z"),
            row(price="2.00", known_from=later),
            row(price="3.00", known_from=later, valid_from="2024-02-01T00:00:00Z"),
        ]
    )
    assert find_problems(read_rows([path])) == []


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
    found = find_problems(read_rows([path]))
    assert [(f.severity, f.line, f.field) for f in found] == [
        ("warning", 2, "price"),
        ("warning", 4, "price"),
    ]
    require_valid(read_rows([path]))


def test_no_warning_when_prices_never_meet_in_time(book_of, row):
    path = book_of(
        [
            row(price="2.00", valid_to="2024-02-01T00:00:00Z"),
            row(price="1.00", model_tier="fine_tuned", valid_from="2024-02-01T00:00:00Z"),
        ]
    )
    assert find_problems(read_rows([path])) == []


def test_wrong_header_and_width_name_the_line(tmp_path, book_of, row):
    book = book_of([row()])
    text = book.read_text(encoding="utf-8")
    book.write_text(text.replace("valid_to,", "", 1), encoding="utf-8")
    with pytest.raises(MeterhouseError, match=r"line 1: .*missing valid_to"):
        read_rows([book])

    book.write_text(text + "list,acme\n", encoding="utf-8")
    with pytest.raises(MeterhouseError, match="line 3: the row has 2 fields"):
        read_rows([book])

    book.write_bytes(text.encode() + b"\xff\n")
    with pytest.raises(MeterhouseError, match="not UTF-8"):
        read_rows([book])

    book.write_text(",".join(COLUMNS) + '\n"open', encoding="utf-8")
    with pytest.raises(MeterhouseError, match="not valid CSV"):
        read_rows([book])


def test_committed_book_has_no_error_and_no_warning():
    rows = read_rows([SEED])
    assert rows.num_rows > 1000
    assert find_problems(rows) == []


def test_two_currencies_at_once_for_one_model_are_refused(book_of, row):
    path = book_of([row(), row(unit="output", currency="EUR")])
    (found,) = find_problems(read_rows([path]))
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
    assert find_problems(read_rows([path])) == []
