"""The commands of `meterhouse prices`."""

from __future__ import annotations

import json
import re

import pytest
from click.testing import CliRunner, Result

from pipelines.errors import MeterhouseError
from pipelines.pricing import committed
from pipelines.pricing.book import SEED
from pipelines.pricing.commands import prices
from pipelines.pricing.tables import RATES, read_rows
from tests.pricing.price_books import exchange_row, term_row, write_book, write_home

LATER = "2025-01-01T00:00:00Z"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(prices, [str(one) for one in arguments], catch_exceptions=False)


@pytest.fixture
def map_file(tmp_path):
    """A small LiteLLM map: one price as in the tests' book, one changed, one new, one not taken."""
    entry = {"litellm_provider": "acme", "input_cost_per_token": 2e-06, "output_cost_per_token": 5e-06}
    path = tmp_path / "map.json"
    other = {"litellm_provider": "other", "input_cost_per_token": 1e-06}
    path.write_text(
        json.dumps({"m-1": entry, "ft:m-1": {**entry, "output_cost_per_token": 0}, "other/m": other}), encoding="utf-8"
    )
    return path


@pytest.mark.parametrize("command", [(), *((name,) for name in sorted(prices.commands))])
def test_help_has_one_example(command):
    assert run(*command, "--help").output.count("Example: meterhouse prices") == 1


def test_import_of_the_package_shows_and_writes_only_when_asked(tmp_path):
    book = tmp_path / "book.csv"
    book.write_text(SEED.read_text(encoding="utf-8").splitlines()[0] + "\n", encoding="utf-8")
    shown = run("import", "--book", book, "--on", "2026-11-22")
    assert shown.exit_code == 0
    assert "rows to append; --write appends them" in shown.output
    assert "openai" in shown.output
    assert len(book.read_text(encoding="utf-8").splitlines()) == 1

    written = run("import", "--book", book, "--on", "2026-11-22", "--write")
    appended = len(book.read_text(encoding="utf-8").splitlines()) - 1
    assert appended > 1000
    assert f"{appended} rows appended to {book}." in written.output
    again = run("import", "--book", book, "--on", "2026-11-22", "--write")
    assert "0 prices added, 0 changed" in again.output
    assert "0 rows appended" in again.output


def test_import_shows_added_changed_unchanged_and_not_taken(book_of, row, map_file):
    book = book_of([row(), row(unit="output", price="5.00")])
    shown = run("import", "--from", "litellm", map_file, "--book", book, "--on", "2026-11-22").output
    assert "acme m-1" in shown
    assert "fine_tuned" in shown
    assert "1.00 USD per 1000000" in shown
    assert "2.00 USD per 1000000" in shown
    assert "+100.00 %" in shown
    assert "not taken (1), a price of 0 there may also mean unknown" in shown
    assert "ft:m-1: output_cost_per_token" in shown
    assert "2 prices added, 1 changed, 1 unchanged, 1 not taken." in shown
    assert len(read_rows(RATES, [book])) == 2


def test_a_long_list_is_shortened_unless_all_is_asked_for(book_of, tmp_path, row):
    csv = write_book(tmp_path / "in.csv", [row(model=f"m-{n}") for n in range(40)])
    book = book_of([])
    short = run("import", "--from", "csv", csv, "--book", book).output
    assert "acme m-7" not in short
    assert "--all shows every row" in short
    assert "acme m-7" in run("import", "--from", "csv", csv, "--book", book, "--all").output


def test_import_into_a_card_of_a_home(home, book_of, row, map_file):
    book = book_of([row(price="2.00")])
    other = write_book(home.prices / "other.csv", [row(unit="output", price="5.00")])
    own = home.prices / "own.csv"
    into = ("import", "--from", "litellm", map_file, "--book", book, "--to", own, "--on", "2026-11-22")
    # What the book and the home's other cards know is not said again.
    assert "2 prices added, 0 changed, 2 unchanged" in run(*into).output
    assert not own.exists()
    run(*into, "--write")
    assert {(r["provider"], r["model_tier"]) for r in read_rows(RATES, [own]).to_pylist()} == {
        ("acme", "fine_tuned"),
        ("other", "base"),
    }
    assert len(read_rows(RATES, [book])) == len(read_rows(RATES, [other])) == 1
    run(*into, "--card", "gateway", "--provider", "other", "--write")
    added = [r for r in read_rows(RATES, [own]).to_pylist() if r["card"] == "gateway"]
    assert [(r["provider"], r["model"]) for r in added] == [("other", "m")]


