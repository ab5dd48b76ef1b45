"""Shared homes: one real run on simulated logs, made once a session and never changed by a test."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pytest

from pipelines import build
from pipelines.home import Home
from pipelines.landing import quiet
from pipelines.run import RunSummary, run_all
from pipelines.settings import load_settings
from pipelines.simulate.simulation import simulate
from tests.warm_dbt import WarmDbt

if TYPE_CHECKING:
    from collections.abc import Iterator

# Folders whose files run whole jobs, the longest first.
LONG = ("crash", "pipeline", "dbt")
TRACES = Path(__file__).resolve().parents[2] / "shared" / "traces"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first, so that none of them is left for one worker at the end: `make test` keeps this order."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: (_turn(item.path), item.path not in slow))


def _turn(path: Path) -> int:
    folder = path.relative_to(Path(__file__).parent).parts[0]
    return LONG.index(folder) if folder in LONG else len(LONG)


@pytest.fixture(scope="session", autouse=True)
def _dbt_starts_at_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One dbt is loaded a process, and takes the project apart for its first home: the others get a copy of that."""
    shared, whole = tmp_path_factory.getbasetemp() / "parsed", build.run_dbt
    warm: list[WarmDbt] = []

    def executable() -> str:
        if not warm:
            warm.append(WarmDbt())
        return str(warm[0].executable)

    def run(home: Home, plan: build.Plan) -> None:
        build.lend_parsing(shared, home.work / "dbt")
        whole(home, plan)
        build.lend_parsing(home.work / "dbt", shared)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build, "dbt_executable", executable)
        patch.setattr(build, "run_dbt", run)
        yield
    for one in warm:
        one.close()


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, RunSummary]:
    """A home on which the whole main job has run, and that run's summary. Read only."""
    home = Home(tmp_path_factory.mktemp("finished") / "home")
    simulate(home, days=21, organizations=60, requests=20_000, seed=7, log_format="litellm")
    return home, run_all(home, load_settings(home))


@pytest.fixture(autouse=True)
def _nobody_is_writing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of tests are new and some are torn on purpose: nobody goes on writing them."""
    monkeypatch.setattr(quiet, "pause", lambda _: None)


@pytest.fixture(autouse=True)
def _the_disk_does_not_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test could tell that a file has reached the disk, so none waits for it; tests/crash counts the calls apart."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.fixture
def copy_of_finished(finished: tuple[Home, RunSummary], tmp_path: Path) -> Home:
    """The finished home, copied so that a test may change it; paths inside are re-made."""
    home = Home(tmp_path / "home")
    shutil.copytree(finished[0].root, home.root, symlinks=True)
    return home


@pytest.fixture
def traces() -> Path:
    """Folder of real traffic; tests that need it are skipped where it is absent."""
    if not TRACES.is_dir():
        pytest.skip("real traces are not beside this checkout")
    return TRACES


def ask(home: Home, sql: str) -> list[tuple]:
    """Rows of a query on a home's warehouse."""
    with duckdb.connect(str(home.warehouse), read_only=True) as con:
        return con.execute(sql).fetchall()


PUBLISHED = (
    "usage_events", "rated_usage", "spend_daily", "quarantined_records", "ingested_files", "extraction_flags",
    "price_book", "build", "spend_reported", "tuned_models", "serving_days", "watch_summary",
    "enforcement_flags", "enforcement_summary", "case_decisions", "newcomers",
)  # fmt: skip


def digests(home: Home, *, without: tuple[str, ...] = ()) -> dict[str, tuple]:
    """Row count and order-free digest of every published table, some columns left out."""
    found = {}
    with duckdb.connect(str(home.warehouse), read_only=True) as con:
        for table in PUBLISHED:
            columns = [c for (c, *_) in con.execute(f"describe published.{table}").fetchall() if c not in without]
            row = ", ".join(columns)
            digest = con.execute(f"select count(*), sum(hash(row({row}))::hugeint) from published.{table}")
            found[table] = digest.fetchall()[0]
    return found
