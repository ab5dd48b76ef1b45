"""A retry or a drop, and the next run: only the days of newly accepted events are rated anew, and all adds up."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from click.testing import CliRunner

from pipelines import build
from pipelines.cli import main
from pipelines.home import Home
from pipelines.landing.quarantine.drop import drop
from pipelines.landing.quarantine.held import Selection
from pipelines.landing.quarantine.retry import retry
from pipelines.run import run_all
from pipelines.settings import load_settings
from tests.conftest import ask, digests

if TYPE_CHECKING:
    from pathlib import Path

ENTRY = '[[sources]]\nname = "gateway"\nformat = "canonical"\n'
FIXED = ENTRY + '[sources.constants]\norganization_id = "acme"\n'
EVENT = {"provider": "openai", "model": "gpt-4-0613", "input_tokens": 1_000_000}


def _home(root: Path, settings: str) -> Home:
    home = Home(root)
    (home.landing / "gateway").mkdir(parents=True)
    home.config.write_text(settings)
    home.salt_file.write_text("salt")
    return home


def _land(home: Home, name: str, *lines: dict[str, Any] | str) -> None:
    text = "".join((x if isinstance(x, str) else json.dumps({**EVENT, **x})) + "\n" for x in lines)
    (home.landing / "gateway" / name).write_text(text)


def _land_all(home: Home) -> None:
    _land(
        home, "1.jsonl",
        {"event_id": "a", "occurred_at": "2023-09-05T12:00:00Z", "organization_id": "acme"},
        {"event_id": "b", "occurred_at": "2023-09-06T12:00:00Z"},
        "broken",
    )  # fmt: skip
    _land(home, "2.jsonl", {"event_id": "c", "occurred_at": "2023-09-07T12:00:00Z", "organization_id": "o"}, "[1]")


def _run(home: Home) -> None:
    run_all(home, load_settings(home))


def test_a_retry_and_a_run_publish_what_a_fresh_home_has(tmp_path: Path) -> None:
    home, fresh = _home(tmp_path / "home", ENTRY), _home(tmp_path / "fresh", FIXED)
    _land_all(home)
    _run(home)
    assert ask(home, "select sum(quarantined) from published.ingested_files") == [(3,)]
    home.config.write_text(FIXED)
    assert retry(home, load_settings(home), Selection()).days == ("2023-09-06",)
    plan = build.plan_build(home, load_settings(home))
    assert (plan.full, plan.days, plan.needed) == (False, ("2023-09-06",), True)
    _run(home)
    _land_all(fresh)
    _run(fresh)
    assert digests(home, without=("received_at",)) == digests(fresh, without=("received_at",))
    build.clear_warehouse(home)
    before = digests_of_run(home)
    assert before == digests(fresh, without=("received_at",))

    read_at = ask(home, "select file, received_at from published.ingested_files order by 1")
    drop(home, Selection(reason="valid JSON"), "cut off by the gateway", expected=1)
    plan = build.plan_build(home, load_settings(home))
    assert (plan.full, plan.days, plan.needed) == (False, (), True)
    result = CliRunner().invoke(main, ["run", "--home", str(home.root)])
    assert result.exit_code == 0, result.output
    assert ask(
        home, "select file, records_read, accepted, quarantined, dropped from published.ingested_files order by 1"
    ) == [("1.jsonl", 3, 2, 0, 1), ("2.jsonl", 2, 1, 1, 0)]
    assert ask(home, "select file, received_at from published.ingested_files order by 1") == read_at
    assert ask(home, "select file, line from published.quarantined_records") == [("2.jsonl", 2)]
    assert "1 dropped" in (home.site / "platform" / "quality.html").read_text()


def digests_of_run(home: Home) -> dict[str, tuple]:
    _run(home)
    return digests(home, without=("received_at",))


def test_dagster_counts_each_record_once_after_a_retry_and_a_drop(tmp_path: Path) -> None:
    from pipelines.assets import MeterhouseHome, landed_events, landing_conserves_records

    home = _home(tmp_path / "home", ENTRY)
    _land_all(home)
    place = MeterhouseHome(root=str(home.root))
    landed_events(place)
    home.config.write_text(FIXED)
    retry(home, load_settings(home), Selection())
    drop(home, Selection(source="gateway"), "noise", expected=2)
    assert landed_events(place).metadata["dagster/row_count"] == 3  # type: ignore[union-attr]
    assert landing_conserves_records(place).passed  # type: ignore[union-attr]
