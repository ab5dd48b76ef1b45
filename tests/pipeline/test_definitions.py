"""The Dagster side: graph, checks, schedule, sensor, and that a UI run gives what the CLI gives."""

from __future__ import annotations

import json
import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import dagster as dg
import pytest

from pipelines.assets import MAIN_JOB, MeterhouseHome, landed_events, manifest_of, pages
from pipelines.build import plan_build
from pipelines.definitions import build_defs
from pipelines.home import Home
from pipelines.settings import load_settings
from pipelines.triggers import landing_sensor
from pipelines.warehouse import writer_lock
from tests.conftest import ask, digests

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipelines.run import RunSummary

ONE_EVENT = (
    '{"event_id":"a","occurred_at":"2024-01-01T00:00:00Z","organization_id":"o","model":"gpt-4","provider":"openai"}\n'
)


@pytest.fixture(scope="module")
def definitions(finished: tuple[Home, RunSummary]) -> dg.Definitions:
    return build_defs(home=finished[0])


def test_processes_that_load_the_graph_at_once_find_it_whole(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda _: json.loads(manifest_of(home).read_text(encoding="utf-8")), range(2)))
    assert all(len(manifest["nodes"]) > 50 for manifest in found)
    assert not list(home.work.glob("dbt-graph-*"))
    stamp = manifest_of(home).with_name("project.digest").stat().st_mtime_ns
    assert manifest_of(home).with_name("project.digest").stat().st_mtime_ns == stamp


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
        ["case_decisions"],
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


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


class Sensor:
    """The sensor on a home, its cursor kept from tick to tick as the daemon does."""

    def __init__(self, home: Home, instance: dg.DagsterInstance) -> None:
        self.home, self.instance = home, instance
        self.cursor: str | None = None

    def tick(self) -> dg.SensorExecutionData:
        resources = {"home": MeterhouseHome(root=str(self.home.root))}
        with dg.build_sensor_context(resources=resources, instance=self.instance, cursor=self.cursor) as context:
            data = landing_sensor.evaluate_tick(context)
        self.cursor = data.cursor or self.cursor
        return data

    def run_key(self) -> str:
        (request,) = self.tick().run_requests or []
        assert request.run_key
        return request.run_key

    def later(self, minutes: int) -> None:
        """Let the last request be that old."""
        last = json.loads(self.cursor or "")
        last["asked_at"] = (datetime.fromisoformat(last["asked_at"]) - timedelta(minutes=minutes)).isoformat()
        self.cursor = json.dumps(last)


@pytest.fixture
def sensor(tmp_path: Path, instance: dg.DagsterInstance) -> Sensor:
    """The sensor on a home with one new file."""
    home = Home(tmp_path / "home")
    (home.landing / "gateway").mkdir(parents=True)
    (home.landing / "gateway" / "a.jsonl").write_text(ONE_EVENT)
    return Sensor(home, instance)


def test_sensor_asks_once_for_what_has_landed(sensor: Sensor) -> None:
    folder = sensor.home.landing / "gateway"
    (folder / "a.jsonl").rename(folder / ".hidden")
    assert sensor.tick().run_requests == []
    (folder / ".hidden").rename(folder / "a.jsonl")
    first = sensor.run_key()
    assert sensor.run_key() == first
    (folder / "a.jsonl").rename(folder / "b.jsonl")
    assert sensor.run_key() == first
    (folder / "c.jsonl").write_text(ONE_EVENT.replace('"a"', '"c"'))
    second = sensor.run_key()
    assert second != first
    # A folder that is no source stops no other.
    (sensor.home.landing / "unknown").mkdir()
    (sensor.home.landing / "unknown" / "x.jsonl").write_text('{"foo": 1}\n')
    assert sensor.run_key() == second
    for name in ("b.jsonl", "c.jsonl"):
        (folder / name).rename(folder / f".{name}")
    assert "landing/unknown/" in (sensor.tick().skip_message or "")


def test_sensor_asks_again_under_another_key_for_what_is_still_new_later(sensor: Sensor) -> None:
    keys = [sensor.run_key()]
    sensor.later(minutes=14)
    assert sensor.run_key() == keys[0]
    for _ in range(2):
        sensor.later(minutes=15)
        keys.append(sensor.run_key())
        assert sensor.run_key() == keys[-1]
    assert len(set(keys)) == 3


def test_sensor_never_uses_a_key_again_when_the_same_files_come_back(sensor: Sensor) -> None:
    first = sensor.run_key()
    other = sensor.home.landing / "gateway" / "c.jsonl"
    other.write_text(ONE_EVENT.replace('"a"', '"c"'))
    both = sensor.run_key()
    other.unlink()
    assert len({first, both, sensor.run_key()}) == 3


