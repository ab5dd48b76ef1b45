"""Reads organizations.csv as text, with the line of each row. What a value may say belongs in `check.py`."""

from __future__ import annotations

import csv
from io import StringIO
from typing import TYPE_CHECKING

from pipelines.errors import MeterhouseError
from pipelines.organizations.rows import Row, require_columns

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def read_csv(path: Path, text: str, faults: list[MeterhouseError]) -> Iterator[Row]:
    """Each row of the file; rows of another width are added to `faults`. Raises where nothing can be read."""
    reader = csv.reader(StringIO(text, newline=""), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        _require_commas(path, header)
        require_columns(path, 1, header)
        start = reader.line_num + 1
        for fields in reader:
            line, start = start, reader.line_num + 1
            if not fields or fields == [""]:
                continue
            if len(fields) != len(header):
                faults.append(
                    MeterhouseError(
                        f"the row has {len(fields)} fields, the header {len(header)}.",
                        file=path,
                        line=line,
                        way_out="Quote a field that has a comma in it; separate the items of a list by ;.",
                    )
                )
                continue
            yield line, dict(zip(header, fields, strict=True))
    except csv.Error as error:
        raise MeterhouseError(
            f"not valid CSV: {error}.", file=path, line=reader.line_num, way_out="Mend the quotes on that line."
        ) from error


def _require_commas(path: Path, header: list[str]) -> None:
    for sign, name in ((";", "semicolons"), ("\t", "tabs")):
        if len(header) == 1 and sign in header[0]:
            raise MeterhouseError(
                f"its columns are separated by {name}.", file=path, line=1, way_out="Save it as CSV with commas."
            )
