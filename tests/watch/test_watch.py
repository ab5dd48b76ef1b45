"""The whole step on a seeded population: what is flagged, how much, and that it stays the same."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import duckdb
import numpy as np
import pytest

from pipelines.settings import Settings, Watch
from pipelines.watch.run import WatchSummary, watch
from tests.watch.traffic import SLOTS, START, Population, flat, office

DAYS, CUSTOMERS = 28, 135
ONSET = 18
TABLES = ("watch.organization_day_scores", "watch.extraction_flags")


def run(population: Population, *, budget: float = 2, shuffle: int | None = None) -> tuple[Any, WatchSummary]:
    connection = duckdb.connect()
    population.tables(connection, shuffle=shuffle)
    settings = Settings(watch=Watch(alerts_per_1000_organization_days=budget))
    return connection, watch(connection, settings)


def flags(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    result = connection.execute("select * from published.extraction_flags")
    names = [c[0] for c in result.description]
    rows = [dict(zip(names, row, strict=True)) for row in result.fetchall()]
    for row in rows:
        for name in ("reasons", "counter_evidence", "linked_organizations"):
            row[name] = json.loads(row[name])
    return rows


def plant(population: Population) -> None:
    """Two bulk harvests, a pivot, a hydra of 14 heads; a labelling backfill and a launch beside them."""
    rng = population.rng
    settled = [i for i, name in enumerate(population.ids) if population.requests[i][:SLOTS].any()]
    bulk, pivot, labelling, launch = settled[3], settled[40], settled[60], settled[80]
    for day in range(ONSET, ONSET + 4):
        population.serve(bulk, day, rng.poisson(flat() * 9_000), 200, 1_100)
        population.serve(labelling, day, rng.poisson(flat() * 60_000), 400, 6)
    new = population.add("bulk")
    for day in range(ONSET, ONSET + 5):
        population.serve(new, day, rng.poisson(flat() * 6_000), 250, 1_000)
    for day in range(ONSET, DAYS):
        place = slice(day * SLOTS, (day + 1) * SLOTS)
        half = population.requests[pivot][place] // 2
        for table in (population.requests, population.inputs, population.outputs):
            table[pivot][place] -= table[pivot][place] // 2
        population.serve(pivot, day, half, 250, 1_200)
        usual = population.requests[launch][:SLOTS].sum() * 8
        inputs, outputs = (t[launch][:SLOTS].sum() for t in (population.inputs, population.outputs))
        first = population.requests[launch][:SLOTS].sum()
        population.serve(launch, day, rng.poisson(office(60) * usual), inputs / first, outputs / first)
    queue = rng.gamma(0.6, 1 / 0.6, DAYS * SLOTS // 3).repeat(3).reshape(DAYS, SLOTS)
    for _ in range(14):
        head, volume = population.add("hydra"), rng.uniform(60, 200)
        population.networks[population.ids[head]] = "shared"
        for day in range(ONSET + int(rng.integers(0, 3)), DAYS):
            population.serve(head, day, rng.poisson(queue[day] * volume / SLOTS), 250, 900)
    for number, kind in ((bulk, "bulk"), (pivot, "pivot"), (labelling, "labelling"), (launch, "launch")):
        population.kinds[population.ids[number]] = kind


@pytest.fixture(scope="module")
def mixed() -> tuple[Population, duckdb.DuckDBPyConnection, WatchSummary]:
    population = Population(DAYS, seed=3)
    population.customers(CUSTOMERS)
    plant(population)
    return (population, *run(population))


def test_campaigns_are_flagged_and_look_alikes_are_not(mixed: Any) -> None:
    population, connection, summary = mixed
    seen = [population.kinds[row["organization_id"]] for row in flags(connection)]
    assert seen.count("bulk") == 2
    assert seen.count("hydra") == 1
    assert "pivot" in seen
    assert "labelling" not in seen
    assert "launch" not in seen
    assert summary.flags == len(seen) <= 2 * summary.alerts_allowed


def test_hydra_is_one_case_with_all_its_heads(mixed: Any) -> None:
    population, connection, _ = mixed
    case = next(r for r in flags(connection) if population.kinds[r["organization_id"]] == "hydra")
    members = {case["organization_id"], *case["linked_organizations"]}
    assert members == {name for name, kind in population.kinds.items() if kind == "hydra"}
    assert case["detector"] == "coordinated_accounts"
    assert {"shared_rhythm", "shared_client_network"} <= {r["code"] for r in case["reasons"]}
    heads = [i for i, name in enumerate(population.ids) if name in members]
    assert case["output_tokens"] == sum(int(population.outputs[i].sum()) for i in heads)
    assert case["first_seen"] == START + timedelta(days=ONSET)


def test_rows_of_the_queue_are_well_formed(mixed: Any) -> None:
    _, connection, _ = mixed
    rows = flags(connection)
    assert [r["rank"] for r in rows] == list(range(1, len(rows) + 1))
    assert [r["score"] for r in rows] == sorted((r["score"] for r in rows), reverse=True)
    assert len({r["case_id"] for r in rows}) == len(rows)
    for row in rows:
        assert row["state"] == "new"
        assert row["first_seen"] <= row["last_seen"]
        assert row["reasons"]
        for reason in row["reasons"] + row["counter_evidence"]:
            assert set(reason) == {"code", "text", "value", "unit", "own_baseline", "peer_percentile"}
            assert not {"theft", "steal", "thief"} & set(reason["text"].lower().split())


def test_numbers_of_a_taught_reason_are_those_of_the_traffic(mixed: Any) -> None:
    population, connection, _ = mixed
    row = next(r for r in flags(connection) if r["organization_id"] == population.ids[3])
    assert row["detector"] == "harvest"
    outputs = population.outputs[3].reshape(DAYS, SLOTS).sum(axis=1)
    requests = population.requests[3].reshape(DAYS, SLOTS).sum(axis=1)
    told = {r["code"]: r for r in row["reasons"] + row["counter_evidence"]}
    assert {"much_output", "more_output", "long_answers", "longer_answers", "record_output"} & set(told)
    for reason in told.values():
        if reason["unit"] == "output tokens" and "day" in reason["text"]:
            assert np.isclose(reason["value"], outputs + 1, rtol=1e-3).any()
        if reason["unit"] == "output tokens an answer" and "days" not in reason["text"]:
            assert np.isclose(reason["value"], (outputs + 1) / (requests + 1), rtol=1e-2).any()
    assert row["answers"] == sum(int(requests[(d - START).days]) for d in _days(row["first_seen"], row["last_seen"]))
    assert row["comparable_training_set"].startswith(f"{row['answers']:,} answers")
    [model] = json.loads(row["models"])
    assert (model["model"], model["output_tokens"]) == (population.models[3], row["output_tokens"])
    assert row["detector_version"]


def test_numbers_in_reasons_are_those_of_the_traffic(mixed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    population, _, _ = mixed
    # Without the taught detectors the queue is of mass x shape alone, and as long.
    monkeypatch.setattr("pipelines.watch.run.TAUGHT_SHARE", 0)
    connection, _ = run(population)
    assert {r["detector"] for r in flags(connection)} == {"mass_shape", "coordinated_accounts"}
    row = next(r for r in flags(connection) if r["organization_id"] == population.ids[3])
    number = 3
    requests, outputs = (
        table[number].reshape(DAYS, SLOTS).sum(axis=1) for table in (population.requests, population.outputs)
    )
    by_code = {r["code"]: r for r in row["reasons"]}
    length = by_code["long_answers"]
    day = int(np.argmin(np.abs(outputs / requests - length["value"])))
    assert ONSET <= day < ONSET + 4
    assert length["value"] == pytest.approx(outputs[day] / requests[day], abs=1e-3)
    usual = np.median([outputs[d] / requests[d] for d in range(day) if requests[d]])
    assert length["own_baseline"] == pytest.approx(usual, abs=1e-3)
    lengths = connection.execute(
        """select output_tokens / answers from marts.activity_daily
        join watch.organization_day_scores using (usage_date, organization_id)
        where peer_group = (select peer_group from watch.organization_day_scores
            where organization_id = ? and usage_date = ?)""",
        [row["organization_id"], START + timedelta(days=day)],
    ).fetchnumpy()
    values = np.asarray(next(iter(lengths.values())))
    below = (values < outputs[day] / requests[day]).mean() * 100
    assert length["peer_percentile"] == pytest.approx(below, abs=0.2)
    fresh = by_code["unexplained_output"]["value"]
    assert 0 < fresh <= outputs[ONSET : ONSET + 10].sum()
    assert row["output_tokens"] == sum(
        int(outputs[(d - START).days]) for d in _days(row["first_seen"], row["last_seen"])
    )


def _days(first: Any, last: Any) -> list[Any]:
    return [first + timedelta(days=i) for i in range((last - first).days + 1)]


def test_same_rows_in_any_order_and_again(mixed: Any) -> None:
    population, connection, _ = mixed
    again, _ = run(population, shuffle=5)
    watch(again, Settings(watch=Watch(alerts_per_1000_organization_days=2)))
    for table in TABLES:
        query = f"select * from {table} order by all"
        assert again.execute(query).fetchall() == connection.execute(query).fetchall()


@pytest.mark.parametrize("seed", [1])
def test_budget_is_met_on_benign_traffic(seed: int) -> None:
    population = Population(DAYS, seed=seed)
    population.customers(CUSTOMERS)
    connection, summary = run(population)
    assert summary.organization_days > 2_000
    assert summary.alerts_allowed == pytest.approx(2 * summary.organization_days / 1000)
    assert 0.5 * summary.alerts_allowed <= len(flags(connection)) <= 2 * summary.alerts_allowed
    assert summary.group_cases == 0


def test_no_usage_gives_an_empty_queue() -> None:
    connection, summary = run(Population(DAYS))
    assert flags(connection) == []
    assert (summary.last_day, summary.organization_days) == (None, 0)
    assert summary.note == "no usage to judge"


@pytest.mark.parametrize("days", [1, 7])
def test_short_history_flags_nothing_and_says_so(days: int) -> None:
    population = Population(days, seed=2)
    for _ in range(60):
        number = population.add("benign")
        for day in range(days):
            population.serve(number, day, population.rng.poisson(flat() * 300), 100, 50)
    population.serve(0, days - 1, population.rng.poisson(flat() * 9_000), 100, 2_000)
    connection, summary = run(population, budget=1000)
    assert flags(connection) == []
    assert summary.unjudged_days == 60 * days
    assert "history too short" in summary.note


def test_one_organization_has_no_peers_and_no_flag() -> None:
    population = Population(DAYS, seed=2)
    number = population.add("benign")
    for day in range(DAYS):
        population.serve(number, day, population.rng.poisson(flat() * 300), 100, 50)
    connection, summary = run(population)
    assert flags(connection) == []
    assert "less than one case" in summary.note
    _, generous = run(population, budget=1000)
    assert generous.organization_days == DAYS - 7


def test_failed_days_without_any_answer_are_harmless() -> None:
    population = Population(DAYS, seed=4)
    population.customers(40)
    connection = duckdb.connect()
    population.tables(connection)
    connection.execute(
        "update marts.activity_daily set answers = 0, output_tokens = 0, answer_input_tokens = 0, failed = requests"
        " where usage_date = ?",
        [START + timedelta(days=20)],
    )
    summary = watch(connection, Settings())
    assert summary.flags == round(summary.alerts_allowed)


def test_hostile_names_are_only_data() -> None:
    population = Population(DAYS, seed=3)
    population.customers(60)
    population.ids[3] = "o'); drop table marts.activity_daily; --"
    population.kinds = dict.fromkeys(population.ids, "benign")
    for day in range(ONSET, ONSET + 4):
        population.serve(3, day, population.rng.poisson(flat() * 9_000), 200, 1_100)
    connection, _ = run(population)
    assert population.ids[3] in {row["organization_id"] for row in flags(connection)}


def test_case_id_survives_another_day_of_data(mixed: Any) -> None:
    population, connection, _ = mixed
    shorter = duckdb.connect()
    population.tables(shorter)
    for table in ("activity_daily", "activity_10min"):
        shorter.execute(f"delete from marts.{table} where usage_date = ?", [START + timedelta(days=DAYS - 1)])
    watch(shorter, Settings(watch=Watch(alerts_per_1000_organization_days=2)))
    before = {(r["organization_id"], r["case_id"]) for r in flags(shorter)}
    after = {(r["organization_id"], r["case_id"]) for r in flags(connection)}
    campaigns = {pair for pair in after if population.kinds[pair[0]] in ("bulk", "hydra")}
    assert len(campaigns) == 3
    assert campaigns <= before
