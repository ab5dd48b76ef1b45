"""Appends rows to a file of rates, or writes nothing.

What is appended is decided in `importer.py`.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from pipelines.errors import MeterhouseError
from pipelines.pricing.check import require_valid
from pipelines.pricing.importer import sort_key
from pipelines.pricing.tables import RATES, read_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path


def append_rows(path: Path, rows: Sequence[Mapping[str, str]], *, beside: Sequence[Path] = ()) -> None:
    """Write the file at `path` again, sorted, with `rows` added; what was there stays as it was.

    A file that is not there is made. It is replaced by one rename. Raises MeterhouseError, and writes
    nothing, when the result would have an error (as an overlap), alone or together with the files
    `beside` it.
    """
    before = _rows([path]) if path.exists() else []
    after = sorted([*before, *({name: row[name] for name in RATES.columns} for row in rows)], key=sort_key)
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.new")
    try:
        with new.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, RATES.columns, lineterminator="\n")
            writer.writeheader()
            writer.writerows(after)
        try:
            require_valid(read_rows(RATES, [new, *beside]))
        except MeterhouseError as error:
            raise MeterhouseError(
                f"with the new rows the file would be faulty: {error.cause}".replace(str(new), str(path)),
                file=path if error.file == str(new) else error.file,
                line=error.line,
                field=error.field,
                way_out="Nothing was written. Lines are counted as they would be; correct the rows, or where they "
                "come from.",
            ) from error
        if _missing(before, _rows([new])):
            raise MeterhouseError(
                "a row of the book would be changed.",
                file=path,
                way_out="The book is append-only: add a row instead.",
            )
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


def _rows(paths: Sequence[Path]) -> list[dict[str, str]]:
    return [{name: row[name] for name in RATES.columns} for row in read_rows(RATES, paths).to_pylist()]


def _missing(before: Iterable[Mapping[str, str]], after: Iterable[Mapping[str, str]]) -> bool:
    kept = {tuple(row.values()) for row in after}
    return any(tuple(row.values()) not in kept for row in before)
