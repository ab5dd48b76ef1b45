"""`meterhouse check`: what it says is what a run then does, and it writes nothing."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from pipelines.cli import main
from tests.landing.golden import FORMATS, SALT, expected, samples
from tests.landing.homes import CANONICAL, drop, event, events, land, make_home, quarantined

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.home import Home


def check(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["check", *(str(a) for a in arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def lines_of(*arguments: object) -> list[dict[str, object]]:
    return [json.loads(line) for line in check(*arguments, "--json")[1].splitlines()]


@pytest.mark.parametrize("log_format", FORMATS)
def test_lines_of_every_sample_become_what_a_run_makes_of_them(log_format: str, tmp_path: Path) -> None:
    wanted = expected(log_format)
    settings = samples(log_format)[0].parent / "meterhouse.toml"
    home = make_home(tmp_path / "home", settings.read_text(encoding="utf-8") if settings.exists() else "")
    # Which of two records of one moment stands hangs on their digests, and these on the salt.
    home.salt_file.write_text(SALT, encoding="ascii")
    for sample in samples(log_format):
        given = ["--source", sample.stem] if settings.exists() and sample.stem in settings.read_text() else []
        found = lines_of(sample, "--home", home.root, *(given or ["--format", log_format]))
        refused = [
            {k: row[k] for k in ("line", "field", "reason") if row[k] is not None}
            for row in found
            if row["outcome"] == "quarantined"
        ]
        said = wanted[sample.name]
        assert refused == said["quarantined"], sample
        taken = {str(r["event_id"]) for r in found if r["outcome"] in ("accepted", "amendment")}
        assert taken == {e["event_id"] for e in said["events"]}, sample
        assert sum(r["outcome"] == "duplicate" for r in found) == said.get("duplicates", 0), sample


def test_writes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "logs.jsonl"
    file.write_text(json.dumps(event("a")) + "\n", encoding="utf-8")
    code, text = check(file, "--home", tmp_path / "home")
    assert (code, "accepted        1" in text) == (0, True)
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["logs.jsonl"]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home that has taken in one event."""
    home = make_home(tmp_path / "home", CANONICAL)
    drop(home, "g/first.jsonl", [event("a"), event("d", revision=1)])
    land(home)
    return home


def test_lines_are_told_against_what_the_home_has(home: Home) -> None:
    file = drop(
        home,
        "g/second.jsonl",
        [
            event("a"), event("b"), event("b"), event("a", output_tokens=1), event("c", input_tokens=-1), "{",
            event("d", revision=2),
        ],
    )  # fmt: skip
    before = {p: p.stat().st_mtime_ns for p in home.root.rglob("*")}
    found = {row["line"]: (row["outcome"], row["reason"]) for row in lines_of(file, "--home", home.root)}
    assert {line: outcome for line, (outcome, _) in found.items()} == {
        1: "duplicate", 2: "accepted", 3: "duplicate", 4: "quarantined", 5: "quarantined", 6: "quarantined",
        7: "amendment",
    }  # fmt: skip
    assert {p: p.stat().st_mtime_ns for p in home.root.rglob("*")} == before
    summary = land(home)
    assert (summary.accepted, summary.duplicates, summary.amendments, summary.quarantined) == (1, 2, 1, 3)
    assert {e["event_id"] for e in events(home)} == {"a", "b", "d"}
    assert [(q["line"], q["reason"]) for q in quarantined(home)] == [
        (line, reason) for line, (outcome, reason) in sorted(found.items()) if outcome == "quarantined"
    ]


def test_text_tells_format_counts_and_reasons_with_lines(home: Home) -> None:
    file = drop(home, "g/second.jsonl", [event("c", input_tokens=-n) for n in range(9)])
    code, text = check(file, "--home", home.root, "--lines")
    assert code == 1
    flat = " ".join(text.split())
    assert "canonical, known by the entry of source g in meterhouse.toml" in flat
    assert "records 9" in flat
    assert "8 refused input_tokens is negative: -1 (lines 2, 3, 4, 5, 6, …)" in flat
    assert "9 quarantined input_tokens is negative: -8" in flat
    assert "1 accepted c 2024-03-01 12:00:00 UTC acme openai gpt-4o-2024-08-06 0 in 20 out" in flat