def test_sensor_does_not_ask_again_while_a_run_is_in_progress(sensor: Sensor) -> None:
    @dg.job(name=MAIN_JOB.name)
    def running() -> None: ...

    first = sensor.run_key()
    run = sensor.instance.create_run_for_job(running, status=dg.DagsterRunStatus.STARTED)
    sensor.later(minutes=60)
    assert sensor.run_key() == first
    sensor.instance.report_run_failed(run)
    assert sensor.run_key() != first


def test_sensor_survives_a_cursor_of_another_version(sensor: Sensor) -> None:
    sensor.cursor = "yesterday"
    assert sensor.run_key()


def test_step_waits_for_a_run_of_the_command(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    (home.landing / "gateway").mkdir(parents=True)
    (home.landing / "gateway" / "a.jsonl").write_text(ONE_EVENT)
    held, ended = threading.Event(), []

    def command() -> None:
        with writer_lock(home):
            held.set()
            time.sleep(1.5)
            ended.append(time.monotonic())

    other = threading.Thread(target=command)
    other.start()
    held.wait()
    result = dg.materialize([landed_events], resources={"home": MeterhouseHome(root=str(home.root))})
    assert result.success
    assert ended
    assert time.monotonic() > ended[0]
    other.join()


@pytest.mark.parametrize(
    ("limits", "passed", "said"),
    [
        ("max_quarantined_records = 1_000_000", True, ""),
        ("max_quarantined_records = 0", False, "limits.max_quarantined_records is 0"),
        ("max_quarantined_share = 0.0", False, "limits.max_quarantined_share is 0"),
        ("max_unpriced_share = 0.0", False, "limits.max_unpriced_share is 0"),
    ],
)
def test_passed_limit_fails_the_check_and_not_the_run(
    copy_of_finished: Home, limits: str, said: str, *, passed: bool
) -> None:
    home = copy_of_finished
    home.config.write_text(home.config.read_text(encoding="utf-8") + f"\n[limits]\n{limits}\n", encoding="utf-8")
    result = dg.materialize([pages], resources={"home": MeterhouseHome(root=str(home.root))})
    assert result.success
    (check,) = result.get_asset_check_evaluations()
    assert (check.check_name, check.passed, check.blocking) == ("within_limits", passed, False)
    assert check.severity == dg.AssetCheckSeverity.ERROR
    assert said in str(check.metadata["breaches"].value)


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
    assert {
        "landing_conserves_records",
        "rated_equals_marts",
        "events_equal_manifest",
        "within_limits",
        "decisions_verify",
    } <= {c.check_name for c in checks}
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


@pytest.mark.slow
def test_run_after_a_small_new_file_goes_on_to_the_pages(copy_of_finished: Home) -> None:
    """The price book, unchanged, is not loaded again; nothing after it may be left out for that."""
    home = copy_of_finished
    (home.landing / "corrections").mkdir()
    (home.landing / "corrections" / "a.jsonl").write_text(ONE_EVENT)
    result = build_defs(home=home).resolve_job_def(MAIN_JOB.name).execute_in_process()
    assert result.success
    done = {e.asset_key.to_user_string() for e in result.get_asset_materialization_events() if e.asset_key}
    assert {"landed_events", "marts/rated_usage", "marts/spend_daily", "published/price_book", "extraction_flags",
            "published_exports", "pages"} <= done  # fmt: skip
    assert "marts/price_rates" not in done
    assert all(c.passed for c in result.get_asset_check_evaluations())
    assert ask(home, "select count(*) from published.rated_usage where source = 'corrections'") == [(1,)]
    assert not plan_build(home, load_settings(home)).needed


@pytest.mark.slow
def test_some_tables_built_by_hand_leave_the_next_run_all_to_do(copy_of_finished: Home) -> None:
    home = copy_of_finished
    (home.landing / "corrections").mkdir()
    (home.landing / "corrections" / "a.jsonl").write_text(ONE_EVENT)
    job = build_defs(home=home).resolve_job_def(MAIN_JOB.name)
    chosen = [dg.AssetKey("landed_events"), dg.AssetKey(["marts", "activity_hourly"])]
    assert job.execute_in_process(asset_selection=chosen).success
    assert plan_build(home, load_settings(home)).needed
    assert job.execute_in_process().success
    assert ask(home, "select count(*) from published.rated_usage where source = 'corrections'") == [(1,)]
    assert not plan_build(home, load_settings(home)).needed
