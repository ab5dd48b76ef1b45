"""Whether the entries of the file are what was decided: each digest, the order, and the head that is kept elsewhere.

The head says how many sealed entries there were and what the last digest was, so that an end that was cut off is
missed. It lies in another folder than the entries, and each run writes it down in its log. Who can write to both
can write any history: the chain finds changes, it does not prevent them (docs/cases.md).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.cases.entry import GENESIS, Entry, digest_of
from pipelines.cases.file import Fault

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipelines.home import Home


@dataclass(frozen=True, slots=True)
class Head:
    """Sealed entries, and the digest of the last one."""

    entries: int
    digest: str

    def __str__(self) -> str:
        return f"{self.entries} {self.digest[:16]}"


NOTHING_YET = Head(0, GENESIS)


def head_of(sealed: Sequence[Entry]) -> Head:
    """The head after these entries."""
    return Head(len(sealed), sealed[-1].digest or "") if sealed else NOTHING_YET


def read_head(home: Home) -> Head | Fault | None:
    """The head as it was written with the last decision; None where there is none."""
    if not home.decisions_head.exists():
        return None
    try:
        found = json.loads(home.decisions_head.read_text(encoding="utf-8"))
        head = Head(int(found["entries"]), str(found["digest"]))
    except (OSError, ValueError, KeyError, TypeError):
        return Fault(f"the head in {home.decisions_head} cannot be read")
    return head


def sealed_part(entries: Sequence[Entry]) -> int:
    """How many entries the sealed part has: up to the last one with a digest."""
    return max((i for i, entry in enumerate(entries, start=1) if entry.sealed), default=0)


def faults_of(entries: Sequence[Entry], lines: Sequence[int], head: Head | Fault | None) -> list[Fault]:
    """Everything that does not verify, in the order of the entries; the head last.

    A head that is behind is none: a decision that was stopped between its two files leaves one.
    """
    sealed = entries[: sealed_part(entries)]
    places = {entry.digest: number for number, entry in enumerate(sealed, start=1) if entry.digest}
    faults: list[Fault] = []
    before: str | None = GENESIS
    for number, (entry, line) in enumerate(zip(sealed, lines, strict=False), start=1):
        if entry.digest is None:
            faults.append(
                Fault("it has no digest, but sealed entries follow: only the last may be unsealed", number, line)
            )
        elif digest_of(entry) != entry.digest:
            faults.append(Fault("it was edited: its content is not what its digest was made of", number, line))
        if entry.previous is not None and before is not None and entry.previous != before:
            faults.append(Fault(_misplaced(entry.previous, number, places), number, line))
        before = entry.digest
    faults += _faults_at_end(sealed, head)
    return faults


def _misplaced(previous: str, number: int, places: dict[str, int]) -> str:
    if previous == GENESIS:
        return "it was the first decision: entries were moved, or put before it"
    if previous in places:
        return f"it was decided after what is now entry {places[previous]}: entries were moved"
    gone = "before it" if number == 1 else f"between entries {number - 1} and {number}"
    return f"an entry was removed or replaced {gone}"


def _faults_at_end(sealed: Sequence[Entry], head: Head | Fault | None) -> list[Fault]:
    if isinstance(head, Fault):
        return [head]
    if head is None:
        return [Fault("the head is gone, so an end that was cut off would not be seen")] if sealed else []
    if head.entries > len(sealed):
        return [
            Fault(
                f"the end is missing: {head.entries} sealed entries were written, {len(sealed)} are there"
                f" (the last digest was {head.digest[:16]})"
            )
        ]
    if (sealed[head.entries - 1].digest if head.entries else GENESIS) != head.digest:
        return [Fault("it is not the one that was written: its digest is not that of the head", head.entries)]
    return []
