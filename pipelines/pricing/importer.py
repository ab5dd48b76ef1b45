"""Compares a source's prices with a book and proposes the rows that the book lacks; never changes a row.

A price with a start date is valid from that day. One without is valid from the day of the import:
today's price says nothing about the past. Rows are proposed only where the book would otherwise
rate differently, so that a second import proposes nothing. Reading sources belongs in `genai.py`,
`litellm.py` and `csv_rates.py`, writing rows in `append.py`.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from pipelines.pricing.series import Change, Key, LeftOut, Series, Source, inexact, million_price, price_text
from pipelines.pricing.tables import RATES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class Proposed:
    """A row to append, and the row that it takes the place of from its start on; None where there is none."""

    row: Row
    before: Mapping[str, str] | None

    @property
    def is_end(self) -> bool:
        """Whether it says only that the price before ends."""
        before = self.before
        return (
            before is not None and self.row["valid_from"] == before["valid_from"] and _price(self.row) == _price(before)
        )


@dataclass(slots=True)
class Proposal:
    """What to append to a book, how many series it agrees with, and what is not taken."""

    proposed: list[Proposed] = field(default_factory=list)
    unchanged: int = 0
    left_out: list[LeftOut] = field(default_factory=list)

    @property
    def rows(self) -> list[Row]:
        """The rows to append."""
        return [one.row for one in self.proposed]

    @property
    def added(self) -> list[Proposed]:
        """Prices where the book has none."""
        return [one for one in self.proposed if one.before is None]

    @property
    def changed(self) -> list[Proposed]:
        """Prices that the book has otherwise."""
        return [one for one in self.proposed if one.before is not None]


def propose(book: Iterable[Mapping[str, str]], source: Source, on: date) -> Proposal:
    """Compare a source, read on the day `on`, with the rows of a book."""
    known: dict[Key, list[Mapping[str, str]]] = defaultdict(list)
    for row in book:
        known[tuple(row[name] for name in RATES.key)].append(row)
    proposal = Proposal(left_out=list(source.left_out))
    for one in sorted(source.series, key=lambda s: s.key):
        reasons = [inexact(change.price) for change in one.changes if change.price is not None]
        reason = next((reason for reason in reasons if reason), None)
        if reason:
            proposal.left_out.append(LeftOut(reason, f"{one} ({one.entry})"))
            continue
        before = len(proposal.proposed), len(proposal.left_out)
        _propose_series(proposal, one, known[one.key], source, on)
        proposal.unchanged += (len(proposal.proposed), len(proposal.left_out)) == before
    proposal.proposed.sort(key=lambda one: sort_key(one.row))
    proposal.left_out.sort()
    return proposal


def _propose_series(
    proposal: Proposal, one: Series, known: Sequence[Mapping[str, str]], source: Source, on: date
) -> None:
    wanted = _dated(one, on)
    starts = {start for start, _ in wanted}
    if wanted and not source.says_ends:
        # Rows of earlier imports that start later would bring their old price back.
        first = wanted[0][0]
        starts |= {r["valid_from"] for r in known if r["valid_from"] > first and r["source"].startswith(source.name)}
    rows: list[Mapping[str, str]] = list(known)
    ours: Row | None = None
    for start in sorted(starts):
        change = [change for begins, change in wanted if begins <= start][-1]
        current = in_force(rows, start)
        if change.price is None:
            if ours is not None and current is ours:
                ours["valid_to"] = start
            elif current is not None and source.says_ends:
                ours = _row(one, change, current["valid_from"], on, Decimal(current["price"]), int(current["per"]))
                ours["valid_to"] = start
                _take(proposal, rows, ours, current, one)
            elif current is not None:
                reason = "the source no longer prices it; the book stays as it is"
                proposal.left_out.append(LeftOut(reason, str(one)))
        elif current is None or _price(current) != million_price(change.price, change.per):
            ours = _row(one, change, start, on, change.price, change.per)
            _take(proposal, rows, ours, current, one)


def _take(
    proposal: Proposal, rows: list[Mapping[str, str]], ours: Row, current: Mapping[str, str] | None, one: Series
) -> None:
    """Propose a row, unless the book would not go by it."""
    rows.append(ours)
    if in_force(rows, ours["valid_from"]) is not ours:
        rows.pop()
        proposal.left_out.append(LeftOut("the book learned another price for the same start later", str(one)))
    else:
        proposal.proposed.append(Proposed(ours, current))


def _row(one: Series, change: Change, start: str, on: date, price: Decimal, per: int) -> Row:
    return {
        **dict(zip(RATES.key, one.key, strict=True)),
        "price": price_text(price),
        "per": str(per),
        "valid_from": start,
        "valid_to": "",
        "known_from": change.known_from or instant_of(on),
        "source": change.said,
        "checked_on": change.checked_on or on.isoformat(),
    }


def _dated(one: Series, on: date) -> list[tuple[str, Change]]:
    """Changes of a series, each with its start; without an undated price that a dated one has replaced by `on`."""
    today = instant_of(on)
    days = [change.starts for change in one.changes if change.starts is not None]
    replaced = bool(days) and days[0] <= today
    return [(change.starts or today, change) for change in one.changes if not (change.starts is None and replaced)]


def _price(row: Mapping[str, str]) -> Decimal:
    return million_price(Decimal(row["price"]), int(row["per"]))


def in_force(rows: Sequence[Mapping[str, str]], instant: str) -> Mapping[str, str] | None:
    """The row that rates at `instant`: the latest start, of equal starts the one known last."""
    begun = [r for r in rows if r["valid_from"] <= instant]
    last = max(begun, key=lambda r: (r["valid_from"], r["known_from"] or r["valid_from"]), default=None)
    return None if last is None or (last["valid_to"] and last["valid_to"] <= instant) else last


def instant_of(day: date) -> str:
    """The beginning of a day in UTC."""
    return f"{day.isoformat()}T00:00:00Z"


def sort_key(row: Mapping[str, str]) -> tuple[object, ...]:
    """Order of a file: by key, then by context and start."""
    return (
        row["card"], row["provider"], row["model"], row["model_tier"], row["service_tier"], row["region"],
        row["unit"], int(row["context_from"]), row["valid_from"], row["known_from"], row["currency"],
    )  # fmt: skip
