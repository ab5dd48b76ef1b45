"""The activity models' SQL on a few requests whose features were counted by hand."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from tests.rating.models import sql_of

if TYPE_CHECKING:
    from collections.abc import Iterator

MODELS = Path(__file__).resolve().parents[2] / "dbt_project" / "models" / "marts" / "watch"
MADE = ("activity_10min", "activity_hourly", "activity_daily", "activity_slices_daily", "activity_places_hourly")
COLUMNS = {
    "usage_date": "date", "occurred_at": "timestamp", "organization_id": "varchar", "product_id": "varchar",
    "api_key_id": "varchar", "end_user_id": "varchar", "model": "varchar", "base_model": "varchar",
    "model_tier": "varchar", "status": "integer", "finish_reason": "varchar", "n": "integer", "logprobs": "boolean",
    "temperature": "double", "region": "varchar",
    "input_tokens": "bigint", "cached_input_tokens": "bigint", "cache_write_5m_tokens": "bigint",
    "cache_write_1h_tokens": "bigint", "audio_input_tokens": "bigint", "image_input_tokens": "bigint",
    "output_tokens": "bigint", "audio_output_tokens": "bigint", "image_output_tokens": "bigint",
    "prompt_digest": "varchar", "template_digest": "varchar",
    "client_network": "varchar", "billing_currency": "varchar", "revenue_amount": "decimal(38,18)",
}  # fmt: skip
PLAIN: dict[str, Any] = {
    "organization_id": "acme", "product_id": "chat", "api_key_id": "k1", "end_user_id": None, "model": "m",
    "base_model": None, "model_tier": "base", "status": 200, "finish_reason": "stop", "n": None, "logprobs": None,
    "temperature": None, "region": None,
    "input_tokens": 10, "cached_input_tokens": 0, "cache_write_5m_tokens": 0, "cache_write_1h_tokens": 0,
    "audio_input_tokens": 0, "image_input_tokens": 0, "output_tokens": 5, "audio_output_tokens": 0,
    "image_output_tokens": 0, "prompt_digest": None,
    "template_digest": None, "client_network": None, "billing_currency": "USD", "revenue_amount": Decimal("0.5"),
}  # fmt: skip
REQUESTS: list[dict[str, Any]] = [
    {"at": "2024-05-01 08:00:00", "prompt_digest": "p1", "template_digest": "t1", "client_network": "n1"},
    {"at": "2024-05-01 08:09:59", "prompt_digest": "p2", "template_digest": "t1", "client_network": "n2",
     "cached_input_tokens": 90, "finish_reason": "length", "n": 3},
    {"at": "2024-05-01 08:10:00", "prompt_digest": "p2", "template_digest": "t2", "client_network": "n2",
     "output_tokens": 0, "status": 429, "revenue_amount": None, "billing_currency": None},
    {"at": "2024-05-01 23:59:59", "api_key_id": "k2", "end_user_id": "u", "model": "ft:m:x", "base_model": "m",
     "model_tier": "fine_tuned", "product_id": None, "logprobs": True, "audio_output_tokens": 7,
     "audio_input_tokens": 4},
    {"at": "2024-05-02 00:00:00", "model": "embed", "output_tokens": 0},
    {"at": "2024-05-02 05:00:00", "organization_id": "other", "billing_currency": "EUR"},
    {"at": "2024-05-02 05:00:00", "organization_id": "other", "billing_currency": "USD"},
]  # fmt: skip


def build(connection: duckdb.DuckDBPyConnection, requests: list[dict[str, Any]], days: list[str]) -> None:
    columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    connection.execute(f"create or replace table rated_usage ({columns})")
    for request in requests:
        row = {**PLAIN, **request, "occurred_at": request["at"], "usage_date": request["at"][:10]}
        marks = ", ".join("?" for _ in COLUMNS)
        connection.execute(f"insert into rated_usage values ({marks})", [row[name] for name in COLUMNS])
    connection.execute("""
        create or replace view stg_usage_events as from rated_usage;
        create schema if not exists run;
        create schema if not exists marts;
        create or replace table run.touched_days (usage_date date)""")
    connection.executemany("insert into run.touched_days values (?)", [[day] for day in days])
    for model in MADE:
        # The models name each other without a schema here.
        connection.execute(f"create or replace table marts.{model} as {sql_of(model)}")
        connection.execute(f"create or replace view {model} as from marts.{model}")


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as con:
        yield con


def row(connection: duckdb.DuckDBPyConnection, table: str, where: str) -> dict[str, Any]:
    result = connection.execute(f"select * from {table} where {where}")
    names = [c[0] for c in result.description]
    rows = result.fetchall()
    assert len(rows) == 1
    return dict(zip(names, rows[0], strict=True))


def test_daily_features_by_hand(connection: duckdb.DuckDBPyConnection) -> None:
    build(connection, REQUESTS, ["2024-05-01", "2024-05-02"])
    day = row(connection, "marts.activity_daily", "organization_id = 'acme' and usage_date = '2024-05-01'")
    expected = {
        "requests": 4, "failed": 1, "rate_limited": 1, "answers": 3,
        "input_tokens": 10 + 100 + 10 + 14, "cached_input_tokens": 90, "answer_input_tokens": 10 + 100 + 14,
        "output_tokens": 5 + 5 + 0 + 12, "fine_tuned_output_tokens": 12, "length_finishes": 1, "multi_answer": 1,
        "logprobs_requests": 1, "active_hours": 2, "active_10min": 3,
        "hour_entropy": 0.811278,  # shares 3/4 and 1/4: 0.75 log2(4/3) + 0.25 log2(4)
        "keys": 2, "end_users": 1, "prompts": 2, "prompt_requests": 3, "templates": 2, "template_requests": 3,
        "top_template_requests": 2, "client_networks": 2, "models": 1, "products": 2, "dominant_model": "m",
        "dominant_model_requests": 4, "dominant_product": "chat", "top_templates": ["t1", "t2"],
        "top_client_networks": ["n2", "n1"], "billing_currency": "USD", "revenue_amount": Decimal("1.5"),
    }  # fmt: skip
    assert {name: day[name] for name in expected} == expected
    assert set(day) == {*expected, "usage_date", "organization_id"}


def test_no_answer_no_digest_and_mixed_currencies(connection: duckdb.DuckDBPyConnection) -> None:
    build(connection, REQUESTS, ["2024-05-02"])
    embedding = row(connection, "marts.activity_daily", "organization_id = 'acme'")
    assert (embedding["answers"], embedding["answer_input_tokens"], embedding["output_tokens"]) == (
        0,
        0,
        0,
    )
    assert (embedding["templates"], embedding["top_templates"], embedding["hour_entropy"]) == (
        0,
        [],
        0,
    )
    mixed = row(connection, "marts.activity_daily", "organization_id = 'other'")
    assert (mixed["billing_currency"], mixed["revenue_amount"]) == (None, None)


def test_hours_and_slots(connection: duckdb.DuckDBPyConnection) -> None:
    build(connection, REQUESTS, ["2024-05-01", "2024-05-02"])
    hour = row(connection, "marts.activity_hourly", "usage_hour = '2024-05-01 08:00:00'")
    assert (hour["requests"], hour["active_10min"], hour["prompts"], hour["keys"]) == (3, 2, 2, 1)
    slots = connection.execute(
        "select slot, requests, output_tokens from marts.activity_10min where usage_date = '2024-05-01' order by slot"
    ).fetchall()
    assert slots == [(48, 2, 10), (49, 1, 0), (143, 1, 12)]


def test_slices_by_hand(connection: duckdb.DuckDBPyConnection) -> None:
    build(connection, REQUESTS, ["2024-05-01"])
    table = "marts.activity_slices_daily"
    assert connection.execute(f"select slice, named from {table} order by all").fetchall() == [
        ("key", "k1"), ("key", "k2"), ("model", "m"), ("template", "t1"), ("template", "t2"),
    ]  # fmt: skip
    key = row(connection, table, "named = 'k1'")
    expected = {
        "requests": 3, "failed": 1, "rate_limited": 1, "answers": 2, "input_tokens": 120, "cached_input_tokens": 90,
        "answer_input_tokens": 110, "output_tokens": 10, "length_finishes": 1, "multi_answer": 1,
        "logprobs_requests": 0, "cold_requests": 0, "prompts": 2, "prompt_requests": 3, "end_users": 0, "templates": 2,
        "active_hours": 1, "active_10min": 2,
    }  # fmt: skip
    assert {name: key[name] for name in expected} == expected
    # The tuned model's request is in the slice of its base.
    model = row(connection, table, "slice = 'model'")
    assert (model["requests"], model["output_tokens"], model["logprobs_requests"]) == (4, 22, 1)


def test_only_the_ten_slices_of_a_kind_with_most_output_are_kept(connection: duckdb.DuckDBPyConnection) -> None:
    many = [{"at": "2024-05-01 08:00:00", "template_digest": f"t{n:02}", "output_tokens": n} for n in range(30)]
    build(connection, many, ["2024-05-01"])
    kept = connection.execute(
        "select named from marts.activity_slices_daily where slice = 'template' order by named"
    ).fetchall()
    assert [name for (name,) in kept] == [f"t{n}" for n in range(20, 30)]


def test_places_by_hand(connection: duckdb.DuckDBPyConnection) -> None:
    build(
        connection, [{**r, "region": "eu" if r["at"] > "2024-05-01 08:09" else None} for r in REQUESTS], ["2024-05-01"]
    )
    found = connection.execute("""
        select usage_hour::varchar, client_network, region, model, requests, failed, output_tokens
        from marts.activity_places_hourly order by all""").fetchall()
    assert found == [
        ("2024-05-01 08:00:00", "n1", None, "m", 1, 0, 5),
        ("2024-05-01 08:00:00", "n2", "eu", "m", 2, 1, 5),
        ("2024-05-01 23:00:00", None, "eu", "m", 1, 0, 12),
    ]


def test_only_touched_days_and_order_of_rows_do_not_matter(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    build(connection, REQUESTS, ["2024-05-01"])
    days = connection.execute("select distinct usage_date::varchar from marts.activity_daily").fetchall()
    assert days == [("2024-05-01",)]
    first = connection.execute("select * from marts.activity_daily order by all").fetchall()
    build(connection, REQUESTS[::-1], ["2024-05-01"])
    assert connection.execute("select * from marts.activity_daily order by all").fetchall() == first


@pytest.mark.parametrize("model", MADE)
def test_contract_lists_the_columns_in_order(connection: duckdb.DuckDBPyConnection, model: str) -> None:
    build(connection, REQUESTS, ["2024-05-01"])
    made = [r[0] for r in connection.execute(f"describe marts.{model}").fetchall()]
    text = (MODELS / f"{model}.yml").read_text().split("    columns:")[1]
    listed = [line.split("name: ")[1] for line in text.splitlines() if "- name: " in line]
    assert listed == made
