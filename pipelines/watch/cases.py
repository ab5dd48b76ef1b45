"""The queue: one case a campaign, with its reasons, ranked and written to watch.extraction_flags.

How evidence is found belongs in `mass_shape.py` and `groups.py`, how it is worded in `reasons.py`.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from pipelines.watch import calibrate
from pipelines.watch.groups import NEW_DAYS
from pipelines.watch.reasons import Reason, group_reasons, single_reasons
from pipelines.watch.scale import comparable
from pipelines.watch.sql import rows_of, run_sql

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import date

    from duckdb import DuckDBPyConnection

    from pipelines.watch.groups import Group
    from pipelines.watch.sql import Row

SINGLE, COORDINATED = "mass_shape", "coordinated_accounts"
GAP_DAYS = 14  # surprising days that lie this close belong to one case
MOST_SURPRISING = 0.1  # tail of all organisation-days from which a day is shown as part of a case


@dataclass(frozen=True, slots=True)
class Case:
    """One row of the queue. The first member names it."""

    detector: str
    members: tuple[str, ...]
    first_seen: date
    last_seen: date
    score: float
    reasons: list[Reason]
    counter_evidence: list[Reason]

    @property
    def case_id(self) -> str:
        """Detector, naming organisation and first week, hashed: stable between runs."""
        week = self.first_seen - timedelta(days=self.first_seen.weekday())
        text = "\x1f".join((self.detector, self.members[0], week.isoformat()))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def single_cases(connection: DuckDBPyConnection, *, alerts: int, taken: Collection[str]) -> list[Case]:
    """The `alerts` most surprising organisations that are not `taken` by a group."""
    queue = rows_of(connection, "queue.sql", alerts=alerts, taken=tuple(sorted(taken)))
    cases = []
    for row in queue:
        organization = row["organization_id"]
        days = rows_of(
            connection,
            "flagged_days.sql",
            organization=organization,
            day=row["usage_date"],
            gap_days=GAP_DAYS,
            tenth=MOST_SURPRISING,
        )[0]
        evidence = rows_of(connection, "own_usual.sql")[0]
        reasons, against = single_reasons(evidence)
        score = calibrate.surprise_of(row["p_value"])
        cases.append(
            Case(
                SINGLE,
                (organization,),
                days["first_seen"],
                days["last_seen"],
                score,
                reasons,
                against,
            )
        )
    return cases


def group_cases(connection: DuckDBPyConnection, groups: Sequence[Group]) -> list[Case]:
    """One case a group, named by its member that was seen first."""
    cases = []
    for group in groups:
        members = rows_of(
            connection,
            "members.sql",
            members=group.members,
            first=group.first_day,
            last=group.last_day,
        )
        facts = rows_of(connection, "group_facts.sql", new_days=NEW_DAYS)[0]
        reasons, against = group_reasons(group, facts)
        cases.append(
            Case(
                COORDINATED,
                tuple(row["organization_id"] for row in members),
                min(row["first_active"] for row in members),
                max(row["last_active"] for row in members),
                calibrate.surprise_of(group.p_value),
                reasons,
                against,
            )
        )
    return cases


def write_cases(connection: DuckDBPyConnection, cases: Sequence[Case], version: str = "") -> None:
    """Replace watch.extraction_flags; strongest case first, ties by output tokens, then by id.

    `version` is that of the detectors that made them.
    """
    run_sql(connection, "flags.sql")
    ranked = sorted(
        ((case, totals_of(connection, case)) for case in cases),
        key=lambda pair: (-pair[0].score, -pair[1]["output_tokens"], pair[0].case_id),
    )
    for rank, (case, total) in enumerate(ranked, start=1):
        add_case(connection, case, total, rank, version)


def totals_of(connection: DuckDBPyConnection, case: Case) -> Row:
    """Output, answers, models and revenue of the case's members between its days."""
    return rows_of(connection, "case_totals.sql", members=case.members, first=case.first_seen, last=case.last_seen)[0]


def add_case(connection: DuckDBPyConnection, case: Case, total: Row, rank: int, version: str = "") -> None:
    """Add one row to watch.extraction_flags. A case that no detector raised has no `version` and no comparison."""
    connection.execute(
        """insert into watch.extraction_flags (
            case_id, organization_id, first_seen, last_seen, detector, score, reasons, state, counter_evidence,
            linked_organizations, output_tokens, revenue_amount, rank, answers, models, comparable_training_set,
            detector_version)
        values (?, ?, ?, ?, ?, ?, ?, 'new', ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        [
            case.case_id, case.members[0], case.first_seen, case.last_seen, case.detector, case.score,
            json.dumps(case.reasons), json.dumps(case.counter_evidence), json.dumps(sorted(case.members[1:])),
            total["output_tokens"], total["revenue_amount"], rank, total["answers"], total["models"],
            comparable(total["answers"]) if version else None, version or None,
        ],
    )  # fmt: skip
