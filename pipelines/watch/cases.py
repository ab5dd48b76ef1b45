"""From scores and groups to the rows of watch.extraction_flags: one case a campaign, ranked, cut at the budget."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pipelines.sql import read_sql
from pipelines.watch import calibrate
from pipelines.watch.groups import NEW_DAYS
from pipelines.watch.reasons import group_reasons, single_reasons
from pipelines.watch.sql import HERE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from duckdb import DuckDBPyConnection

    from pipelines.watch.groups import Group

SINGLE, COORDINATED = "mass_shape", "coordinated_accounts"


@dataclass(frozen=True, slots=True)
class Case:
    """One row of the queue."""

    detector: str
    members: tuple[str, ...]  # the first one names the case
    first_seen: date
    last_seen: date
    score: float
    reasons: list[dict[str, Any]]
    counter_evidence: list[dict[str, Any]]

    @property
    def case_id(self) -> str:
        """Stays the same from run to run: detector, naming organisation, Monday of the first week."""
        week = self.first_seen - timedelta(days=self.first_seen.weekday())
        text = "\x1f".join((self.detector, self.members[0], week.isoformat()))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def single_cases(connection: DuckDBPyConnection, *, alerts: int, taken: set[str]) -> list[Case]:
    """The `alerts` most surprising organisations outside groups that have any unexplained output at all."""
    best = connection.execute(
        """with days as (
            select *, greatest(unexplained_1, unexplained_7, coalesce(unexplained_28, 0)) as unexplained
            from watch.organization_day_scores
        )
        select distinct on (organization_id)
            organization_id, usage_date, surprise, p_value, unexplained
        from days where unexplained > 0
        order by organization_id, surprise desc, unexplained desc, usage_date"""
    ).fetchall()
    queue = sorted(
        (row for row in best if row[0] not in taken), key=lambda r: (-r[2], -r[4], r[0])
    )[:alerts]
    if not queue:
        return []
    cut = queue[-1][2]
    cases = []
    for organization, day, _, p_value, _ in queue:
        first, last = _one(
            connection,
            """select min(usage_date) as first, max(usage_date) as last from watch.organization_day_scores
            where organization_id = $organization and surprise >= $cut""",
            organization=organization,
            cut=cut,
        ).values()
        row = _one(connection, read_sql(HERE / "own_usual.sql"), organization=organization, day=day)
        reasons, against = single_reasons(row)
        cases.append(
            Case(
                SINGLE,
                (organization,),
                first,
                last,
                calibrate.surprise_of(p_value),
                reasons,
                against,
            )
        )
    return cases


def group_cases(connection: DuckDBPyConnection, groups: Sequence[Group]) -> list[Case]:
    """One case a group, named by its member that was seen first."""
    cases = []
    for group in groups:
        seen = connection.execute(
            """select organization_id, min(first_seen), min(usage_date), max(usage_date) from watch_days
            where usage_date between ? and ? and organization_id in (select unnest(?::varchar[]))
            group by organization_id order by min(first_seen), organization_id""",
            [group.first_day, group.last_day, list(group.members)],
        ).fetchall()
        facts = _one(
            connection,
            read_sql(HERE / "group_facts.sql"),
            new_days=NEW_DAYS,
            members=list(group.members),
            first=group.first_day,
            last=group.last_day,
        )
        reasons, against = group_reasons(group, facts)
        cases.append(
            Case(
                COORDINATED,
                tuple(row[0] for row in seen),
                min(row[2] for row in seen),
                max(row[3] for row in seen),
                calibrate.surprise_of(group.p_value),
                reasons,
                against,
            )
        )
    return cases


def write_cases(connection: DuckDBPyConnection, cases: Sequence[Case]) -> None:
    """Replace watch.extraction_flags; strongest case first, ties by output tokens, then by id."""
    connection.execute(
        """create or replace table watch.extraction_flags (
            case_id varchar, organization_id varchar, first_seen date, last_seen date, detector varchar,
            score double, reasons json, state varchar, counter_evidence json, linked_organizations json,
            output_tokens bigint, revenue_amount decimal(38, 12), rank integer)"""
    )
    rows = []
    for case in cases:
        totals = _one(
            connection,
            """select coalesce(sum(output_tokens), 0)::bigint as output_tokens,
                case when count(distinct billing_currency) = 1 then sum(revenue_amount) end as revenue_amount
            from marts.activity_daily
            where usage_date between $first and $last
                and organization_id in (select unnest($members::varchar[]))""",
            first=case.first_seen,
            last=case.last_seen,
            members=list(case.members),
        )
        rows.append((case, totals))
    rows.sort(key=lambda pair: (-pair[0].score, -pair[1]["output_tokens"], pair[0].case_id))
    for rank, (case, totals) in enumerate(rows, start=1):
        connection.execute(
            "insert into watch.extraction_flags values (?, ?, ?, ?, ?, ?, ?, 'new', ?, ?, ?, ?, ?)",
            [
                case.case_id,
                case.members[0],
                case.first_seen,
                case.last_seen,
                case.detector,
                case.score,
                json.dumps(case.reasons),
                json.dumps(case.counter_evidence),
                json.dumps(sorted(case.members[1:])),
                totals["output_tokens"],
                totals["revenue_amount"],
                rank,
            ],
        )


def _one(connection: DuckDBPyConnection, sql: str, **parameters: object) -> dict[str, Any]:
    """The only row of a query, by column name."""
    result = connection.execute(sql, parameters)
    names = [column[0] for column in result.description]
    row = result.fetchone()
    if row is None:
        raise LookupError("the query gave no row")
    return dict(zip(names, row, strict=True))
