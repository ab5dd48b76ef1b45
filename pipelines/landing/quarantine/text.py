"""Lays out what is in quarantine, and what was done with it, for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.pricing.figures import count
from pipelines.pricing.page import heading, lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from rich.console import Console

    from pipelines.landing.quarantine.conflict import Sides
    from pipelines.landing.quarantine.drop import Dropped
    from pipelines.landing.quarantine.groups import Group
    from pipelines.landing.quarantine.records import Record
    from pipelines.landing.quarantine.retry import RetrySummary
    from pipelines.pricing.page import Line

# Enough to see what kind of record it is; `show` has all that is kept.
_LONGEST_EXAMPLE = 300


def show_groups(console: Console, groups: Sequence[Group]) -> None:
    """Print every group with an example."""
    if not groups:
        heading(console, "Nothing is in quarantine.")
        return
    records = sum(g.records for g in groups)
    heading(console, f"{count(records, 'record')} in quarantine, in {count(len(groups), 'group')}")
    for number, group in enumerate(groups, 1):
        heading(console, f"{number}. {group.source}: {group.reason}", above=1)
        lines(console, _facts(group))


def _facts(group: Group) -> Iterator[Line]:
    yield "records", f"{group.records:,} in {count(group.files, 'file')}"
    if group.field:
        yield "field", group.field
    span = [_minute(group.first_seen), _minute(group.last_seen)]
    yield "landed", " to ".join(dict.fromkeys(span))
    yield "at stake", _tokens(group)
    yield "example", place(group.example_file, group.example_line)
    if group.example_reason != group.reason:
        yield "", group.example_reason
    yield "", _shortened(group.example)


def _tokens(group: Group) -> str:
    if group.tokens is None:
        return "unknown: no token counts can be read from what is kept of them"
    known = count(group.tokens, "token")
    return f"{known}, and an unknown number in {count(group.unknown, 'record')}" if group.unknown else known


def show_records(console: Console, records: Sequence[Record], total: int) -> None:
    """Print records with all that is kept of them."""
    if not records:
        heading(console, "Nothing is in quarantine.")
        return
    for number, record in enumerate(records):
        heading(console, f"{record.source}/{place(record.file, record.line)}", above=min(number, 1))
        lines(console, [("reason", record.reason), *([("field", record.field)] if record.field else [])])
        lines(console, [("kept text", record.text)])
        if record.sides:
            lines(console, _sides(record.sides))
    if total > len(records):
        heading(console, f"The first {len(records):,} of {total:,}; --limit shows more.", above=1)


def _sides(sides: Sides) -> Iterator[Line]:
    if sides.note:
        yield "differs in", sides.note
    for number, found in enumerate(sides.differences):
        stands, refused = ("nothing" if v is None else v for v in (found.stands, found.refused))
        yield "" if number else "differs in", f"{found.column}: {stands} stands, {refused} is refused"


def show_retry(console: Console, found: RetrySummary, home: str) -> None:
    """Print what became of the records that were tried, and which could not be."""
    if not found.tried and not found.left:
        heading(console, "Nothing is in quarantine.")
        return
    heading(console, f"{count(found.tried, 'record')} read again from {count(found.files, 'file')}")
    lines(
        console,
        [
            ("accepted", f"{found.accepted:,}"),
            ("duplicates", f"{found.duplicates:,}"),
            ("amendments", f"{found.amendments:,}"),
            ("still refused", f"{found.quarantined:,}"),
        ],
    )
    if found.left:
        records = sum(left.records for left in found.left)
        heading(console, f"{count(records, 'record')} could not be read again", above=1)
        for left in found.left:
            lines(console, [("", f"{left.source}/{left.file}, {count(left.records, 'record')}: {left.why}")])
    if found.days:
        heading(console, f"Next: `meterhouse run --home {home}` rates {count(len(found.days), 'day')} anew.", above=1)


def show_dropped(console: Console, drops: Sequence[Dropped]) -> None:
    """Print every drop on record."""
    if not drops:
        heading(console, "Nothing was dropped.")
        return
    records = sum(d.records for d in drops)
    heading(console, f"{count(records, 'record')} dropped, the latest first")
    for dropped in drops:
        heading(console, f"{dropped.at[:16]} UTC by {dropped.by}: {count(dropped.records, 'record')}", above=1)
        lines(console, [("because", dropped.because)])
        for number, (source, reason, files, n) in enumerate(dropped.groups):
            text = f"{source}: {reason}, {count(n, 'record')} in {count(files, 'file')}"
            lines(console, [("" if number else "they were", text)])


def place(file: str, line: int | None) -> str:
    """A file, or a file and line as the commands take it."""
    return file if line is None else f"{file}:{line}"


def _minute(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_EXAMPLE else text[:_LONGEST_EXAMPLE] + "…"
