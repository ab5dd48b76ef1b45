"""Teaching on simulated customers: labels, what is withheld, the same seed, and that what is taught is found."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import duckdb
import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from pipelines.watch.bench.activity import write_activity
from pipelines.watch.bench.contenders import taught_scores, write_features
from pipelines.watch.bench.customers import simulated_customers
from pipelines.watch.bench.fleet import split
from pipelines.watch.bench.metrics import benign_scores, judge, outcomes, threshold
from pipelines.watch.bench.truth import truth_of
from pipelines.watch.measured import WATCH
from pipelines.watch.taught.reasons import taught_reasons
from pipelines.watch.taught.score import score
from pipelines.watch.taught.teach import Lesson, fit, material, teach, write
from pipelines.watch.taught.trees import load
from tests.watch.bench.conftest import small_scene

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipelines.watch.taught.trees import Trees


# Threads that wait for each other are slow where tests run side by side.
@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    with threadpool_limits(1):
        yield


# Trees of a detector: enough for a small population.
FEW = 12


@pytest.fixture(scope="module")
def lessons() -> dict[str, Lesson]:
    customers, reasoning = simulated_customers(0)
    return material(customers, reasoning, split(customers, 0)[0], seed=3, populations=1, organizations=260)


@pytest.fixture(scope="module")
def taught(lessons: dict[str, Lesson]) -> dict[str, Trees]:
    return teach(lessons, 3, rounds=FEW)


@pytest.fixture(scope="module")
def population() -> tuple[duckdb.DuckDBPyConnection, object]:
    con, scene = duckdb.connect(), small_scene(seed=6)
    write_activity(con, scene)
    write_features(con, scene.days)
    return con, truth_of(con, scene)


def test_each_detector_is_shown_its_own_campaigns_and_what_is_honest(lessons: dict[str, Lesson]) -> None:
    for name, kind in (("stolen_key", "stolen_key"), ("evaluation", "evaluation_loop")):
        lesson = lessons[name]
        assert set(lesson.kind[lesson.campaign]) == {kind}
        # Other campaigns are neither to be found nor to be passed over.
        assert not np.isin(lesson.kind[~lesson.campaign], ["bulk", "assorted", "reseller"]).any()
        assert "own_evaluation" in set(lesson.kind[~lesson.campaign]) or name == "stolen_key"
    harvest = lessons["harvest"]
    assert "assorted" in set(harvest.kind[harvest.campaign])
    # Fields are withheld from some organisations, whatever their sources send.
    assert 0.05 < np.isnan(harvest.columns["cached"]).mean() < 0.5


def test_the_same_seed_teaches_the_same(lessons: dict[str, Lesson], taught: dict[str, Trees], tmp_path: Path) -> None:
    again = fit("evaluation", lessons["evaluation"], 3, rounds=FEW)
    assert again.expression() == taught["evaluation"].expression()
    write(tmp_path / "d.json", taught, {"seed": 3})
    assert load(tmp_path / "d.json")[1]["harvest"].expression() == taught["harvest"].expression()
    assert "Infinity" not in (tmp_path / "d.json").read_text()
    assert json.loads((tmp_path / "d.json").read_text())["taught"] == {"seed": 3}


def test_a_kind_that_was_never_shown_is_in_no_lesson(lessons: dict[str, Lesson]) -> None:
    some = {name: lessons[name] for name in ("stolen_key", "evaluation")}
    assert set(teach(some, 3, without=frozenset({"stolen_key"}), rounds=2)) == {"evaluation"}


def test_what_was_taught_is_found_among_other_organisations(
    taught: dict[str, Trees], population: tuple[duckdb.DuckDBPyConnection, object]
) -> None:
    con, truth = population
    scores = taught_scores(con, taught)
    judged = judge(truth, scores[WATCH])  # type: ignore[arg-type]
    above = threshold(benign_scores([judged])["score"].to_numpy(), 5)
    told = outcomes(judged, above)
    assert told["is_found"].mean() > 0.6
    # A detector alone finds what it was taught.
    alone = judge(truth, scores["coordinated"])  # type: ignore[arg-type]
    heads = outcomes(alone, threshold(benign_scores([alone])["score"].to_numpy(), 5)).set_index("kind")["heads"]
    assert heads[["hydra_synchronised", "hydra_unsynchronised"]].min() > 0.6


def test_few_rows_and_many_get_the_same_scores(
    taught: dict[str, Trees], population: tuple[duckdb.DuckDBPyConnection, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    con, _ = population
    found = []
    for few in (0, 10**9):
        monkeypatch.setattr("pipelines.watch.taught.score.FEW", few)
        score(con, taught)
        found.append(con.execute("select * from watch_taught order by all").fetchall())
    assert found[0] == found[1]
    assert found[0]


def test_reasons_are_numbers_of_the_row_strongest_first(
    taught: dict[str, Trees], population: tuple[duckdb.DuckDBPyConnection, object]
) -> None:
    con, _ = population
    result = con.execute("""
        select detector, usage_date, organization_id, slice, named, usage_hour from watch_taught
        where detector in ('harvest', 'stolen_key') qualify row_number() over (
            partition by detector order by log_odds desc) = 1 order by detector""")
    names = [c[0] for c in result.description]
    rows = [dict(zip(names, r, strict=True)) for r in result.fetchall()]
    for row in rows:
        reasons, against = taught_reasons(con, taught[row["detector"]], row)
        assert reasons
        assert len({r["code"] for r in reasons + against}) >= len(reasons)
        for reason in reasons + against:
            assert set(reason) == {"code", "text", "value", "unit", "own_baseline", "peer_percentile"}
            assert "{" not in reason["text"]
            assert reason["peer_percentile"] is None or 0 <= reason["peer_percentile"] <= 100
    [harvest] = [r for r in rows if r["detector"] == "harvest"]
    reasons, against = taught_reasons(con, taught["harvest"], harvest)
    [(week,)] = con.execute(
        """select 10 ** output_week from watch_features
        where usage_date = ? and organization_id = ? and slice = ? and named = ?""",
        [harvest[k] for k in ("usage_date", "organization_id", "slice", "named")],
    ).fetchall()
    told = [r for r in reasons + against if r["code"] == "much_output" and "seven" in r["text"]]
    assert all(r["value"] == pytest.approx(week, rel=1e-3) for r in told)
