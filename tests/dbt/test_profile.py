"""The profile by which dbt opens the warehouse: within our limits, and still when it has spilled to the disk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml
from dbt.adapters.duckdb.credentials import DuckDBCredentials
from dbt.adapters.duckdb.environments.local import LocalEnvironment
from jinja2 import Template

from pipelines.build import DBT_PROJECT

if TYPE_CHECKING:
    from pathlib import Path


def credentials(**environment: str) -> DuckDBCredentials:
    """The profile's, with these variables."""

    def env_var(name: str, default: str) -> str:
        return environment.get(name, default)

    text = Template((DBT_PROJECT / "profiles.yml").read_text(encoding="utf-8")).render(env_var=env_var)
    given: dict[str, Any] = yaml.safe_load(text)["meterhouse"]["outputs"]["duckdb"]
    return DuckDBCredentials.from_dict({"schema": "main", "database": "w", **given})


def test_a_model_after_one_that_spilled_is_built(tmp_path: Path) -> None:
    spill = tmp_path / "spill"
    opened = LocalEnvironment(
        credentials(
            METERHOUSE_WAREHOUSE=str(tmp_path / "w.duckdb"), METERHOUSE_SPILL=str(spill), METERHOUSE_MEMORY_LIMIT="64MB"
        )
    )
    first = opened.handle().cursor()
    first.execute("create temp table much as select range, md5(range::varchar) as text from range(1500000)")
    assert list(spill.iterdir()) != []
    second = opened.handle().cursor()
    found = second.execute(
        "select current_setting('memory_limit'), current_setting('temp_directory'), current_setting('TimeZone')"
    ).fetchone()
    assert found == ("61.0 MiB", str(spill), "UTC")
