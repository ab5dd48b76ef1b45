"""Facts about organisations in the whole job: faults stop nothing, a changed file redoes the watch, flags come out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import dagster as dg
import pytest
from click.testing import CliRunner

from pipelines.assets import MeterhouseHome, organization_facts_are_sound
from pipelines.cli import main
from pipelines.publish.exports import published_folder
from pipelines.reference import _ENFORCEMENT, _ENFORCEMENT_SUMMARY
from pipelines.run import run_all
from pipelines.settings import load_settings
from tests.conftest import ask, digests

if TYPE_CHECKING:
    from pipelines.home import Home
    from pipelines.run import RunSummary


def largest(home: Home) -> tuple[str, str]:
    """The organisation with most requests, and the middle of its days."""
    return ask(
        home,
        """select organization_id, (median(usage_date)::date)::varchar from marts.activity_daily
        group by all order by sum(requests) desc limit 1""",
    )[0]


@pytest.mark.slow
def test_a_suspension_is_flagged_by_the_next_run_and_gone_with_the_file(copy_of_finished: Home) -> None:
    home = copy_of_finished
    before = digests(home)
    run_all(home, load_settings(home))
    name, day = largest(home)
    file = home.root / "organizations.csv"
    file.write_text(f"organization_id,suspended_from,created_at\n{name},{day}T00:00:00Z,\nx,,never\norg-zzz,,\n")
    result = CliRunner().invoke(main, ["run", "--home", str(home.root)])
    assert result.exit_code == 1
    assert f"{file}, line 3, field created_at: 'never'" in " ".join(result.output.split())
    assert "1 flag on 1 organisation" in result.output
    assert f"note: {file}, line 4: 'org-zzz' never had usage" in result.output
    (flag,) = ask(home, "select organization_id, rule, requests, output_tokens, revenue_amount "
                  "from published.enforcement_flags")  # fmt: skip
    (wanted,) = ask(
        home,
        f"""
        select organization_id, 'usage_after_suspension', count(*) filter (where coalesce(status, 200) < 400),
            sum(output_tokens + audio_output_tokens + image_output_tokens), sum(revenue_amount)
        from published.rated_usage where organization_id = '{name}' and occurred_at >= '{day}' group by all""",
    )
    assert flag == wanted
    page = (home.site / "trust-safety" / "index.html").read_text()
    assert "1 flag on 1 organisation: usage after a suspension" in page
    assert (published_folder(home) / "enforcement_flags.parquet").exists()
    told = json.loads((home.root / "runs.jsonl").read_text().splitlines()[-1])
    assert told["enforcement"]["flags"] == 1
    assert len(told["facts"]["faults"]) == 1
    # Said again by a run with nothing to do, until it is mended.
    again = CliRunner().invoke(main, ["run", "--home", str(home.root)])
    assert again.exit_code == 1
    assert "nothing new" in again.output
    assert "field created_at" in again.output
    money = ("rated_usage", "spend_daily", "extraction_flags")
    assert {t: digests(home)[t] for t in money} == {t: before[t] for t in money}
    file.unlink()
    summary = run_all(home, load_settings(home))
    assert summary.changed
    assert (summary.enforcement.flags, summary.facts.faults) == (0, ())
    assert digests(home) == before


def test_published_tables_have_the_columns_that_are_described(finished: tuple[Home, RunSummary]) -> None:
    for table, columns in (("enforcement_flags", _ENFORCEMENT), ("enforcement_summary", _ENFORCEMENT_SUMMARY)):
        described = [(name, kind) for name, kind, _ in columns]
        assert [(name, kind.lower()) for name, kind, *_ in ask(finished[0], f"describe published.{table}")] == described


@pytest.mark.parametrize(("text", "passed"), [(None, True), ("organization_id\na\n", True), ("id\na\n", False)])
def test_the_check_names_the_faults(finished: tuple[Home, RunSummary], tmp_path, text: str | None, *, passed: bool):
    if text:
        (tmp_path / "organizations.csv").write_text(text)
    result = organization_facts_are_sound(home=MeterhouseHome(root=str(tmp_path)))
    assert isinstance(result, dg.AssetCheckResult)
    assert result.passed is passed
    assert ("organizations.csv, line 1" in str(result.metadata["faults"].value)) is not passed
