"""Reads a CSV of rates, with the header of the price book, as a source of prices."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from pipelines.pricing.check import require_valid
from pipelines.pricing.series import Change, Series, Source
from pipelines.pricing.tables import RATES, read_rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Row = dict[str, str]


def read_csv(path: Path) -> Source:
    """The rows of a file. Of rows with one start, what was known last counts.

    Raises MeterhouseError where the file is faulty by itself.
    """
    table = read_rows(RATES, [path])
    require_valid(table)
    by_key: dict[tuple[str, ...], dict[str, Row]] = defaultdict(dict)
    for row in sorted(table.to_pylist(), key=lambda r: r["known_from"] or r["valid_from"]):
        by_key[tuple(row[name] for name in RATES.key)][row["valid_from"]] = row
    return Source(path.name, [_series(list(rows.values()), path) for rows in by_key.values()], says_ends=True)


def _series(rows: list[Row], path: Path) -> Series:
    rows.sort(key=lambda r: r["valid_from"])
    first = rows[0]
    return Series(
        provider=first["provider"],
        model=first["model"],
        entry=f"line {first['line']} of {path}",
        unit=first["unit"],
        changes=tuple(_changes(rows)),
        card=first["card"],
        model_tier=first["model_tier"],
        service_tier=first["service_tier"],
        region=first["region"],
        currency=first["currency"],
        context_from=int(first["context_from"]),
    )


def _changes(rows: list[Row]) -> Iterator[Change]:
    """A change where a row begins, and one where it ends before the next."""
    for row, following in zip(rows, [*rows[1:], None], strict=True):
        begins = Change(
            starts=row["valid_from"],
            price=Decimal(row["price"]),
            said=row["source"],
            per=int(row["per"]),
            known_from=row["known_from"],
            checked_on=row["checked_on"],
        )
        yield begins
        if row["valid_to"] and (following is None or row["valid_to"] < following["valid_from"]):
            yield replace(begins, starts=row["valid_to"], price=None)
