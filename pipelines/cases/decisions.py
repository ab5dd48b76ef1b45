"""The decisions of a home, read at once: what holds, what does not, and the latest of each case. Changes nothing."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.cases.chain import NOTHING_YET, Head, faults_of, head_of, read_head, sealed_part
from pipelines.cases.file import Fault, parse
from pipelines.cases.states import objection
from pipelines.errors import MeterhouseError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from pipelines.cases.entry import Entry
    from pipelines.home import Home

WAY_OUT = (
    "What is not sealed yet may be corrected in the file; else restore {file} and {head} from a backup, since a sealed "
    "decision is corrected by another one. Until then no allow-note counts, and no decision from the fault on."
)


@dataclass(frozen=True, slots=True)
class Decisions:
    """What counts. With faults these are the entries before the first of them."""

    entries: tuple[Entry, ...] = ()
    faults: tuple[Fault, ...] = ()
    head: Head = NOTHING_YET  # of the sealed entries that count

    @property
    def unsealed(self) -> int:
        """Entries that somebody wrote by hand, at the end."""
        return sum(not entry.sealed for entry in self.entries)

    def of_case(self, case_id: str) -> list[Entry]:
        """A case's decisions, oldest first."""
        return [entry for entry in self.entries if entry.case_id == case_id]

    def latest(self) -> dict[str, Entry]:
        """The standing decision of each case."""
        return {entry.case_id: entry for entry in self.entries}


def load_decisions(home: Home) -> Decisions:
    """Read the file and hold it against its digests and the head. What is wrong is a fault, never raised."""
    head = read_head(home)
    if not home.decisions.exists():
        lost = faults_of((), (), head)
        return Decisions(faults=tuple(lost))
    try:
        parsed = parse(home.decisions.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        return Decisions(faults=(Fault(f"it cannot be read as UTF-8 text: {error}"),))
    faults = list(parsed.faults)
    if not faults or parsed.entries:
        chain = faults_of(parsed.entries, parsed.lines, head)
        # An end that cannot be read is there.
        faults = [f for f in chain if f.entry or not parsed.faults] + faults
    if not faults:
        faults = _misfits(parsed.entries, parsed.lines)
    whole = min((f.entry - 1 if f.entry else len(parsed.entries) for f in faults), default=len(parsed.entries))
    kept = parsed.entries[:whole]
    return Decisions(tuple(kept), tuple(faults), head_of(kept[: sealed_part(kept)]))


def _misfits(entries: Sequence[Entry], lines: Sequence[int]) -> list[Fault]:
    """Unsealed entries that make no sense after those before them. Sealed ones were held against this before."""
    histories: dict[str, list[str]] = {}
    times: dict[str, datetime] = {}
    for number, entry in enumerate(entries, start=1):
        history = histories.setdefault(entry.case_id, [])
        if not entry.sealed:
            line = lines[number - 1]
            if why := objection(history, entry.state):
                return [Fault(f"{entry.state} makes no sense here: {why}", number, line, "state")]
            if entry.case_id in times and entry.time < times[entry.case_id]:
                return [Fault("it is older than the decision before it on the same case", number, line, "time")]
        history.append(entry.state)
        times[entry.case_id] = entry.time
    return []


def require_whole(home: Home) -> Decisions:
    """The decisions, or MeterhouseError where something is wrong with them."""
    found = load_decisions(home)
    if found.faults:
        raise broken(home, found.faults)
    return found


def broken(home: Home, faults: Iterable[Fault | str]) -> MeterhouseError:
    """The error that tells all faults."""
    told = "; ".join(str(fault) for fault in faults)
    return MeterhouseError(
        f"the decisions do not verify: {told}.",
        file=home.decisions,
        way_out=WAY_OUT.format(file=home.decisions.name, head=home.decisions_head.name),
    )


def fingerprint(home: Home) -> str:
    """Digest of what decisions are read from: a run with another one has work to do."""
    digest = hashlib.sha256()
    for path in (home.decisions, home.decisions_head):
        digest.update(path.read_bytes() if path.exists() else b"")
        digest.update(b"\0")
    return digest.hexdigest()
