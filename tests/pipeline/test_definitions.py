"""The Dagster side: graph, checks, schedule, sensor, and that a UI run gives what the CLI gives."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import dagster as dg
import pytest

from pipelines.assets import MAIN_JOB
from pipelines.definitions import build_defs
from pipelines.home import Home
from pipelines.triggers import landing_sensor
from tests.conftest import digests

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.run import RunSummary


@pytest.fixture(scope="module")
def definitions(finished: tuple[Home, RunSummary]) -> dg.Definitions:
    return build_defs(home=finished[0])


def test_graph_leads_from_landing_to_pages(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    upstream = graph.get(dg.AssetKey("pages")).parent_keys
    seen: set[dg.AssetKey] = set()
    while upstream:
        seen |= upstream
        upstream = {p for key in upstream for p in graph.get(key).parent_keys} - seen
    for key in (
        ["landed_events"],
        ["operator_prices"],
        ["marts", "rated_usage"],
        ["marts", "spend_daily"],
        ["extraction_flags"],
    ):
        assert dg.AssetKey(key) in seen


def test_every_asset_has_group_owner_and_description(definitions: dg.Definitions) -> None:
    for spec in definitions.resolve_all_asset_specs():
        assert spec.group_name in {"landing", "rating", "marts", "watch", "published"}, spec.key
        assert spec.owners, spec.key
        assert spec.description, spec.key


def test_tables_have_column_schemas(definitions: dg.Definitions) -> None:
    specs = {spec.key.to_user_string(): spec for spec in definitions.resolve_all_asset_specs()}
    for name in (
        "landed_events",
        "marts/rated_usage",
        "marts/spend_daily",
        "published/ingested_files",
    ):
        columns = specs[name].metadata["dagster/column_schema"]
        columns = getattr(columns, "value", columns).columns
        assert columns, name
        assert all(c.description for c in columns), name


def test_schedule_and_sensor_start_the_main_job(definitions: dg.Definitions) -> None:
    assert definitions.resolve_schedule_def("daily").job_name == MAIN_JOB.name
    assert definitions.resolve_sensor_def("files_landed").job_name == MAIN_JOB.name


def test_sensor_asks_once_for_what_has_landed(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    resources = {
        "home": __import__("pipelines.assets", fromlist=["MeterhouseHome"]).MeterhouseHome(root=str(home.root))
    }

    def ask_sensor() -> dg.SensorExecutionData:
        with dg.build_sensor_context(resources=resources, instance=dg.DagsterInstance.ephemeral()) as context:
            return landing_sensor.evaluate_tick(context)

    assert ask_sensor().run_requests == []
    (home.landing / "gateway").mkdir(parents=True)
    (home.landing / "gateway" / "a.jsonl").write_text(
        '{"event_id":"a","occurred_at":"2024-01-01T00:00:00Z","organization_id":"o","model":"gpt-4","provider":"openai"}\n'
    )
    (first,) = ask_sensor().run_requests or []
    (again,) = ask_sensor().run_requests or []
    assert first.run_key == again.run_key
    (home.landing / "gateway" / "a.jsonl").rename(home.landing / "gateway" / "b.jsonl")
    (renamed,) = ask_sensor().run_requests or []
    assert renamed.run_key == first.run_key
    (home.landing / "unknown").mkdir()
    (home.landing / "unknown" / "x.jsonl").write_text('{"foo": 1}\n')
    assert "landing/unknown/" in (ask_sensor().skip_message or "")


@pytest.mark.slow
def test_run_from_dagster_gives_what_the_command_gives(finished: tuple[Home, RunSummary], tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.root.mkdir()
    for name in ("meterhouse.toml", ".salt"):
        shutil.copy2(finished[0].root / name, home.root / name)
    for name in ("prices", "landing"):
        shutil.copytree(finished[0].root / name, home.root / name)
    job = build_defs(home=home).resolve_job_def(MAIN_JOB.name)
    result = job.execute_in_process()
    assert result.success
    checks = result.get_asset_check_evaluations()
    assert {"landing_conserves_records", "rated_equals_marts", "events_equal_manifest"} <= {
        c.check_name for c in checks
    }
    assert all(c.passed for c in checks)
    counts = {
        e.asset_key.to_user_string(): e.materialization.metadata["dagster/row_count"].value
        for e in result.get_asset_materialization_events()
        if e.asset_key and "dagster/row_count" in e.materialization.metadata
    }
    assert counts["marts/rated_usage"] == finished[1].requests
    ours, theirs = (
        digests(home, without=("received_at",)),
        digests(finished[0], without=("received_at",)),
    )
    assert ours == theirs