def test_import_of_a_csv_ends_a_price(book_of, row, tmp_path):
    book = book_of([row()])
    csv = write_book(tmp_path / "in.csv", [row(valid_to=LATER, known_from="")])
    shown = run("import", "--from", "csv", csv, "--book", book, "--on", "2026-11-22", "--write").output
    assert "ends" in shown
    assert LATER in shown
    assert [r["valid_to"] for r in read_rows(RATES, [book]).to_pylist()] == ["", LATER]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--from", "litellm"), "needs a FILE"),
        (("--from", "csv"), "needs a FILE"),
        (("FILE",), "give no FILE"),
        (("--from", "csv", "FILE", "--card", "own"), "leave --card out"),
        (("--from", "web"), "is not one of"),
    ],
)
def test_import_refuses_what_does_not_fit(book_of, row, arguments, said):
    book = book_of([row()])
    found = run("import", *(str(book) if one == "FILE" else one for one in arguments), "--book", book)
    assert found.exit_code == 2
    assert said in found.output


def test_import_with_write_records_the_rows_of_the_seed(tmp_path, row, monkeypatch):
    book = write_book(tmp_path / "price_book.csv", [row()])
    csv = write_book(tmp_path / "in.csv", [row(unit="output")])
    recorded = []
    monkeypatch.setattr(committed, "record_seeds", lambda: recorded.append(True))
    run("import", "--from", "csv", csv, "--book", book, "--write")
    assert recorded == []
    monkeypatch.setattr("pipelines.pricing.import_command.SEED", book)
    run("import", "--from", "csv", csv, "--book", book)
    assert recorded == []
    run("import", "--from", "csv", csv, "--book", book, "--write")
    assert recorded == [True]


def test_check_exits_1_and_names_the_place(home, row):
    good = run("check", "--home", home.root)
    assert good.exit_code == 0
    assert "0 terms, 0 exchange rates, 0 serving hours: 0 errors, 0 warnings." in good.output

    paths = write_home(home, rates=[row(card="contract", currency="dollar")], exchange_rates=[exchange_row(rate="0")])
    bad = run("check", "--home", home.root)
    assert bad.exit_code == 1
    assert f"error: {paths['rates']}, line 2, field currency: 'dollar' is not a currency" in bad.output
    assert f"error: {paths['exchange_rates']}, line 2, field rate: the rate is 0. Correct that row" in bad.output
    assert "2 errors, 0 warnings." in bad.output


def test_a_home_that_is_not_there_is_refused(tmp_path, monkeypatch):
    """Nothing is wrong with tables that are not there."""
    nowhere = tmp_path / "typo"
    for command in ("check", "list", "terms", "diff"):
        with pytest.raises(MeterhouseError, match="there is no Meterhouse home here"):
            run(command, "--home", nowhere)
    monkeypatch.setenv("METERHOUSE_HOME", str(nowhere))
    with pytest.raises(MeterhouseError, match="there is no Meterhouse home here"):
        run("check")
    # Without one the book is looked at alone.
    monkeypatch.delenv("METERHOUSE_HOME")
    monkeypatch.chdir(tmp_path)
    assert run("check").exit_code == 0


def test_list_with_sources(home, book_of, row):
    arguments = ("list", "--home", home.root, "--book", book_of([row(known_from=LATER, source="price page of May")]))
    assert "price page of May" not in run(*arguments).output
    told = run(*arguments, "--sources").output
    for said in ("known from", "checked on", "source", LATER, "2024-01-01", "price page of May"):
        assert said in told


