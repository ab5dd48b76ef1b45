"""`meterhouse cases export`, as it is called."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from click.testing import CliRunner

from pipelines.cli import main
from tests.cases.conftest import GROUP, SINGLE
from tests.conftest import ask

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.home import Home
    from pipelines.run import RunSummary


def call(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["cases", *map(str, arguments)])
    return result.exit_code, result.output


def test_help_has_an_example() -> None:
    code, text = call("export", "--help")
    assert code == 0
    assert "export" in call("--help")[1]
    assert "Example: meterhouse cases export" in text


def test_each_pack_is_told_with_its_digest_and_the_missing_contact(home: Home, tmp_path: Path) -> None:
    out = tmp_path / "out"
    code, text = call("export", GROUP, "--out", out, "--home", home.root)
    assert code == 0
    lines = text.splitlines()
    assert len(lines) == 4
    assert lines[0].startswith(f"{out / GROUP / 'acme'}  sha256:")
    assert lines[3].startswith("No notice was written: set notice_contact under [watch]")
    home.config.write_text('[watch]\nnotice_contact = "a@b.example"\nnotice_days = 3\n')
    code, text = call("export", SINGLE, "--out", out, "--home", home.root, "--date", "2026-12-30")
    assert (code, len(text.splitlines())) == (0, 1)
    assert "2027-01-02 (3 days" in (out / SINGLE / "notice.txt").read_text()


def test_the_notice_is_of_today_if_nothing_is_said(home: Home, tmp_path: Path) -> None:
    home.config.write_text('[watch]\nnotice_contact = "a@b.example"\n')
    before = datetime.now(UTC).date()
    call("export", SINGLE, "--out", tmp_path, "--home", home.root)
    text = (tmp_path / SINGLE / "notice.txt").read_text()
    assert any(f"by {before + timedelta(days=14 + n)} (14 days" in text for n in (0, 1))


def test_a_wrong_case_is_one_paragraph(home: Home, tmp_path: Path) -> None:
    code, text = call("export", "nope", "--out", tmp_path, "--home", home.root)
    assert code == 1
    assert "there is no case 'nope' in the queue" in text


def test_every_case_of_a_real_run_can_be_handed_out(finished: tuple[Home, RunSummary], tmp_path: Path) -> None:
    cases = [case for (case,) in ask(finished[0], "select case_id from published.extraction_flags")]
    assert cases
    for case in cases:
        code, text = call("export", case, "--out", tmp_path, "--home", finished[0].root)
        assert code == 0, text
