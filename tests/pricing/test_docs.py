"""docs/prices.md: every example file in it is valid, and every kind of term, unit and column is told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from pipelines.pricing.book import SEED
from pipelines.pricing.check import find_table_problems
from pipelines.pricing.check_terms import KINDS
from pipelines.pricing.commands import prices
from pipelines.pricing.tables import RATES, SERVING_HOURS, TABLES, TERMS, read_rows
from pipelines.pricing.units import ALL, BLOCKS

TEXT = (Path(__file__).parents[2] / "docs" / "prices.md").read_text(encoding="utf-8")
README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
HELP = "\n".join(command.help for command in prices.commands.values())
EPILOGS = re.findall(r"Example: (meterhouse prices (?:list|diff) .*)", HELP)
EXAMPLES = re.findall(r"```csv\n(.*?)```", TEXT, flags=re.DOTALL)


def table_of(example: str):
    header = tuple(example.splitlines()[0].split(","))
    return next(table for table in TABLES if table.columns == header)


def test_there_is_an_example_of_every_table_and_kind_of_term():
    assert {table_of(example).name for example in EXAMPLES} == {table.name for table in TABLES}
    terms = "".join(example for example in EXAMPLES if table_of(example) is TERMS)
    assert {kind for kind in KINDS if f",{kind}," in terms} == set(KINDS)


def test_all_examples_together_are_a_valid_home(home):
    for number, example in enumerate(EXAMPLES):
        path = home.prices / table_of(example).folder / f"{number}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(example, encoding="utf-8")
    # Only the made-up model is served on GPUs that no card of the example prices.
    found = [one for one in find_table_problems(home) if str(home.prices / SERVING_HOURS.folder) not in one.file]
    assert found == []


@pytest.mark.parametrize("unit", ALL, ids=lambda unit: unit.name)
def test_every_unit_is_told_with_its_blocks(unit):
    (line,) = [line for line in TEXT.splitlines() if line.startswith("|") and f"`{unit.name}`" in line.split("|")[1]]
    assert set(map(int, re.findall(r"\d+", line.split("|")[3]))) == set(BLOCKS[unit.dimension])


def test_every_command_is_told():
    assert [name for name in prices.commands if f"meterhouse prices {name}" not in TEXT] == []


SHOWN = re.findall(r"^(?:Example: )?meterhouse prices ((?:list|diff) --(?!home).*?)(?: {2,}#.*)?$", TEXT, re.MULTILINE)


@pytest.mark.parametrize("command", [*SHOWN, *(one.partition("prices ")[2] for one in EPILOGS)])
def test_a_command_that_is_told_shows_something_of_the_shipped_book(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(prices, command.split())
    assert done.exit_code == 0, done.output
    assert re.search(r"^[1-9]\d* (prices|differences)", done.output, re.MULTILINE)


def test_there_are_such_commands():
    assert {command.split()[0] for command in SHOWN} == {"list", "diff"}
    assert sum("--known-at" in command for command in SHOWN) == 2


def days(text):
    return set(re.findall(r"20\d\d-\d\d-\d\d", text))


def test_the_days_on_which_the_shipped_rows_were_read_are_told():
    rows = read_rows(RATES, [SEED]).to_pylist()
    (told,) = re.findall(r"are known from (.*?) on, since", TEXT, re.DOTALL)
    assert days(told) == {row["known_from"][:10] for row in rows}
    undated = {row["valid_from"][:10] for row in rows if " undated " in row["source"]}
    (told,) = re.findall(r"were read into the book \((.*?)\)", README, re.DOTALL)
    assert days(told) == undated
