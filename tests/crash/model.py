"""What must come of a story, in plain slow Python: which records are accepted, which amount they come to.

Shares nothing with the product but the digest that breaks a tie of two records at one time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from tests.crash.story import Line, Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

COUNTS = ("records_read", "accepted", "duplicates", "amendments", "quarantined")
Key = tuple[str, int]
Place = tuple[str, int, str, Line]


@dataclass
class Landed:
    """A file under landing/: its bytes, and what they say; None where they end too early to be read."""

    source: str
    packing: str
    content: bytes
    lines: tuple[Line, ...] | None


@dataclass(frozen=True)
class Delivery:
    """A record, and by what it is known if it is refused."""

    record: Record
    place: Place


@dataclass
class Model:
    """All that has been taken in. `digest` is the product's, of a record."""

    digest: Callable[[Record], str]
    taken: dict[tuple[str, bytes], Landed] = field(default_factory=dict)
    calls: dict[Key, dict[int, Record]] = field(default_factory=dict)
    # Keys of which a later run brought another body than stands.
    contested: set[Key] = field(default_factory=set)
    # What is in quarantine, by source, line and text: brought once more, as by a log that has grown, it is a duplicate.
    refused: set[Place] = field(default_factory=set)

    def fresh(self, files: Iterable[Landed]) -> list[Landed]:
        """The files whose content is new, once each."""
        found: dict[tuple[str, bytes], Landed] = {}
        for file in files:
            if (file.source, file.content) not in self.taken:
                found.setdefault((file.source, file.content), file)
        return list(found.values())

    def run(self, files: Iterable[Landed]) -> dict[str, int]:
        """Take in what is new of `files`, together; returns what became of the records."""
        counts = dict.fromkeys(COUNTS, 0)
        deliveries: dict[Key, dict[int, list[Delivery]]] = {}
        for file in self.fresh(files):
            self.taken[file.source, file.content] = file
            if file.lines is None:
                counts["records_read"] += 1
                counts["quarantined"] += 1
                continue
            for number, line in enumerate(file.lines, 2 if file.packing == "csv" else 1):
                counts["records_read"] += 1
                # A row of a table is kept as the JSON of its columns, whatever the table was packed as.
                text = "line" if file.packing.startswith("jsonl") else "row"
                if isinstance(line, str):
                    self._refuse((file.source, number, text, line), counts)
                else:
                    revisions = deliveries.setdefault((file.source, line.call), {})
                    revisions.setdefault(line.revision, []).append(Delivery(line, (file.source, number, text, line)))
        for key, revisions in deliveries.items():
            self._resolve(key, revisions, counts)
        return counts

    def _refuse(self, place: Place, counts: dict[str, int]) -> None:
        counts["duplicates" if place in self.refused else "quarantined"] += 1
        self.refused.add(place)

    def _resolve(self, key: Key, revisions: dict[int, list[Delivery]], counts: dict[str, int]) -> None:
        known = self.calls.setdefault(key, {})
        was_known = bool(known)
        fresh = []
        for revision, rivals in revisions.items():
            same = sum(rival.record == known.get(revision) for rival in rivals)
            if revision not in known:
                known[revision] = min((r.record for r in rivals), key=lambda r: (r.at, self.digest(r)))
                fresh.append(revision)
                same = sum(rival.record == known[revision] for rival in rivals) - 1
            elif same < len(rivals):
                self.contested.add(key)
            counts["duplicates"] += same
            for rival in rivals:
                if rival.record != known[revision]:
                    self._refuse(rival.place, counts)
        for revision in fresh:
            counts["accepted" if not was_known and revision == min(fresh) else "amendments"] += 1

    def standing(self) -> dict[Key, Record]:
        """Of each call the newest revision."""
        return {key: revisions[max(revisions)] for key, revisions in self.calls.items() if revisions}


@dataclass
class Prices:
    """USD a million tokens by model, unit and first day."""

    rows: dict[tuple[str, str, int], int] = field(default_factory=dict)

    def amount(self, record: Record) -> Decimal | None:
        """What a record costs; None where a token of it has no price."""
        whole = Decimal(0)
        event = record.event
        for unit in ("input", "output"):
            tokens = event[f"{unit}_tokens"]
            days = [d for m, u, d in self.rows if (m, u) == (event["model"], unit) and starts(d) <= record.at]
            if tokens and not days:
                return None
            if tokens:
                whole += tokens * Decimal(self.rows[event["model"], unit, max(days)]) / 1_000_000
        return whole


def starts(day: int) -> datetime:
    """The instant from which a price of that day holds."""
    return datetime(2024, 3, 1, tzinfo=UTC) + timedelta(days=day)
