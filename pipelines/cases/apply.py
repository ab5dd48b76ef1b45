"""Puts decisions onto the queue that detection wrote: states, who decided, allow-notes that did not hold, the history.

What detection asks of decisions while it works belongs in `notes.py`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.cases.audit import add_sample, salt_of
from pipelines.cases.decisions import Decisions, load_decisions
from pipelines.sql import read_sql

if TYPE_CHECKING:
    from datetime import date

    from duckdb import DuckDBPyConnection

    from pipelines.home import Home

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Review:
    """What a home's reviewers bring to a run of the watch: their decisions, and the salt of the audit sample."""

    decisions: Decisions
    salt: str


def review_of(home: Home) -> Review:
    """Read it. What is wrong with the decisions is told by the run; nothing is raised here."""
    return Review(load_decisions(home), salt_of(home))


def apply_review(
    connection: DuckDBPyConnection, review: Review, *, last_day: date | None, judged: int, alerts_allowed: float
) -> None:
    """Add the audit sample to the queue, then the decisions; writes watch.case_decisions and its published view."""
    if judged and last_day:
        add_sample(connection, salt=review.salt, last_day=last_day, alerts_allowed=alerts_allowed)
    connection.execute(read_sql(HERE / "history.sql"))
    for number, entry in enumerate(review.decisions.entries, start=1):
        connection.execute(
            "insert into watch.case_decisions values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                number, entry.case_id, entry.organization_ids[0], entry.detector, entry.state, entry.reviewer,
                entry.time.replace(tzinfo=None), entry.why, entry.until,
                json.dumps([note.model_dump() for note in entry.allow]), entry.digest,
            ],
        )  # fmt: skip
    connection.execute(read_sql(HERE / "decided.sql"))
