"""dbt's own unit tests, and that the project's SQL and documentation hold to the contract."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import yaml

from pipelines import build
from pipelines.landing.contract import BUCKETS, COLUMNS, METERS
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


def test_rated_usage_describes_its_contract_columns_as_the_contract_does() -> None:
    (model,) = yaml.safe_load((MODELS / "rating" / "rated_usage.yml").read_text())["models"]
    documented = {c["name"]: (c["data_type"], c["description"]) for c in model["columns"]}
    common = [column for column in COLUMNS if column.name in documented]
    assert {c.name for c in common} >= {"source", "event_id", "organization_id", *BUCKETS, *METERS}
    for column in common:
        assert documented[column.name] == (column.type.lower(), column.meaning)


def test_every_model_column_is_described(finished: tuple[Home, RunSummary]) -> None:
    described: dict[str, set[str]] = {}
    for path in MODELS.rglob("*.yml"):
        for model in yaml.safe_load(path.read_text()).get("models", []):
            assert model["description"].strip(), model["name"]
            described[model["name"]] = {c["name"] for c in model.get("columns", []) if c["description"].strip()}
    names = {p.stem for p in MODELS.rglob("*.sql")}
    assert names == set(described)
    present: dict[str, set[str]] = {}
    for schema, table, column in ask(
        finished[0], "select table_schema, table_name, column_name from information_schema.columns"
    ):
        present.setdefault(f"{schema}.{table}", set()).add(column)
    for name, columns in described.items():
        text = (next(MODELS.rglob(f"{name}.sql"))).read_text()
        if "materialized='ephemeral'" in text or name == "stg_usage_events":
            continue
        published = (MODELS / "published" / f"{name}.sql").exists() or "schema='published'" in text
        schemas = ["published"] if published else ["marts", "rating"]
        built = [present.get(f"{schema}.{name.removesuffix('_published')}") for schema in schemas]
        assert columns in built, name


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
        "spend_reported": ["charge_date", "reported_revenue_amount", "reported_cost_amount", "unconverted_reason"],
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
        where regexp_matches(column_name, '(amount|price)$|^price_.*(tokens|hours|calls|requests)$')
            and data_type not like 'DECIMAL%'""",
    )
    assert floats == []
