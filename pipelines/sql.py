"""Quoting and loading of SQL text. What a statement means belongs beside the step that runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def literal(value: object) -> str:
    """A value as an SQL text literal, quotes doubled."""
    return "'" + str(value).replace("'", "''") + "'"


def identifier(name: str) -> str:
    """A column or table name as a quoted identifier."""
    return '"' + name.replace('"', '""') + '"'


def read_sql(path: Path) -> str:
    """The text of an SQL file of the project."""
    return path.read_text(encoding="utf-8")
