"""What is in quarantine by source and reason, and single records with what two sides of a conflict differ in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from pipelines.cli import main
from pipelines.landing.quarantine.groups import find_groups
from pipelines.landing.quarantine.held import Selection
from pipelines.landing.quarantine.records import find_records
from pipelines.settings import load_settings
from tests.landing.homes import CANONICAL, commits, drop, drop_parquet, event, land, make_home
from tests.landing.quarantine.homes import fix, nameless

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.home import Home
    from pipelines.landing.quarantine.groups import Group
    from pipelines.landing.quarantine.records import Record

KEY = "sk-proj-abcdefghijklmnop1234"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with records refused for several reasons, in two runs and two sources."""
    made = make_home(tmp_path / "home", CANONICAL)
    drop(made, "g/a.jsonl", [event("good"), nameless("1", api_key_id=KEY), event("2", raw_input_tokens=7), "broken"])
    land(made)
    drop(made, "g/b.jsonl", [event("3", raw_input_tokens=9), event("4", input_tokens="many", occurred_at="soon")])
    drop(made, "h/c.jsonl", [nameless("5")])
    made.config.write_text(CANONICAL + CANONICAL.replace('"g"', '"h"'))
    land(made)
    return made


def groups(home: Home, **selection: str) -> list[Group]:
    return find_groups(home, load_settings(home), Selection(**selection))


def records(home: Home, limit: int = 20, **selection: str) -> tuple[list[Record], int]:
    return find_records(home, load_settings(home), Selection(**selection), limit)


