"""What is said of a CSV file whose carriage returns keep its rows from being told apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipelines.landing.csv_rows import NEWLINE, RETURN, enclosed
from pipelines.landing.lines import text_blocks

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.landing.csv_rows import CsvRows


def spoilt_by_returns(path: Path, rows: CsvRows) -> str | None:
    """What is said of a file where carriage returns keep its rows from being told apart, if they do."""
    lone = lone_return(path, rows)
    if rows.mixed and not lone:
        return (
            "some of its lines end in a carriage return and a line feed, others in one of them alone; let all end "
            "alike (as `tr -d '\\r'` does)"
        )
    return lone


def lone_return(path: Path, rows: CsvRows) -> str | None:
    """What is said of the first carriage return outside quotes that no line feed follows."""
    inside, before = False, 0
    for block in text_blocks(path):
        data = np.frombuffer(block, np.uint8)
        feeds = np.flatnonzero(data == NEWLINE)
        marks = np.flatnonzero(data == RETURN)
        within, inside = enclosed(data, marks, ord(rows.delimiter), inside=inside)
        outside = marks[~within]
        # A block ends with a line feed.
        lone = outside[data[outside + 1] != NEWLINE]
        if len(lone):
            line = before + int(np.searchsorted(feeds, lone[0])) + 1
            if line == rows.lines[rows.header]:
                return (
                    "its lines end in a carriage return alone; let them end in a line feed (as `tr '\\r' '\\n'` does)"
                )
            return (
                f"line {line:,} has a carriage return that neither ends it nor stands between quotes; "
                "take carriage returns out (as `tr -d '\\r'` does) or put the field in quotes"
            )
        before += len(feeds)
    return None
