"""Adds and seals decisions: the only place that writes cases/decisions.yaml and its head. Entries are never changed.

Both files are written beside, synced and renamed, the decisions first: what is stopped in between leaves a head
that is behind, which the next one mends.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from pipelines import warehouse
from pipelines.cases.chain import NOTHING_YET, Head, head_of
from pipelines.cases.decisions import Decisions, require_whole
from pipelines.cases.entry import sealed_after
from pipelines.cases.file import dump, parse
from pipelines.cases.states import objection
from pipelines.errors import MeterhouseError
from pipelines.landing.manifest import sync_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from pipelines.cases.entry import Entry
    from pipelines.home import Home

_CLOCKS = timedelta(minutes=5)  # that two machines may differ by


def add(home: Home, entry: Entry, complete: Callable[[Entry], Entry] = lambda e: e) -> Head:
    """Seal what was written by hand, then add one decision; returns the new head. Holds the writer lock.

    `complete` gives an entry written by hand the snapshot of its case. Raises MeterhouseError, and changes nothing,
    where the decisions do not verify or the state makes no sense.
    """
    with warehouse.writer_lock(home):
        found = require_whole(home)
        before = found.of_case(entry.case_id)
        if why := objection([e.state for e in before], entry.state):
            raise MeterhouseError(
                f"case {entry.case_id} cannot become {entry.state}: {why}.",
                field="state",
                way_out=f"`meterhouse cases show {entry.case_id}` has its history.",
            )
        if before and entry.time < before[-1].time:
            raise MeterhouseError(
                f"its last decision is of {before[-1].time:%Y-%m-%d %H:%M:%S} UTC, after this machine's clock.",
                file=home.decisions,
                way_out="Set the clock right and decide again.",
            )
        return _write(home, found, [entry], complete)


def seal(home: Home, complete: Callable[[Entry], Entry] = lambda e: e) -> tuple[int, Head]:
    """Seal what was written by hand; returns how many entries that were, and the head. Holds the writer lock."""
    with warehouse.writer_lock(home):
        found = require_whole(home)
        return found.unsealed, _write(home, found, [], complete)


def _write(home: Home, found: Decisions, more: Sequence[Entry], complete: Callable[[Entry], Entry]) -> Head:
    sealed = [entry for entry in found.entries if entry.sealed]
    latest = datetime.now(UTC) + _CLOCKS
    for number, entry in enumerate((*found.entries[len(sealed) :], *more), start=len(sealed) + 1):
        if entry.time > latest:
            raise MeterhouseError(
                f"entry {number}: the time is in the future.", file=home.decisions, field="time",
                way_out="Nothing was sealed. Write when it was decided, in UTC.",
            )  # fmt: skip
        whole = entry if entry in more else complete(entry)
        sealed.append(sealed_after(whole, sealed[-1].digest or "" if sealed else NOTHING_YET.digest))
    head = head_of(sealed)
    if not home.decisions_head.exists():
        _replace(home.decisions_head, _head_text(NOTHING_YET))
    if len(sealed) > len(found.entries) - found.unsealed:
        text = dump(sealed)
        read = parse(text)
        if read.faults or read.entries != sealed:
            raise MeterhouseError(
                "the decision cannot be written so that it reads the same.", file=home.decisions,
                way_out="Nothing was written. Leave unusual characters out of the reason and the reviewer's name.",
            )  # fmt: skip
        _replace(home.decisions, text)
    _replace(home.decisions_head, _head_text(head))
    return head


def _head_text(head: Head) -> str:
    return json.dumps({"entries": head.entries, "digest": head.digest}) + "\n"


def _replace(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(path.name + ".tmp")
    with beside.open("w", encoding="utf-8", newline="") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    sync_folder(path.parent)