def test_ids_are_listed_as_they_are(home, book_of, row):
    odd = "anthropic.claude:rocket:0"
    assert odd in run("list", "--home", home.root, "--book", book_of([row(model=odd)])).output


def test_check_tells_warnings_and_exits_0(home):
    write_home(home, terms=[term_row("discount", model="no-such-model")])
    found = run("check", "--home", home.root)
    assert found.exit_code == 0
    assert "warning: " in found.output
    assert "0 errors, 1 warning." in found.output


def test_check_tells_of_committed_rows_that_have_changed(home, monkeypatch, tmp_path):
    (tmp_path / "price_book.txt").write_text("0123456789ab\n", encoding="utf-8")
    monkeypatch.setattr(committed, "FOLDER", tmp_path)
    found = run("check", "--home", home.root)
    assert found.exit_code == 1
    assert "1 committed row was changed or removed" in found.output


def test_list_at_an_instant(home):
    arguments = ("list", "--home", home.root, "--provider", "openai", "--model", "gpt-3.5-turbo-0613")
    then = run(*arguments, "--at", "2023-11-05T23:59:59Z").output
    assert "12.000000 USD" in then
    assert " 3.000000 USD" not in then
    after = run(*arguments, "--at", "2023-11-06").output
    assert " 3.000000 USD" in after
    assert "12.000000 USD" not in after
    assert "12.000000 USD" in run(*arguments).output


def test_list_by_card_and_knowledge(home, book_of, row):
    book = book_of([row(), row(card="own", region="eu", known_from=LATER)])
    arguments = ("list", "--home", home.root, "--book", book)
    assert "2 prices." in run(*arguments).output
    own = run(*arguments, "--card", "own").output
    assert "1 price." in own
    assert "region" in own
    assert "1 price." in run(*arguments, "--known-at", "2024-12-31").output


def test_terms_of_an_organisation(home, book_of, row):
    write_home(home, terms=[term_row("discount"), term_row("uplift", organization_id="org-2")])
    arguments = ("terms", "--home", home.root, "--book", book_of([row()]))
    assert "2 terms." in run(*arguments).output
    one = run(*arguments, "--organization", "org-1").output
    assert "-10 %" in one
    assert "1 term." in one
    assert "0 terms." in run(*arguments, "--at", "2023-12-31").output


def test_terms_are_checked_first(home, book_of, row):
    write_home(home, terms=[term_row("discount", percent="101")])
    with pytest.raises(MeterhouseError, match="percent 101 is above 100"):
        run("terms", "--home", home.root, "--book", book_of([row()]))


def test_diff_of_two_books_of_two_states_and_of_a_home(home, tmp_path, row):
    old = write_book(tmp_path / "old.csv", [row()])
    new = write_book(tmp_path / "new.csv", [row(), row(price="1.25", known_from=LATER)])
    for arguments in (
        (old, new),
        (new, "--known-at", "2024-06-01"),
        (new, "--known-at", "2024-06-01", "--known-at", LATER),
    ):
        found = run("diff", *arguments)
        assert found.exit_code == 0
        assert "+25.00 %" in found.output
        assert "1 difference: 0 added, 0 ended, 1 dearer, 0 cheaper." in found.output
    write_home(home, rates=[row(card="own", unit="gpu_hour", price="2.50", per="1")])
    found = run("diff", "--home", home.root, "--book", new).output
    assert "1 difference: 1 added" in found
    assert "million" not in found
    assert re.search(r"│ none │ 2.5 USD │ 1 +│", found)
    assert "own" in found
    assert "0 differences" in run("diff", old, new, "--card", "own").output


@pytest.mark.parametrize(
    "arguments", [("A",), ("A", "A", "--known-at", "2024-01-01"), ("--known-at", "2024-01-01") * 3]
)
def test_diff_refuses_what_does_not_fit(book_of, row, arguments):
    book = str(book_of([row()]))
    assert run("diff", *(book if one == "A" else one for one in arguments)).exit_code == 2
