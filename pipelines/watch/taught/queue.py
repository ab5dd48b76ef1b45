"""The taught detectors' part of the queue: each organisation at its highest score, with its reasons.

Scores of different detectors are log-odds taught alike, so the highest ranks an organisation. How many are shown is
decided before, by the alert budget. Groups of accounts belong in `groups.py`: the coordinated detector's single
accounts are left to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.watch import calibrate
from pipelines.watch.cases import GAP_DAYS, Case
from pipelines.watch.sql import rows_of
from pipelines.watch.taught.reasons import taught_reasons

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from duckdb import DuckDBPyConnection

    from pipelines.watch.taught.trees import Trees

# A day belongs to a case when its odds are at least this part of the highest day's (a twentieth; log-odds 3 less).
NEAR = 3.0


def taught_cases(
    connection: DuckDBPyConnection, taught: Mapping[str, Trees], *, alerts: int, taken: Collection[str]
) -> list[Case]:
    """The `alerts` organisations with the highest scores that are not `taken`."""
    cases = []
    for row in rows_of(
        connection, "taught/queue.sql", alerts=alerts, taken=tuple(sorted(taken)), left_out="coordinated"
    ):
        days = rows_of(
            connection,
            "taught/days.sql",
            detector=row["detector"],
            organization=row["organization_id"],
            day=row["usage_date"],
            gap_days=GAP_DAYS,
            least=row["log_odds"] - NEAR,
        )[0]
        reasons, against = taught_reasons(connection, taught[row["detector"]], row)
        cases.append(
            Case(
                row["detector"],
                (row["organization_id"],),
                days["first_seen"],
                days["last_seen"],
                calibrate.surprise_of(row["p_value"]),
                reasons,
                against,
            )
        )
    return cases