def test_content_that_was_taken_in_is_said(home: Home) -> None:
    code, text = check(home.landing / "g/first.jsonl", "--home", home.root)
    assert code == 0
    assert "a run would leave the file alone" in " ".join(text.split())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "its format is not recognised (fields of the first record: colour)"),
        (["--format", "nothing"], "'nothing' is not a format; known: "),
        (["--source", "nowhere"], "there is no source 'nowhere'"),
    ],
)
def test_a_file_that_nothing_reads_is_an_error(home: Home, options: list[str], words: str) -> None:
    file = home.root / "odd.jsonl"
    file.write_text('{"colour": "red"}\n', encoding="utf-8")
    code, text = check(file, "--home", home.root, *options)
    assert code == 1
    assert words in text


def test_damaged_file_is_one_refusal(home: Home) -> None:
    file = home.root / "logs.jsonl.gz"
    file.write_bytes(b"\x1f\x8b\x08\x00nothing")
    code, text = check(file, "--home", home.root, "--format", "canonical")
    assert code == 1
    assert "1 refused the file cannot be read" in " ".join(text.split())


def test_what_a_run_would_leave_is_said(home: Home) -> None:
    (home.landing / "elsewhere").mkdir()
    (home.root / "outside").mkdir()
    (home.landing / "g/linked").symlink_to(home.root / "outside")
    home.config.write_text(CANONICAL + 'files = "*.jsonl*"\n', encoding="utf-8")
    for name, words in {
        "loose.jsonl": "it lies directly under landing/",
        "g/.hidden.jsonl": "its name is hidden or that of an unfinished copy",
        "g/late.jsonl.part": "its name is hidden or that of an unfinished copy",
        "g/linked/a.jsonl": "it lies in a folder that is a link",
        "g/notes.txt": "the `files` pattern of its source leaves it out",
    }.items():
        file = drop(home, name, [event(name)])
        code, text = check(file, "--home", home.root)
        assert code == 0, text
        assert f"a run leaves the file where it is: {words}" in " ".join(text.split())
        assert not land(home).accepted, name


def test_a_linked_file_is_of_the_folder_it_lies_in(home: Home) -> None:
    target = home.root / "kept.jsonl"
    target.write_text(json.dumps(event("linked")) + "\n", encoding="utf-8")
    (home.landing / "g/link.jsonl").symlink_to(target)
    code, text = check(home.landing / "g/link.jsonl", "--home", home.root)
    assert (code, "known by the entry of source g" in text) == (0, True)
    assert land(home).accepted == 1


def test_what_is_no_file_is_an_error(home: Home) -> None:
    os.mkfifo(home.root / "pipe.jsonl")
    code, text = check(home.root / "pipe.jsonl", "--home", home.root)
    assert (code, "it is no file" in text) == (1, True)


def test_a_folder_that_can_be_no_source_is_named(home: Home) -> None:
    code, text = check(drop(home, "my logs/a.jsonl", [event("1")]), "--home", home.root)
    assert (code, "landing/my logs/ cannot be a source" in text) == (1, True)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.jsonl", b"", "it has no record"),
        ("a.jsonl", b"not a record\n", "none could be read"),
        ("a.jsonl.gz", b"\x1f\x8b\x08\x00nothing", "it cannot be read: "),
    ],
)
def test_why_a_format_is_not_recognised_is_said(home: Home, name: str, content: bytes, words: str) -> None:
    file = home.root / name
    file.write_bytes(content)
    code, text = check(file, "--home", home.root)
    assert (code, words in " ".join(text.split())) == (1, True), text
