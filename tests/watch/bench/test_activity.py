"""A population's tables have the columns of the dbt models, and what is drawn adds up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml

from pipelines.build import DBT_PROJECT
from pipelines.watch.bench.activity import name_of

if TYPE_CHECKING:
    import duckdb

    from pipelines.watch.bench.scene import Scene
    from pipelines.watch.bench.truth import Truth

Written = tuple["duckdb.DuckDBPyConnection", "Truth"]


def one(con: duckdb.DuckDBPyConnection, query: str) -> object:
    [(value,)] = con.execute(query).fetchall()
    return value


TABLES = ("activity_10min", "activity_hourly", "activity_daily", "activity_slices_daily", "activity_places_hourly")


@pytest.mark.parametrize("table", TABLES)
def test_columns_are_those_of_the_model(written: Written, table: str) -> None:
    con, _ = written
    path = DBT_PROJECT / "models" / "marts" / "watch" / f"{table}.yml"
    [model] = yaml.safe_load(path.read_text(encoding="utf-8"))["models"]
    made = {name: kind for name, kind, *_ in con.execute(f"describe marts.{table}").fetchall()}
    assert {c["name"]: str(c["data_type"]).upper().replace(", ", ",") for c in model["columns"]} == made


def test_every_request_is_in_every_table(written: Written, scene: Scene) -> None:
    con, _ = written
    planned = sum(int(p.requests.sum()) for p in scene.pieces)
    for table in ("activity_10min", "activity_hourly", "activity_daily"):
        assert one(con, f"select sum(requests) from marts.{table}") == planned
    tokens = {one(con, f"select sum(output_tokens) from marts.activity_{t}") for t in ("10min", "hourly", "daily")}
    assert len(tokens) == 1


def test_parts_are_no_more_than_the_whole(written: Written) -> None:
    con, _ = written
    for part in ("failed", "answers", "length_finishes", "multi_answer", "logprobs_requests", "prompts",
                 "top_template_requests", "dominant_model_requests"):  # fmt: skip
        assert one(con, f"select count(*) from marts.activity_daily where {part} > requests or {part} < 0") == 0, part
    assert one(con, "select count(*) from marts.activity_daily where rate_limited > failed") == 0
    assert one(con, "select count(*) from marts.activity_daily where hour_entropy not between 0 and 4.585") == 0


def test_a_reindex_has_no_answers(written: Written, scene: Scene) -> None:
    con, _ = written
    piece = next(p for p in scene.pieces if p.label.startswith("reindex"))
    [(answers,)] = con.execute(
        """select sum(answers) from marts.activity_daily
        where organization_id = ? and dominant_model = 'text-embedding-3-small'""",
        [name_of(piece.organization)],
    ).fetchall()
    requests = int(piece.requests.sum())
    assert answers is None or answers < requests


def test_the_truth_holds_the_output_of_campaigns_without_their_cover(written: Written) -> None:
    con, truth = written
    assert not truth.output["label"].str.endswith("/cover").any()
    assert (truth.campaigns["output_tokens"] > 0).all()
    assert set(truth.days.loc[truth.days["label"] != "", "label"]) <= set(truth.campaigns["label"])
    taken = one(
        con, "select sum(output_tokens) from bench_output where label like '%/plain/%' and label not like '%/cover'"
    )
    plain = truth.campaigns[truth.campaigns["variant"] == "plain"]
    assert int(plain["output_tokens"].sum()) <= int(str(taken))


def test_hosts_of_campaigns_are_not_benign_on_any_day(written: Written) -> None:
    _, truth = written
    attackers = set(truth.days.loc[truth.days["label"] != "", "organization_id"])
    assert not truth.days.loc[truth.days["organization_id"].isin(attackers), "benign"].any()
    assert truth.days["benign"].mean() > 0.3


def test_slices_meet_no_more_than_their_day(written: Written) -> None:
    con, _ = written
    assert one(con, "select count(*) from marts.activity_slices_daily where slice = 'template' and templates != 1") == 0
    for things in ("templates", "end_users"):
        assert one(con, f"""
            select count(*) from marts.activity_slices_daily as s
            inner join marts.activity_daily as d using (usage_date, organization_id)
            where s.{things} > d.{things}""") == 0  # fmt: skip


def test_facts_that_nobody_wrote_down_are_in_no_table(scene: Scene, written: Written) -> None:
    con, _ = written
    known = {name for (name,) in con.execute("select organization_id from watch.organizations").fetchall()}
    assert known == {name_of(n) for n, unsent in enumerate(scene.unsent) if "facts" not in unsent}
