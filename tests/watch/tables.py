"""The activity tables, empty, with the columns of the dbt models; and rows by hand for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from pipelines.build import DBT_PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterable

    import duckdb

MODELS = DBT_PROJECT / "models" / "marts" / "watch"
# What a hundred requests of a day are like if nothing else is said.
PLAIN: dict[str, Any] = {
    "requests": 100, "failed": 0, "rate_limited": 0, "answers": 100, "input_tokens": 10_000,
    "cached_input_tokens": 0, "answer_input_tokens": 10_000, "output_tokens": 5_000, "length_finishes": 0,
    "multi_answer": 0, "logprobs_requests": 0, "cold_requests": 0, "prompts": 50, "prompt_requests": 100,
    "end_users": 0, "templates": 1, "active_hours": 10, "active_10min": 20, "dominant_model": "m",
    "top_templates": [], "top_client_networks": [],
}  # fmt: skip


def make_tables(con: duckdb.DuckDBPyConnection, tables: Iterable[str]) -> None:
    """Create marts.<table> for each of these models."""
    for table in tables:
        [model] = yaml.safe_load((MODELS / f"{table}.yml").read_text(encoding="utf-8"))["models"]
        columns = ", ".join(f"{c['name']} {c['data_type']}" for c in model["columns"])
        con.execute(f"create or replace table marts.{table} ({columns})")


def put(con: duckdb.DuckDBPyConnection, table: str, **row: Any) -> None:
    """Add a row; what is not named is PLAIN's, or null."""
    known = {c[0] for c in con.execute(f"describe marts.{table}").fetchall()}
    row = {k: v for k, v in PLAIN.items() if k in known} | row
    con.execute(f"insert into marts.{table} ({', '.join(row)}) values ({', '.join('?' * len(row))})", [*row.values()])
