"""The commands of `meterhouse prices`."""

from __future__ import annotations

import pytest
from click.testing import CliRunner, Result

from pipelines.pricing.book import SEED
from pipelines.pricing.commands import prices
from tests.pricing.price_books import write_book


def run(*arguments: str) -> Result:
    return CliRunner().invoke(prices, arguments, catch_exceptions=False)


@pytest.mark.parametrize("command", [(), ("import",), ("check",), ("list",)])
def test_help_has_one_example(command):
    assert run(*command, "--help").output.count("Example: meterhouse prices") == 1


def test_import_shows_and_writes_only_when_asked(tmp_path):
    book = tmp_path / "book.csv"
    book.write_text(SEED.read_text(encoding="utf-8").splitlines()[0] + "\n", encoding="utf-8")
    shown = run("import", "--book", str(book), "--on", "2026-11-22")
    assert shown.exit_code == 0
    assert "rows to append; --write appends them" in shown.output
    assert "openai" in shown.output
    assert len(book.read_text(encoding="utf-8").splitlines()) == 1

    written = run("import", "--book", str(book), "--on", "2026-11-22", "--write")
    appended = len(book.read_text(encoding="utf-8").splitlines()) - 1
    assert appended > 1000
    assert f"{appended} rows appended." in written.output
    again = run("import", "--book", str(book), "--on", "2026-11-22", "--write")
    assert "0 rows appended." in again.output


def test_check_exits_1_and_names_the_place(home, row):
    good = run("check", "--home", str(home.root))
    assert (good.exit_code, "0 errors" in good.output) == (0, True)

    card = write_book(home.prices / "own.csv", [row(card="contract", currency="dollar")])
    bad = run("check", "--home", str(home.root))
    assert bad.exit_code == 1
    assert f"error: {card}, line 2, field currency: 'dollar' is not" in bad.output.replace("\n", "")


def test_list_at_an_instant(home):
    arguments = (
        "list",
        "--home",
        str(home.root),
        "--provider",
        "openai",
        "--model",
        "gpt-3.5-turbo-0613",
    )
    then = run(*arguments, "--at", "2023-11-05T23:59:59Z").output
    assert "12.000000 USD" in then
    assert " 3.000000 USD" not in then
    after = run(*arguments, "--at", "2023-11-06").output
    assert " 3.000000 USD" in after
    assert "12.000000 USD" not in after
    assert "12.000000 USD" in run(*arguments).output
