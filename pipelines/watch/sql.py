"""Runs the watch's SQL files with their parameters filled in; names of tables live in the files."""

from __future__ import annotations

from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from pipelines.sql import read_sql

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

HERE = Path(__file__).parent


def query(file: str, **parameters: int | float | str) -> str:
    """Text of one of our SQL files; every `$name` in it must be given. Values are our own, never a log's."""
    return Template(read_sql(HERE / file)).substitute(parameters)


def run_sql(connection: DuckDBPyConnection, file: str, **parameters: int | float | str) -> None:
    """Execute one of our SQL files."""
    connection.execute(query(file, **parameters))
