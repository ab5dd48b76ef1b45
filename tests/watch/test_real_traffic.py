"""The watch on real customers: thinned ServeGen clients, with campaigns and look-alikes put in.

A small version of the measurement in docs/watch.md, with bounds that must not be lost. Only requests, input
and output tokens are real; nothing here has templates, networks or end users.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import pytest

from pipelines.settings import Settings, Watch
from pipelines.watch.run import watch
from tests.watch.traffic import SLOTS, Population, flat, office

if TYPE_CHECKING:
    from pathlib import Path

DAYS, HISTORY, COPIES, EACH = 14, 7, 3, 5
WEEKDAY = office(84)


def customers(folder: Path, population: Population) -> None:
    """Every client that has token rows, COPIES times: thinned, and shifted against its other copies."""
    con = duckdb.connect()
    rates = con.execute(
        f"""select model, client, t // 600 as slot, requests from '{folder}/client_rate_10min.parquet'
        where model <> 'deepseek-r1' order by all"""
    ).df()
    lengths = con.execute(
        f"""select model, client, field, window_start // 21600 as part, mean from '{folder}/client_tokens_6h.parquet'
        where model <> 'deepseek-r1' and field in ('input_tokens', 'output_tokens') order by all"""
    ).df()
    means = dict(list(lengths.groupby(["model", "client"])))
    rng = population.rng
    for (model, client), rate in rates.groupby(["model", "client"]):
        if (model, client) not in means:
            continue
        served = np.zeros(DAYS * SLOTS, dtype=np.int64)
        served[rate["slot"].to_numpy()] = rate["requests"].to_numpy()
        for copy in range(COPIES):
            shift = int(rng.integers(0, DAYS) * SLOTS + copy * SLOTS // COPIES + rng.integers(0, 20))
            number = population.add("benign", str(model))
            requests = rng.binomial(np.roll(served, shift), 10 ** rng.uniform(-3, 0))
            population.requests[number] += requests
            for field, table in (("input_tokens", population.inputs), ("output_tokens", population.outputs)):
                mean = np.full(DAYS * 4, np.nan)
                rows = means[model, client]
                rows = rows[(rows["field"] == field) & (rows["part"] < DAYS * 4)]
                mean[rows["part"].to_numpy()] = rows["mean"].to_numpy()
                known = np.flatnonzero(~np.isnan(mean))
                mean = np.interp(np.arange(DAYS * 4), known, mean[known])
                slots = np.roll(np.repeat(mean, 36), shift)
                noise = np.maximum(0.05, 1 + rng.normal(size=len(slots)) * 1.3 / np.sqrt(np.maximum(requests, 1)))
                table[number] += np.round(requests * slots * noise).astype(np.int64)


def plant(population: Population) -> None:
    """EACH bulk harvests, pivots, labelling backfills and launches, and one synchronised hydra."""
    rng = population.rng
    daily = [r.reshape(DAYS, SLOTS).sum(axis=1) for r in population.requests]
    settled = [i for i, d in enumerate(daily) if (d[:HISTORY] > 0).sum() >= 5 and (d[HISTORY:] > 0).all()]
    chosen = rng.permutation(settled)[: 4 * EACH].tolist()
    for place, number in enumerate(chosen):
        kind = ("bulk", "pivot", "labelling", "launch")[place % 4]
        population.kinds[population.ids[number]] = kind
        volume, onset = 10 ** rng.uniform(3.8, 5), int(rng.integers(HISTORY, 11))
        answers, inputs, outputs = (
            float(t[number].sum()) for t in (population.requests, population.inputs, population.outputs)
        )
        for day in range(onset, min(DAYS, onset + 4)):
            slots = slice(day * SLOTS, (day + 1) * SLOTS)
            usual = population.requests[number][slots]
            if kind == "bulk":
                population.serve(number, day, rng.poisson(flat() * volume), 250, 1_000)
            elif kind == "labelling":
                population.serve(number, day, rng.poisson(flat() * volume), 400, 12)
            elif kind == "launch":
                population.serve(number, day, rng.poisson(usual * 6), inputs / answers, outputs / answers)
            else:
                for table in (population.inputs, population.outputs):
                    table[number][slots] //= 2
                half = usual // 2
                population.requests[number][slots] -= half
                population.serve(number, day, half, 250, 1_100)
    queue = rng.gamma(0.6, 1 / 0.6, DAYS * SLOTS // 3).repeat(3).reshape(DAYS, SLOTS)
    for _ in range(40):
        head, volume = population.add("hydra", "m-mid"), rng.uniform(60, 250)
        for day in range(HISTORY + int(rng.integers(0, 3)), DAYS):
            population.serve(head, day, rng.poisson(queue[day] * volume / SLOTS), 250, 800)
            population.serve(head, day, rng.poisson(WEEKDAY * volume / 5), 300, 60)


@pytest.fixture(scope="module")
def queue(request: pytest.FixtureRequest) -> tuple[Population, list[dict[str, Any]], float]:
    traces = request.config.rootpath.parent / "shared" / "traces" / "servegen"
    if not traces.is_dir():
        pytest.skip("real traces are not beside this checkout")
    population = Population(DAYS, seed=20)
    customers(traces, population)
    plant(population)
    connection = duckdb.connect()
    population.tables(connection)
    summary = watch(connection, Settings(watch=Watch(alerts_per_1000_organization_days=5)))
    result = connection.execute(
        "select organization_id, detector, linked_organizations from published.extraction_flags"
    )
    rows = [dict(zip(("id", "detector", "linked"), row, strict=True)) for row in result.fetchall()]
    return population, rows, summary.alerts_allowed


def test_budget_is_kept_on_real_customers(queue: Any) -> None:
    _, rows, allowed = queue
    assert allowed > 5
    assert 0.5 * allowed <= len(rows) <= 2 * allowed


def test_most_campaigns_and_few_look_alikes_are_queued(queue: Any) -> None:
    population, rows, _ = queue
    kinds = [population.kinds[row["id"]] for row in rows]
    assert kinds.count("bulk") + kinds.count("pivot") >= EACH
    assert kinds.count("labelling") + kinds.count("launch") <= 2


def test_hydra_among_real_customers_is_one_precise_case(queue: Any) -> None:
    population, rows, _ = queue
    groups = [row for row in rows if row["detector"] == "coordinated_accounts"]
    assert len(groups) == 1
    members = [groups[0]["id"], *json.loads(groups[0]["linked"])]
    true = [name for name in members if population.kinds[name] == "hydra"]
    assert len(true) >= 32
    assert len(true) >= 0.9 * len(members)
