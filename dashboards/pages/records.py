"""What was read and what was refused: sources, files, quarantine."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from dashboards import cells
from dashboards.page import Card, Cell, Column, Table
from pipelines.publish import numbers

if TYPE_CHECKING:
    from dashboards.page import Audience
    from pipelines.publish.facts import Facts

RECORDS = ("records_read", "accepted", "duplicates", "amendments", "quarantined", "dropped", "difference")
ROWS = 60
_ZERO = Decimal(0)


def sources(facts: Facts) -> Card:
    counts = ("files", "bytes", *_counted(facts))
    total: dict[str, Any] = {k: sum(r[k] for r in facts.sources) for k in counts}
    columns = [
        Column("Source", "source", text=True),
        Column("Files", "files"),
        Column("Bytes", "bytes"),
        Column("Read", "records read"),
        Column("Accepted", "accepted"),
        Column("Duplicates", "duplicates"),
        Column("Amendments", "amendments"),
        Column("Quarantined", "quarantined"),
        *([Column("Dropped", "dropped")] if "dropped" in counts else []),
        Column("Difference", "difference"),
        Column("First event, UTC", "first event (UTC)", text=True),
        Column("Last event, UTC", "last event (UTC)", text=True),
    ]
    rows = [
        [
            cells.text(r["source"]),
            *(cells.count(r[k]) for k in counts),
            cells.instant(r["first_occurred_at"]),
            cells.instant(r["last_occurred_at"]),
        ]
        for r in facts.sources
    ]
    foot = [
        [
            Cell("Total"),
            *(cells.count(total[k]) for k in counts),
            cells.BLANK,
            cells.BLANK,
        ]
    ]
    title = (
        f"{numbers.counted(total['records_read'], 'record')} read: "
        f"{numbers.count(total['accepted'])} accepted, "
        f"{numbers.counted(total['duplicates'], 'duplicate')}, {numbers.counted(total['amendments'], 'amendment')}, "
        f"{numbers.count(total['quarantined'])} quarantined"
    )
    if "dropped" in counts:
        title += f", {numbers.count(total['dropped'])} dropped"
    if total["difference"]:
        title += f"; {numbers.count(total['difference'])} unaccounted for"
    return Card(
        "sources",
        title,
        "Is every record accounted for?",
        tables=[
            Table(
                "sources-table",
                "Records by source",
                columns,
                rows,
                foot if rows else [],
                empty="No file has been read.",
            )
        ],
        how="Read = accepted + duplicates + amendments + quarantined"
        f"{' + dropped' if 'dropped' in counts else ''}, for every file.",
        term="conservation",
    )


def _counted(facts: Facts) -> tuple[str, ...]:
    """What is counted of records; what was dropped only where something was."""
    return tuple(k for k in RECORDS if k != "dropped" or any(r[k] for r in facts.sources))


def refused(facts: Facts) -> dict[str, Any]:
    """What a page without usage says of the records: how many were read, how many are in quarantine."""
    read, held = (sum(r[k] for r in facts.sources) for k in ("records_read", "quarantined"))
    words = numbers.counted(read, "record")
    return {"read": words if read else "", "quarantined": numbers.count(held), "one": held == 1}


def quarantine(facts: Facts, audience: Audience) -> Card:
    """Refused records by reason. Their text may hold content, so only the platform reads examples of it."""
    with_text = audience == "platform"
    columns = [
        Column("Reason", "reason", text=True),
        Column("Field", "field", text=True),
        Column("Source", "source", text=True),
        Column("Records", "records"),
        Column("Files", "files"),
        Column("First example", "example place", text=True),
        *([Column("Text", "example", text=True)] if with_text else []),
    ]
    rows = [
        [
            cells.text(r["reason"], css="w"),
            cells.text(r["field"], css="l"),
            cells.text(r["source"], css="l"),
            cells.count(r["records"]),
            cells.count(r["files"]),
            cells.text(_place(r["example_file"], r["example_line"]), css="l"),
            *([cells.text(r["example"], css="l code")] if with_text else []),
        ]
        for r in facts.quarantine
    ]
    first = facts.quarantine[0] if facts.quarantine else {"all_records": 0, "all_reasons": 0}
    n, reasons = first["all_records"], first["all_reasons"]
    shown = len(facts.quarantine)
    title = (
        f"{numbers.counted(n, 'record')} in quarantine, for {numbers.counted(reasons, 'reason')}"
        if n
        else "No record is in quarantine"
    )
    return Card(
        "quarantine",
        title,
        "What was refused, and where is it?",
        tables=[
            Table(
                "quarantine-table",
                "Refused records by reason",
                columns,
                rows,
                empty="Nothing was refused.",
                note=f"The {shown:,} most frequent of {reasons:,} reasons." if reasons > shown else "",
            )
        ],
        how="`meterhouse quarantine` shows, retries and drops them. What is kept of the text of each is in the table "
        "quarantined_records."
        if with_text
        else "The text of a refused record may hold content; it is not shown here.",
        term="quarantine",
    )


def _place(file: str, line: int | None) -> str:
    """Where a record stands; one of a file that is unreadable as a whole, or has no lines, has no line."""
    return file if line is None else f"{file}, line {line}"


def _files_finding(facts: Facts) -> str:
    """What the files brought, and how new the newest of it is."""
    if not facts.sources:
        return "No file has been read"
    accepted = sum(r["accepted"] for r in facts.sources)
    newest = max((r["last_occurred_at"] for r in facts.sources if r["last_occurred_at"]), default=None)
    brought = (
        f"{numbers.counted(accepted, 'request')}, the newest of {newest:%Y-%m-%d %H:%M} UTC" if newest else "no request"
    )
    return f"{numbers.counted(facts.file_count, 'file brings', 'files bring')} {brought}"


def files(facts: Facts) -> Card:
    counts = [k for k in _counted(facts) if k != "difference"]
    columns = [
        Column("File", "file", text=True),
        Column("Source", "source", text=True),
        Column("Format", "format", text=True),
        Column("Read", "records read"),
        Column("Accepted", "accepted"),
        Column("Duplicates", "duplicates"),
        Column("Amendments", "amendments"),
        Column("Quarantined", "quarantined"),
        *([Column("Dropped", "dropped")] if "dropped" in counts else []),
        Column("Last event, UTC", "last event (UTC)", text=True),
    ]
    rows = [
        [
            cells.text(r["file"]),
            cells.text(r["source"], css="l"),
            cells.text(r["format"], css="l"),
            *(cells.count(r[k]) for k in counts),
            cells.instant(r["last_occurred_at"]),
        ]
        for r in facts.files[:ROWS]
    ]
    note = (
        f"The newest {ROWS} of {facts.file_count:,}; all are in the table ingested_files."
        if facts.file_count > ROWS
        else ""
    )
    return Card(
        "files",
        _files_finding(facts),
        "Which files are in these figures?",
        tables=[
            Table(
                "files-table",
                "Files, newest event first",
                columns,
                rows,
                controls=True,
                note=note,
                empty="No file has been read.",
            )
        ],
    )
