"""One database for all worlds of a module: opening one for each would take most of the time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty database in memory, closed behind the module."""
    with duckdb.connect() as connection:
        yield connection
