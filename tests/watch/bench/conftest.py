"""One small population, written as the watch's tables, for the tests that only look at it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
import pytest

from pipelines.watch.bench.activity import write_activity
from pipelines.watch.bench.customers import simulated_customers
from pipelines.watch.bench.fleet import split
from pipelines.watch.bench.population import populate
from pipelines.watch.bench.truth import truth_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipelines.watch.bench.scene import Scene
    from pipelines.watch.bench.truth import Truth


def small_scene(seed: int = 1, **changes: object) -> Scene:
    """A population of simulated customers."""
    customers, reasoning = simulated_customers(0)
    sizes: dict[str, object] = {"organizations": 250, "weeks": 5, "campaigns": 2} | changes
    return populate(customers, reasoning, split(customers, 0)[1], seed, **sizes)  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def scene() -> Scene:
    return small_scene(seed=2)


@pytest.fixture(scope="session")
def written(scene: Scene) -> Iterator[tuple[duckdb.DuckDBPyConnection, Truth]]:
    """The population's tables, and its truth."""
    with duckdb.connect() as con:
        write_activity(con, scene)
        yield con, truth_of(con, scene)
