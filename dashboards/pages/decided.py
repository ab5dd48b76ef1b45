"""What was decided about a case: its standing in the queue, and the card with its history.

What may be decided, and what a decision does, belongs in pipelines/cases.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashboards import cells
from dashboards.page import Card, Cell, Column, Table
from dashboards.pages.reasons import words
from pipelines.cases.evidence_reasons import json_list
from pipelines.cases.states import AUDIT, BENIGN
from pipelines.publish.period import day

if TYPE_CHECKING:
    from pipelines.publish.facts import Facts
    from pipelines.publish.series import Row

_NOT_COVERED = (
    "No allow-note covers it: the usage is above what was allowed, which the counter-evidence then names, or the note"
    " does not count, as the decision is not sealed or the decisions do not verify."
)


def is_audit(flag: Row) -> bool:
    """Whether it was drawn at random, not flagged."""
    return bool(flag["detector"] == AUDIT)


def is_due(facts: Facts, flag: Row) -> bool:
    """Whether the date that its decision names lies before the last day of the data."""
    last = facts.watch["last_day"]
    return flag["until"] is not None and last is not None and bool(flag["until"] < last)


def waits(facts: Facts, flag: Row) -> bool:
    """Whether a reviewer has to look at it: nothing is decided, or what was no longer holds."""
    return flag["state"] == "new" or is_due(facts, flag) or _came_back(flag)


def _came_back(flag: Row) -> bool:
    return flag["state"] in BENIGN and not is_audit(flag)


def standing(facts: Facts, flag: Row) -> str:
    """State in words, and why it is to be reviewed again."""
    text = words(flag["state"])
    if is_due(facts, flag):
        return f"{text}, due again"
    return f"{text}, came back" if _came_back(flag) else text


def history(facts: Facts, flag: Row) -> Card:
    """The decisions about a case, the latest first."""
    rows = facts.case_history.get(flag["case_id"], [])
    columns = [
        Column("When", "decided at", text=True),
        Column("State", "state", text=True),
        Column("By", "reviewer", text=True),
        Column("Why", "why", text=True),
        Column("Until", "until", text=True),
        Column("Allows a day", "output tokens allowed a day"),
        Column("Digest", "digest", text=True),
    ]
    table = Table(
        "history-table",
        "Decisions",
        columns,
        [
            [
                cells.instant(row["decided_at"]),
                cells.text(words(row["state"]), css="l"),
                cells.text(row["reviewer"], css="l"),
                cells.text(row["why"], css="l w"),
                cells.day(row["until"]),
                _allowed(row["allow"]),
                Cell((row["digest"] or "not sealed")[:16], row["digest"] or "", css="l"),
            ]
            for row in rows
        ],
    )
    return Card(
        "history",
        _title(facts, flag) if rows else "Nothing is decided yet",
        "What did reviewers decide?",
        tables=[table] if rows else [],
        paragraphs=_remarks(facts, flag),
        how=f"From cases/decisions.yaml, an append-only file whose entries are chained by digests. To decide: "
        f"`meterhouse cases decide {flag['case_id']}`; it counts from the next run.",
    )


def _allowed(allow: str) -> Cell:
    """The largest cap of a decision's allow-notes."""
    caps = [note["cap_output_tokens_per_day"] for note in json_list(allow)]
    return cells.count(max(caps)) if caps else cells.BLANK


def _title(facts: Facts, flag: Row) -> str:
    when, text = day(flag["decided_at"].date()), standing(facts, flag)
    return f"{text[:1].upper()}{text[1:]}: decided by {flag['reviewer']} on {when}"


def _remarks(facts: Facts, flag: Row) -> list[str]:
    if is_due(facts, flag):
        return [f"The decision held until {day(flag['until'])}, which has passed: the case is due again."]
    if _came_back(flag):
        return [_NOT_COVERED]
    return []
