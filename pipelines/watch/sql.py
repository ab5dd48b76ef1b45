"""Runs the watch's SQL files. Their parameters are DuckDB variables, all named watch_*."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.sql import literal, read_sql

if TYPE_CHECKING:
    from collections.abc import Sequence

    from duckdb import DuckDBPyConnection

HERE = Path(__file__).parent

Parameter = int | float | str | date | tuple[str, ...]
Row = dict[str, Any]


def run_sql(connection: DuckDBPyConnection, file: str, **parameters: Parameter) -> None:
    """Execute the statements of one of our SQL files."""
    _set(connection, parameters)
    connection.execute(read_sql(HERE / file))


def rows_of(connection: DuckDBPyConnection, file: str, **parameters: Parameter) -> list[Row]:
    """The rows of one of our queries, by column name."""
    _set(connection, parameters)
    result = connection.execute(read_sql(HERE / file))
    names: Sequence[str] = [column[0] for column in result.description or ()]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def _set(connection: DuckDBPyConnection, parameters: dict[str, Parameter]) -> None:
    for name, value in parameters.items():
        connection.execute(f"set variable watch_{name} = {_value(value)}")


def _value(value: Parameter) -> str:
    """A value as an SQL expression of its own type."""
    if isinstance(value, tuple):
        return f"[{', '.join(literal(item) for item in value)}]::varchar[]"
    if isinstance(value, date):
        return f"date {literal(value)}"
    return literal(value) if isinstance(value, str) else repr(value)
