"""Proposes and appends list prices of the `genai-prices` package; never changes a row.

A price with a start date is valid from that day. One without is valid from the day of the import:
today's price says nothing about the past. Rows are proposed only where the book would otherwise
rate differently, so that a second import proposes nothing. Reading the package belongs in
`genai.py`.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from pipelines.errors import MeterhouseError
from pipelines.pricing.book import COLUMNS, read_rows
from pipelines.pricing.check import require_valid
from pipelines.pricing.genai import Series, package_version, read_package

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date
    from pathlib import Path

Row = dict[str, str]
Key = tuple[str, ...]

_KEY = (
    "card",
    "provider",
    "model",
    "model_tier",
    "service_tier",
    "unit",
    "currency",
    "context_from",
)


@dataclass(slots=True)
class Proposal:
    """Rows to append to the book, and what a reader should know about the rest."""

    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def import_genai_prices(existing_csv: Path, on: date) -> Proposal:
    """What the installed package knows and the book at `existing_csv` does not, as of the day `on`.

    Raises MeterhouseError when the book has an error.
    """
    table = read_rows([existing_csv])
    require_valid(table)
    series, notes = read_package()
    return propose(table.to_pylist(), series, on, package_version(), notes)


def propose(
    book: Sequence[Mapping[str, str]],
    series: Iterable[Series],
    on: date,
    source: str,
    notes: Iterable[str] = (),
) -> Proposal:
    """Compare price series with the rows of a book; `source` names where the series come from."""
    known: dict[Key, list[Mapping[str, str]]] = defaultdict(list)
    for row in book:
        known[tuple(row[name] for name in _KEY)].append(row)
    proposal = Proposal(notes=list(notes))
    for one in sorted(series, key=lambda s: (s.provider, s.model, s.service_tier, s.unit, s.context_from)):
        key = (
            "list",
            one.provider,
            one.model,
            "base",
            one.service_tier,
            one.unit,
            "USD",
            str(one.context_from),
        )
        _propose_key(proposal, one, key, known[key], on, source)
    proposal.rows.sort(key=sort_key)
    return proposal


def _propose_key(
    proposal: Proposal, one: Series, key: Key, known: list[Mapping[str, str]], on: date, source: str
) -> None:
    wanted = _dated(one, on)
    starts = {start for start, _, _ in wanted}
    if wanted:  # rows of earlier imports that start later would bring their old price back
        starts |= {
            r["valid_from"] for r in known if r["valid_from"] > wanted[0][0] and r["source"].startswith("genai-prices")
        }
    rows: list[Mapping[str, str]] = list(known)
    ours: Row | None = None
    for start in sorted(starts):
        undated, price = [(u, p) for s, u, p in wanted if s <= start][-1]
        current = _in_force(rows, start)
        if price is None:
            if ours is not None and current is ours:
                ours["valid_to"] = start
            elif current is not None:
                proposal.notes.append(
                    f"{one.provider} {one.model} {one.service_tier} {one.unit}: "
                    "the package no longer prices it; the book stays as it is"
                )
            continue
        if current is not None and Decimal(current["price"]) == price:
            continue
        said = "undated" if undated else "dated"
        ours = dict(
            zip(_KEY, key, strict=True),
            price=price_text(price),
            per="1000000",
            valid_from=start,
            valid_to="",
            known_from=_instant(on),
            source=f"{source}, {said} entry {one.entry}",
            checked_on=on.isoformat(),
        )
        rows.append(ours)
        proposal.rows.append(ours)


def _dated(one: Series, on: date) -> list[tuple[str, bool, Decimal | None]]:
    """(instant, was undated, price) of a series, without an undated price replaced by `on`."""
    days = [day for day, _ in one.changes if day is not None]
    replaced = bool(days) and days[0] <= on
    return [(_instant(day or on), day is None, price) for day, price in one.changes if not (day is None and replaced)]


def _in_force(rows: Sequence[Mapping[str, str]], instant: str) -> Mapping[str, str] | None:
    """The row that rates at `instant`: the latest start, of equal starts the one known last."""
    begun = [r for r in rows if r["valid_from"] <= instant]
    last = max(begun, key=lambda r: (r["valid_from"], r["known_from"]), default=None)
    return None if last is None or (last["valid_to"] and last["valid_to"] <= instant) else last


def _instant(day: date) -> str:
    return f"{day.isoformat()}T00:00:00Z"


def price_text(price: Decimal) -> str:
    """Plain decimal text with at least two places: 2.50, 0.075, 30.00."""
    places = max(2, -int(price.normalize().as_tuple().exponent))
    return f"{price:.{places}f}"


def sort_key(row: Mapping[str, str]) -> tuple[object, ...]:
    """Order of the file: by key, then by context and start."""
    return (
        row["card"], row["provider"], row["model"], row["model_tier"], row["service_tier"],
        row["unit"],
        int(row["context_from"]), row["valid_from"], row["known_from"], row["currency"],
    )  # fmt: skip


def append_rows(path: Path, rows: Sequence[Mapping[str, str]]) -> None:
    """Write the book at `path` again, sorted, with `rows` added; what was there stays as it was.

    The file is replaced by one rename. Raises MeterhouseError, and writes nothing, when the result
    would have an error (as an overlap).
    """
    before = [{name: row[name] for name in COLUMNS} for row in read_rows([path]).to_pylist()]
    after = sorted([*before, *({name: row[name] for name in COLUMNS} for row in rows)], key=sort_key)
    beside = path.with_name(f".{path.name}.new")
    try:
        with beside.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(after)
        written = read_rows([beside])
        require_valid(written)
        if _missing(before, written.to_pylist()):
            raise MeterhouseError(
                "a row of the book would be changed.",
                file=path,
                way_out="The book is append-only: add a row instead.",
            )
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _missing(before: Iterable[Mapping[str, str]], after: Iterable[Mapping[str, str]]) -> bool:
    kept = {tuple(row[name] for name in COLUMNS) for row in after}
    return any(tuple(row[name] for name in COLUMNS) not in kept for row in before)
