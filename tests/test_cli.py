"""The command line: help with examples, init, errors in one paragraph, the closing summary."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from pipelines.cli import main
from pipelines.home import Home, resolve_home
from pipelines.landing.formats import load_formats
from pipelines.settings import Settings, load_settings

if TYPE_CHECKING:
    from pipelines.run import RunSummary


def call(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(main, [str(a) for a in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


@pytest.mark.parametrize("command", [[], ["run"], ["init"], ["ui"], ["simulate"], ["prices"], ["formats"]])
def test_help_of_every_command_has_an_example(command: list[str]) -> None:
    code, text = call(*command, "--help")
    assert code == 0
    assert "meterhouse " in text.split("xample", 1)[1]


def test_formats_are_listed_with_what_they_are_recognised_by() -> None:
    code, text = call("formats")
    assert code == 0
    for name, fmt in load_formats().items():
        assert f"\n{name}\n" in "\n" + text
        assert fmt.title.split()[0] in text


def test_a_format_is_shown_with_the_fields_its_columns_are_made_from() -> None:
    code, text = call("formats", "openai_jobs")
    assert code == 0
    assert "\n  training_tokens       trained_tokens\n    chosen by           method.type\n" in text
    code, text = call("formats", "mapped")
    assert "[sources.columns]" in text
    code, text = call("formats", "openai")
    assert "choices[].finish_reason†" in text
    assert "or the same below response.body" in text


def test_a_format_that_is_not_known_is_an_error_with_the_known_ones() -> None:
    code, text = call("formats", "nope")
    assert code == 1
    assert "'nope' is not a format; known: anthropic, " in text


def test_init_writes_commented_defaults_and_keeps_an_existing_file(tmp_path: Path) -> None:
    code, _ = call("init", "--home", tmp_path / "home")
    assert code == 0
    home = Home(tmp_path / "home")
    assert home.landing.is_dir()
    assert load_settings(home) == Settings()
    home.config.write_text('reporting_currency = "EUR"\n')
    call("init", "--home", home.root)
    assert load_settings(home).reporting_currency == "EUR"


def test_home_is_the_option_then_the_environment_then_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("METERHOUSE_HOME", raising=False)
    assert resolve_home().root == tmp_path / "data"
    monkeypatch.setenv("METERHOUSE_HOME", str(tmp_path / "elsewhere"))
    assert resolve_home().root == tmp_path / "elsewhere"
    assert resolve_home(tmp_path / "given").root == tmp_path / "given"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ("[watch]\nbudget = 3\n", ["meterhouse.toml", "line 2", "watch.budget", "unknown setting"]),
        ('billing_time_zone = "Mars"\n', ["line 1", "billing_time_zone", "Mars"]),
        ("a = \n", ["not valid TOML", "line 1"]),
    ],
)
def test_run_ends_with_1_and_one_paragraph(tmp_path: Path, settings: str, words: list[str]) -> None:
    (tmp_path / "meterhouse.toml").write_text(settings)
    code, text = call("run", "--home", tmp_path)
    assert code == 1
    assert len(text.strip().splitlines()) == 1
    assert all(word in text for word in words), text


def test_unknown_folder_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "landing" / "strange").mkdir(parents=True)
    (tmp_path / "landing" / "strange" / "x.jsonl").write_text('{"foo": 1}\n')
    code, text = call("run", "--home", tmp_path)
    assert code == 1
    assert "landing/strange/" in text
    assert "[[sources]]" in text


def test_repeated_run_prints_the_summary_quickly(finished: tuple[Home, RunSummary]) -> None:
    code, text = call("run", "--home", finished[0].root)
    assert code == 0
    assert "nothing new" in text
    for word in (
        "records read",
        "accepted",
        "duplicates",
        "quarantined",
        "priced",
        "revenue USD",
        "cost USD",
        "margin USD",
        "flags",
        "pages",
    ):
        assert word in text
    assert str(finished[0].site / "finance" / "index.html") in text


def test_reader_that_goes_away_is_no_failure(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as gone:
        ours = Path(sys.executable).with_name("meterhouse")
        done = subprocess.run([ours, "init", "--home", tmp_path], stdout=gone, stderr=subprocess.PIPE, check=False)
    assert b"not foreseen" not in done.stderr
    assert b"Traceback" not in done.stderr
