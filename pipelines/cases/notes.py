"""Allow-notes: what benign decisions let pass, up to a size a day and until a date. Never a mute.

A note covers an organisation-day of its organisation and detector whose output is within its cap, up to and with the
day it ends. The queue leaves covered days out; whatever is above, or later, comes back. How a note is named on a case
that came back belongs in `apply.py`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.cases.states import BENIGN, WITHDRAWS
from pipelines.sql import read_sql
from pipelines.watch.sql import rows_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from typing import Protocol, TypeVar

    from duckdb import DuckDBPyConnection

    from pipelines.cases.decisions import Decisions
    from pipelines.cases.entry import Allow, Entry

    class Group(Protocol):
        """What is asked of a group of accounts."""

        @property
        def members(self) -> tuple[str, ...]: ...
        @property
        def first_day(self) -> date: ...
        @property
        def last_day(self) -> date: ...

    AnyGroup = TypeVar("AnyGroup", bound=Group)

HERE = Path(__file__).parent
# Detectors that say the same of an organisation: more, and longer, answers than are explained, of whatever model.
ONE_FINDING = (frozenset({"mass_shape", "harvest", "launch_pivot"}),)


def standing_notes(decisions: Decisions) -> list[tuple[int, Entry, Allow]]:
    """The notes that count, with number and entry of the decision.

    That is those of the latest decision of each case, if it is benign and sealed, unless a later one on the same
    organisation confirmed or suspended something. None at all while the decisions do not verify: what is missing may
    have withdrawn any of them.
    """
    if decisions.faults:
        return []
    latest = decisions.latest()
    withdrawn: set[str] = set()
    found = []
    for number, entry in reversed(list(enumerate(decisions.entries, start=1))):
        if entry.state in BENIGN and entry.sealed and latest[entry.case_id] is entry:
            found += [(number, entry, note) for note in entry.allow if note.organization_id not in withdrawn]
        if entry.state in WITHDRAWS:
            withdrawn.update(entry.organization_ids)
    return found[::-1]


def same_finding(detector: str) -> tuple[str, ...]:
    """The detectors to whose finding a note on this one applies: what is benign is so whoever raised it."""
    return next((tuple(sorted(one)) for one in ONE_FINDING if detector in one), (detector,))


def write_notes(connection: DuckDBPyConnection, decisions: Decisions | None) -> None:
    """Write watch.allow_notes and the organisation-days they cover, watch.allowed_days. Needs marts.activity_daily."""
    connection.execute(read_sql(HERE / "notes.sql"))
    rows = [
        [
            number, entry.case_id, entry.state, entry.reviewer, entry.time.replace(tzinfo=None),
            note.organization_id, detector, note.cap_output_tokens_per_day, entry.until,
        ]
        for number, entry, note in (standing_notes(decisions) if decisions else [])
        for detector in same_finding(note.detector)
    ]  # fmt: skip
    if rows:
        connection.executemany("insert into watch.allow_notes values (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        connection.execute(read_sql(HERE / "allowed_days.sql"))


def uncovered(connection: DuckDBPyConnection, groups: Sequence[AnyGroup], detector: str) -> list[AnyGroup]:
    """The groups of which some member has a day, among those of the group, that no note covers."""
    left = []
    for group in groups:
        days = rows_of(
            connection,
            str(HERE / "uncovered_days.sql"),
            detector=detector,
            members=group.members,
            first_day=group.first_day,
            last_day=group.last_day,
        )
        if days[0]["days"]:
            left.append(group)
    return left
