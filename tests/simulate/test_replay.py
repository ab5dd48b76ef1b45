"""Recorded customers as organisations: totals, span, lengths, determinism."""

from __future__ import annotations

import hashlib
from pathlib import Path

import duckdb
import pytest

from pipelines.simulate.replay import replay_servegen

TRACES = Path(__file__).resolve().parents[3] / "shared" / "traces" / "servegen"
pytestmark = pytest.mark.skipif(not TRACES.exists(), reason="needs ../shared/traces/servegen")


def test_replay_writes_what_it_says(tmp_path):
    told = replay_servegen(TRACES, tmp_path, clients=6, thin=200_000, seed=5)
    with duckdb.connect(":memory:") as connection:
        connection.execute("set TimeZone = 'UTC'")
        found = connection.execute(
            "select count(*), count(distinct event_id), sum(input_tokens), sum(output_tokens), "
            "count(distinct organization_id), min(input_tokens), min(output_tokens), "
            "count(distinct occurred_at::date) from read_json(?)",
            [str(tmp_path / "*.jsonl")],
        ).fetchone()
    assert found[:4] == (told.requests, told.requests, told.input_tokens, told.output_tokens)
    assert (found[4], found[7]) == (6, 14)
    assert min(found[5:7]) >= 1
    assert len(told.organizations) == 6
    assert sum(told.organizations.values()) == sum(told.days.values()) == told.requests > 3_000
    assert (min(told.days), max(told.days)) == ("2024-09-16", "2024-09-29")


RECORDED = """
    select sum(requests), sum(requests * mean) / sum(requests)
    from read_parquet($folder || '/client_rate_10min.parquet') as rate
    join read_parquet($folder || '/client_tokens_6h.parquet') as length
        on rate.model = length.model and rate.client = length.client
        and length.window_start = rate.t // 21600 * 21600 and length.field = 'output_tokens'
    where rate.model = $model and rate.client = $client
"""


def test_counts_and_lengths_follow_the_trace(tmp_path):
    told = replay_servegen(TRACES, tmp_path, clients=8, thin=30_000, seed=5)
    with duckdb.connect(":memory:") as connection:
        for name, kept in told.organizations.items():
            model, client = name.removeprefix("servegen-").rsplit("-", 1)
            known = {"folder": str(TRACES), "model": model, "client": int(client)}
            requests, mean = connection.execute(RECORDED, known).fetchone()
            mine = connection.execute(
                "select avg(output_tokens) from read_json(?) where organization_id = ?",
                [str(tmp_path / "*.jsonl"), name],
            ).fetchone()[0]
            assert kept == pytest.approx(requests / 30_000, rel=0.1)
            assert mine == pytest.approx(mean, rel=0.2, abs=0.5)


def test_same_seed_same_bytes(tmp_path):
    for name in ("one", "two"):
        replay_servegen(TRACES, tmp_path / name, clients=2, thin=500_000, seed=5)
    one, two = (
        {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in (tmp_path / n).iterdir()} for n in ("one", "two")
    )
    assert one == two
