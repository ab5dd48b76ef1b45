"""Rows of facts as text, whatever file they come from: what a reader of a kind of file hands over.

Lists are one text, their items separated by `;`, as CSV has them.
"""

from __future__ import annotations

from collections import Counter
from difflib import get_close_matches
from typing import TYPE_CHECKING

import pyarrow as pa

from pipelines.errors import MeterhouseError
from pipelines.organizations.columns import NAMES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from pathlib import Path

Row = tuple[int, dict[str, str]]
SEPARATOR = ";"


def require_columns(path: Path, line: int, given: Sequence[str], *, needed: Collection[str] = NAMES[:1]) -> None:
    """Raise MeterhouseError for a column that is not known, given twice, or missing."""
    for name in given:
        if name not in NAMES:
            near = get_close_matches(name.lower(), NAMES, 1)
            raise MeterhouseError(
                f"unknown column {name!r}.",
                file=path,
                line=line,
                field=name or None,
                way_out=f"{f'Did you mean {near[0]}? ' if near else ''}Known are {', '.join(NAMES)}.",
            )
    twice = [name for name, times in Counter(given).items() if times > 1]
    if twice:
        raise MeterhouseError(
            "the column is there twice.", file=path, line=line, field=twice[0], way_out="Leave one of them out."
        )
    for name in needed:
        if name not in given:
            raise MeterhouseError(
                f"the column {name} is missing.",
                file=path,
                line=line,
                way_out="Add it: each row needs the id of its organisation.",
            )


def table_of(path: Path, rows: Iterable[Row]) -> pa.Table:
    """Rows as a table of text with file and line in front; what a row leaves out is ''."""
    lines: list[int] = []
    columns: dict[str, list[str]] = {name: [] for name in NAMES}
    for line, row in rows:
        lines.append(line)
        for name, values in columns.items():
            values.append(row.get(name, ""))
    return pa.table(
        {
            "file": pa.array([str(path)] * len(lines), pa.string()),
            "line": pa.array(lines, pa.int64()),
            **{name: pa.array(values, pa.string()) for name, values in columns.items()},
        }
    )