def call(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["quarantine", *map(str, arguments)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def test_records_are_grouped_by_source_and_reason_whatever_the_values(home: Home) -> None:
    found = {(g.source, g.reason): g for g in groups(home)}
    assert {key: (g.records, g.files) for key, g in found.items()} == {
        ("g", "raw_input_tokens is N, but the input buckets add up to N"): (2, 2),
        ("g", "organization_id is missing"): (1, 1),
        ("g", "not valid JSON"): (1, 1),
        ("g", "occurred_at is not a time: soon"): (1, 1),
        ("h", "organization_id is missing"): (1, 1),
    }
    sums = groups(home)[0]
    first, second = (c["received_at"] for c in commits(home))
    assert [str(sums.first_seen), str(sums.last_seen)] == [first, second]
    assert (sums.example_file, sums.example_line, sums.field) == ("a.jsonl", 3, "raw_input_tokens")
    assert sums.example_reason == "raw_input_tokens is 7, but the input buckets add up to 100"


def test_tokens_at_stake_are_what_can_be_read(home: Home) -> None:
    found = {(g.source, g.reason): (g.tokens, g.unknown) for g in groups(home)}
    # The provider's totals count where there are any: 7 + 20 and 9 + 20.
    assert found["g", "raw_input_tokens is N, but the input buckets add up to N"] == (56, 0)
    assert found["g", "organization_id is missing"] == (120, 0)
    assert found["g", "not valid JSON"] == (None, 1)
    assert found["g", "occurred_at is not a time: soon"] == (20, 0)


def test_tokens_are_read_from_tables_and_by_the_mapping_of_now(tmp_path: Path) -> None:
    entry = (
        '[[sources]]\nname = "m"\nformat = "mapped"\n[sources.columns]\noccurred_at = "at"\ninput_tokens = "{}"\n'
        '[sources.constants]\nprovider = "p"\nmodel = "m"\norganization_id = "o"\n'
    )
    home = make_home(tmp_path / "home", entry.format("words"))
    drop(home, "m/a.csv", "at,words,tokens\nnever,many,30\nnever,5,5\n2024-03-01,5,5\n")
    drop_parquet(home, "m/b.parquet", {"at": ["never"], "words": ["many"], "tokens": [12]})
    land(home)
    assert [(g.records, g.tokens, g.unknown) for g in groups(home)] == [(3, 5, 2)]
    home.config.write_text(entry.format("tokens"))
    # Of a CSV file, text is kept only where the mapping of then read it.
    assert [(g.records, g.tokens, g.unknown) for g in groups(home)] == [(3, 12, 2)]
    home.config.unlink()
    assert [(g.tokens, g.unknown) for g in groups(home)] == [(None, 3)]


def test_a_file_that_is_unreadable_has_tokens_that_no_one_knows(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home", CANONICAL)
    drop(home, "g/a.jsonl.gz", b"no gzip")
    land(home)
    [group] = groups(home)
    assert (group.example_line, group.tokens, group.unknown) == (None, None, 1)
    [record], _ = records(home, place="a.jsonl.gz")
    assert record.line is None


def test_the_first_records_are_shown(home: Home) -> None:
    found, total = records(home, limit=2)
    assert (len(found), total) == (2, 6)
    [found], total = records(home, place="g/a.jsonl:2")
    assert (found.reason, total) == ("organization_id is missing", 1)
    assert KEY not in found.text


def test_a_conflict_shows_what_the_two_sides_differ_in(home: Home) -> None:
    drop(home, "g/d.jsonl", [event("x"), event("good", output_tokens=21, model="gpt-4o", api_key_id=KEY)])
    land(home)
    [record], _ = records(home, reason="conflicts")
    assert record.sides is not None
    told = {d.column: (d.stands, d.refused) for d in record.sides.differences}
    assert told.pop("api_key_id")[0] is None
    assert told == {
        "model": ("gpt-4o-2024-08-06", "gpt-4o"),
        "output_tokens": ("20", "21"),
        "raw_output_tokens": ("20", "21"),
    }
    code, text = call("show", "d.jsonl:2", "--home", home.root)
    assert code == 0
    assert "output_tokens: 20 stands, 21 is refused" in text
    assert KEY not in text


def test_a_conflict_whose_file_is_gone_says_so(home: Home) -> None:
    drop(home, "g/d.jsonl", [event("good", output_tokens=21)])
    land(home)
    (home.landing / "g/d.jsonl").unlink()
    [record], _ = records(home, reason="conflicts")
    assert record.sides is not None
    assert "is gone" in record.sides.note


def test_a_conflict_that_is_read_otherwise_now_says_so(home: Home) -> None:
    drop(home, "g/d.jsonl", [event("9", organization_id="first"), nameless("9")])
    drop(home, "g/e.jsonl", [event("9", organization_id="third")])
    land(home)
    [record], _ = records(home, reason="conflicts")
    assert record.sides is not None
    assert [d.column for d in record.sides.differences] == ["organization_id"]
    other = CANONICAL.replace("canonical", "litellm")
    home.config.write_text(other + other.replace('"g"', '"h"'))
    [record], _ = records(home, reason="conflicts")
    assert record.sides is not None
    assert record.sides.note.startswith("as the file is read now, the record is refused for another reason")


def test_the_command_lists_and_filters(home: Home) -> None:
    code, text = call("list", "--home", home.root)
    assert code == 0
    assert text.startswith("6 records in quarantine, in 5 groups\n")
    assert "56 tokens" in text
    assert "unknown: no token counts can be read" in text
    assert "a.jsonl:3" in text
    assert KEY not in text
    told = json.loads(call("list", "--source", "g", "--reason", "add up to n", "--json", "--home", home.root)[1])
    assert [(t["records"], t["tokens"], t["example_line"]) for t in told] == [(2, 56, 3)]


def test_the_retry_command_ends_with_1_where_a_file_is_gone(home: Home) -> None:
    fix(home)
    home.config.write_text(home.config.read_text() + CANONICAL.replace('"g"', '"h"'))
    code, text = call("retry", "--source", "g", "--home", home.root)
    assert code == 0
    assert "5 records read again from 2 files" in text
    assert f"Next: `meterhouse run --home {home.root}` rates 1 day anew." in text
    (home.landing / "g/a.jsonl").unlink()
    code, text = call("retry", "--home", home.root)
    assert code == 1
    assert "a.jsonl, 2 records: the landed file is gone" in " ".join(text.split())


@pytest.mark.parametrize("command", ["list", "show", "retry", "drop"])
def test_help_has_an_example_and_a_home_that_is_none_is_refused(command: str, tmp_path: Path) -> None:
    code, text = call(command, "--help")
    assert code == 0
    assert f"meterhouse quarantine {command}" in text.split("xample", 1)[1]
    more = ["--because", "x", "a.jsonl"] if command == "drop" else []
    code, text = call(command, *more, "--home", tmp_path / "nowhere")
    assert code == 1
    assert "there is no Meterhouse home here" in text
    assert not (tmp_path / "nowhere").exists()
