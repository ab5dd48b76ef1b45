"""Cases for people: those of the queue as it was published, and decided ones that left it, with their decisions.

Reads the published Parquet and the decisions, writes nothing. Layout belongs in `text.py`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipelines import warehouse
from pipelines.cases.entry import Snapshot
from pipelines.cases.states import AUDIT, BENIGN, DONE
from pipelines.errors import MeterhouseError
from pipelines.publish.exports import published_folder
from pipelines.sql import literal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from pipelines.cases.decisions import Decisions
    from pipelines.cases.entry import Entry
    from pipelines.home import Home

TO_REVIEW, IN_WORK, FINISHED = "to review", "in work", "done"


@dataclass(frozen=True, slots=True)
class Listed:
    """A case with its decisions, oldest first. `rank` is None where it left the queue."""

    case_id: str
    organization_ids: tuple[str, ...]
    detector: str
    snapshot: Snapshot | None
    rank: int | None = None
    decisions: tuple[tuple[int, Entry], ...] = field(default_factory=tuple)

    @property
    def latest(self) -> Entry | None:
        """The standing decision."""
        return self.decisions[-1][1] if self.decisions else None

    @property
    def state(self) -> str:
        """`new` until something is decided."""
        return self.latest.state if self.latest else "new"

    def is_due(self, today: date) -> bool:
        """Whether the date that the decision named has passed."""
        return self.latest is not None and self.latest.until is not None and self.latest.until < today

    @property
    def came_back(self) -> bool:
        """Whether it is in the queue in spite of a benign decision: no allow-note covers it."""
        return self.rank is not None and self.state in BENIGN and self.detector != AUDIT

    def standing(self, today: date, *, fresh: bool = True) -> str:
        """TO_REVIEW, IN_WORK or FINISHED.

        A benign case that is still in a queue from before the decision has not come back: `fresh` says whether the
        queue was made with the decisions of today.
        """
        if self.state == "new" or self.is_due(today) or (fresh and self.came_back):
            return TO_REVIEW
        return FINISHED if self.state in DONE else IN_WORK


def all_cases(home: Home, decisions: Decisions) -> list[Listed]:
    """The queue in its order, then decided cases that left it, the latest decided first."""
    numbered: dict[str, list[tuple[int, Entry]]] = {}
    for number, entry in enumerate(decisions.entries, start=1):
        numbered.setdefault(entry.case_id, []).append((number, entry))
    queue = [
        Listed(
            row["case_id"],
            (row["organization_id"], *json.loads(row["linked_organizations"])),
            row["detector"],
            _snapshot(row),
            row["rank"],
            tuple(numbered.pop(row["case_id"], ())),
        )
        for row in _flags(home)
    ]
    left = [
        Listed(
            case_id,
            tuple(entries[-1][1].organization_ids),
            entries[-1][1].detector,
            _last(entries),
            None,
            tuple(entries),
        )
        for case_id, entries in numbered.items()
    ]
    return queue + sorted(left, key=lambda case: -case.decisions[-1][0])


def find_case(cases: Sequence[Listed], given: str) -> Listed:
    """The case of that id, or whose id alone begins so; MeterhouseError else."""
    found = [c for c in cases if c.case_id == given] or [c for c in cases if given and c.case_id.startswith(given)]
    if len(found) == 1:
        return found[0]
    raise MeterhouseError(
        f"{len(found)} cases begin with {given!r}." if found else f"there is no case {given!r}.",
        way_out="`meterhouse cases list --all` shows the ids of all cases.",
    )


def days_of(home: Home, case: Listed) -> list[tuple[date, str, int, int]]:
    """Day, organisation, requests and output tokens of the case's members from its first to its last day."""
    path = published_folder(home) / "activity_daily.parquet"
    if case.snapshot is None or not path.exists():
        return []
    with warehouse.connect(home, in_memory=True) as con:
        return con.execute(
            f"""select usage_date, organization_id, requests, output_tokens from read_parquet({literal(path)})
            where usage_date between $first and $last and list_contains($members, organization_id)
            order by all""",
            {
                "first": case.snapshot.first_seen,
                "last": case.snapshot.last_seen,
                "members": list(case.organization_ids),
            },
        ).fetchall()


def published_decisions(home: Home) -> int:
    """How many decisions the published queue was made with."""
    path = published_folder(home) / "case_decisions.parquet"
    if not path.exists():
        return 0
    with warehouse.connect(home, in_memory=True) as con:
        (made_with,) = con.execute(f"select count(*) from read_parquet({literal(path)})").fetchone() or (0,)
    return int(made_with)


def _last(entries: Sequence[tuple[int, Entry]]) -> Snapshot | None:
    return next((entry.snapshot for _, entry in reversed(entries) if entry.snapshot), None)


def _flags(home: Home) -> list[dict[str, Any]]:
    path = published_folder(home) / "extraction_flags.parquet"
    if not path.exists():
        return []
    with warehouse.connect(home, in_memory=True) as con:
        result = con.execute(f"from read_parquet({literal(path)}) order by rank, case_id")
        names = [column[0] for column in result.description]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def _snapshot(row: dict[str, Any]) -> Snapshot:
    return Snapshot(
        first_seen=row["first_seen"],
        last_seen=row["last_seen"],
        score=row["score"],
        output_tokens=row["output_tokens"],
        reasons=json.loads(row["reasons"]),
        counter_evidence=json.loads(row["counter_evidence"]),
        detector_version=row.get("detector_version"),
    )
