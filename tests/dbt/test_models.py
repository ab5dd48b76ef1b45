"""dbt's own unit tests, and that the project's SQL and documentation hold to the contract."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import yaml

from pipelines import build
from pipelines.landing.contract import BUCKETS, COLUMNS
from tests.conftest import ask

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.home import Home
    from pipelines.run import RunSummary

MODELS = build.DBT_PROJECT / "models"


def test_unit_tests_of_rating_pass(finished: tuple[Home, RunSummary], tmp_path: Path) -> None:
    environment = build.dbt_environment(finished[0]) | {
        "DBT_TARGET_PATH": str(tmp_path),
        "DBT_LOG_PATH": str(tmp_path),
    }
    done = subprocess.run(
        [build.dbt_executable(), "test", "--select", "test_type:unit", "--project-dir", build.DBT_PROJECT],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]
    passed = re.search(r"PASS=(\d+)", done.stdout)
    assert passed
    assert int(passed.group(1)) >= 1


def test_bucket_macro_lists_the_buckets_of_the_contract() -> None:
    text = (build.DBT_PROJECT / "macros" / "buckets.sql").read_text()
    listed = re.search(r"return\(\[(.*?)\]\)", text, re.DOTALL)
    assert listed
    assert tuple(re.findall(r'"(\w+)"', listed.group(1))) == BUCKETS


def test_rated_usage_has_every_contract_column_with_its_type_and_meaning() -> None:
    (model,) = yaml.safe_load((MODELS / "rating" / "rated_usage.yml").read_text())["models"]
    documented = {c["name"]: (c["data_type"], c["description"]) for c in model["columns"]}
    for column in COLUMNS:
        assert documented[column.name] == (column.type.lower(), column.meaning)


def test_every_model_column_is_described(finished: tuple[Home, RunSummary]) -> None:
    described: dict[str, set[str]] = {}
    for path in MODELS.rglob("*.yml"):
        for model in yaml.safe_load(path.read_text()).get("models", []):
            assert model["description"].strip(), model["name"]
            described[model["name"]] = {c["name"] for c in model.get("columns", []) if c["description"].strip()}
    names = {p.stem for p in MODELS.rglob("*.sql")}
    assert names == set(described)
    for name in names - {"stg_usage_events"}:
        table = name.removesuffix("_published")
        schema = "published" if (MODELS / "published" / f"{name}.sql").exists() else "marts"
        columns = {c for (c, *_) in ask(finished[0], f"describe {schema}.{table}")}
        assert columns == described[name], name


def test_published_schema_has_what_other_tools_are_promised(
    finished: tuple[Home, RunSummary],
) -> None:
    promised = {
        "spend_daily": [
            "charge_date",
            "organization_id",
            "product_id",
            "provider",
            "model",
            "model_tier",
            "service_tier",
            "requests",
            "billing_currency",
            "revenue_amount",
            "cost_amount",
            "unpriced_requests",
            *list(BUCKETS),
        ],
        "rated_usage": [
            "source",
            "event_id",
            "occurred_at",
            "organization_id",
            "product_id",
            "provider",
            "model",
            "base_model",
            "model_tier",
            "service_tier",
            "revenue_amount",
            "cost_amount",
            "unpriced_reason",
            *list(BUCKETS),
        ],
        "ingested_files": ["source", "file", "records_read", "accepted", "duplicates", "amendments", "quarantined"],
        "quarantined_records": ["source", "file", "line", "field", "reason", "raw"],
        "extraction_flags": [
            "case_id",
            "organization_id",
            "first_seen",
            "last_seen",
            "detector",
            "score",
            "reasons",
            "state",
        ],
        "usage_events": [c.name for c in COLUMNS],
    }
    for table, columns in promised.items():
        present = {c for (c, *_) in ask(finished[0], f"describe published.{table}")}
        assert set(columns) <= present, table


def test_money_is_decimal_everywhere(finished: tuple[Home, RunSummary]) -> None:
    floats = ask(
        finished[0],
        """
        select table_schema, table_name, column_name, data_type from information_schema.columns
        where (column_name like '%amount%' or column_name like 'price_%' or column_name = 'price')
            and data_type not like 'DECIMAL%' and column_name != 'price_book_digest'""",
    )
    assert floats == []
