"""Determinism, refusals, the command, and properties over the arguments."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.errors import MeterhouseError
from pipelines.home import Home
from pipelines.simulate.catalogue import HOSTILE_NAME
from pipelines.simulate.commands import simulate as command
from pipelines.simulate.simulation import simulate

TINY = {"days": 7, "organizations": 55, "requests": 900}


def digests(home: Home) -> dict[str, str]:
    return {
        str(p.relative_to(home.root)): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in home.root.rglob("*")
        if p.is_file()
    }


@pytest.mark.parametrize("log_format", ["canonical", "litellm", "openai"])
def test_same_arguments_same_bytes(tmp_path, monkeypatch, log_format):
    one, two = Home(tmp_path / "one"), Home(tmp_path / "two")
    simulate(one, **TINY, seed=3, log_format=log_format)
    monkeypatch.setenv("METERHOUSE_THREADS", "1")
    simulate(two, **TINY, seed=3, log_format=log_format)
    assert digests(one) == digests(two)
    names = set(digests(one))
    assert {"meterhouse.toml", ".salt", "prices/demo_serving.csv", "truth/truth.json"} <= names
    assert {Path(n).suffix for n in names if n.startswith("landing")} == {".jsonl", ".gz", ".zst"}


def test_another_seed_another_world(tmp_path):
    one, two = Home(tmp_path / "one"), Home(tmp_path / "two")
    assert simulate(one, **TINY, seed=3).totals != simulate(two, **TINY, seed=4).totals
    assert one.salt_file.read_text() != two.salt_file.read_text()


def test_a_folder_with_logs_is_refused(tmp_path):
    home = Home(tmp_path)
    (home.landing / "gateway").mkdir(parents=True)
    (home.landing / "gateway" / "mine.jsonl").write_text("{}\n")
    with pytest.raises(MeterhouseError, match="already holds logs"):
        simulate(home, **TINY, seed=3)
    assert [p.name for p in (home.landing / "gateway").iterdir()] == ["mine.jsonl"]


REAL = {
    "another landing folder": "landing/prod/mine.jsonl",
    "a file under landing/": "landing/mine.jsonl",
    "an empty landing folder": "landing/prod/",
    "an event": "events/usage_date=2024-03-01/0.parquet",
    "a manifest": "events/manifest/00000001-0.json",
    "a quarantined record": "quarantine/0.parquet",
    "a salt": ".salt",
}


@pytest.mark.parametrize("name", REAL.values(), ids=REAL)
def test_a_home_that_may_be_real_is_refused(tmp_path, name):
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir() if name.endswith("/") else path.write_text("mine\n")
    with pytest.raises(MeterhouseError, match="must not mix with real ones") as caught:
        simulate(Home(tmp_path), **TINY, seed=3)
    assert path.is_relative_to(caught.value.file)
    assert caught.value.file != tmp_path
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == ([path] if path.is_file() else [])
    (tmp_path / "meterhouse.toml").write_text("[site]\ndemo = false\n")
    with pytest.raises(MeterhouseError, match="not marked as demo data"):
        simulate(Home(tmp_path), **TINY, seed=3)
    # What says that it is a demo is one, and what is empty can become one.
    (tmp_path / "meterhouse.toml").write_text("[site]\ndemo = true\n")
    assert simulate(Home(tmp_path), **TINY, seed=3).distinct_events == TINY["requests"]


def test_an_empty_home_can_become_a_demo(tmp_path):
    home = Home(tmp_path)
    for folder in (home.landing / "gateway", home.events, home.quarantine):
        folder.mkdir(parents=True)
    (home.landing / ".DS_Store").write_text("")
    assert simulate(home, **TINY, seed=3).distinct_events == TINY["requests"]


def test_settings_and_salt_of_a_home_are_kept(tmp_path):
    home = Home(tmp_path)
    mine = "# mine\n[site]\ndemo = true\n"
    home.config.write_text(mine)
    home.salt_file.write_text("mine\n")
    simulate(home, **TINY, seed=3)
    assert (home.config.read_text(), home.salt_file.read_text()) == (mine, "mine\n")


def test_hostile_name_only_when_asked_for(tmp_path):
    plain = simulate(Home(tmp_path / "plain"), **TINY, seed=3)
    hostile = simulate(Home(tmp_path / "hostile"), **TINY, seed=3, hostile_names=True)
    assert HOSTILE_NAME not in plain.organizations
    assert hostile.organizations[HOSTILE_NAME]["requests"] > 0
    assert plain.totals == hostile.totals


def test_command(tmp_path):
    arguments = "--days 3 --organizations 5 --requests 200 --seed 1 --format litellm --start 2024-10-01"
    result = CliRunner().invoke(command, ["--home", str(tmp_path), *arguments.split()])
    assert result.exit_code == 0, result.output
    assert "200 requests" in result.output
    assert sorted(p.name for p in (tmp_path / "landing" / "gateway").iterdir())[0] == "2024-10-01.jsonl"


@settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    days=st.integers(1, 9),
    organizations=st.integers(1, 230),
    requests=st.integers(1, 300),
    seed=st.integers(0, 2**32),
)
def test_any_arguments(read, days, organizations, requests, seed):
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder))
        truth = simulate(home, days=days, organizations=organizations, requests=requests, seed=seed)
        records, broken = read(home.landing / "gateway", "canonical")
    ids = {r["id"] for r in records}
    assert len(ids) == requests == truth.totals["requests"]
    assert len(records) == requests + truth.duplicates
    assert len(records) + sum(broken.values()) == truth.records_written
    assert len(truth.organizations) <= organizations
    assert {r["day"] for r in records} == set(truth.days)
    assert sum(v["requests"] for v in truth.organizations.values()) == requests
