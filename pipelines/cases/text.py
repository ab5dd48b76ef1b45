"""Lays out cases, their history and the estimate of recall for a terminal. What they are belongs in `listing.py`."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from pipelines.cases.listing import FINISHED, TO_REVIEW, Listed
from pipelines.cases.recall import ENOUGH, Recall
from pipelines.pricing.figures import count
from pipelines.pricing.page import heading, lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    from rich.console import Console

    from pipelines.cases.decisions import Decisions
    from pipelines.cases.entry import Entry
    from pipelines.pricing.page import Line

_MOST_NAMES = 8
_MOST_DAYS = 62
_BAR = 30


def show_list(console: Console, cases: Sequence[Listed], today: date, *, fresh: bool) -> None:
    """Print cases by what is left to do with them."""
    if not cases:
        heading(console, "No case.")
        return
    for number, (standing, group) in enumerate(groupby(cases, key=lambda c: c.standing(today, fresh=fresh))):
        these = list(group)
        what = {TO_REVIEW: "to review", FINISHED: "done"}.get(standing, "in work")
        heading(console, f"{count(len(these), 'case')} {what}", above=min(number, 1))
        for case in these:
            lines(console, _line(case, today, fresh=fresh), label_width=17)


def _line(case: Listed, today: date, *, fresh: bool) -> Iterator[Line]:
    others = len(case.organization_ids) - 1
    who = case.organization_ids[0] + (f" and {count(others, 'other')}" if others else "")
    seen = case.snapshot
    span = f", {seen.first_seen} to {seen.last_seen}, {seen.output_tokens:,} output tokens" if seen else ""
    place = f"#{case.rank} " if case.rank is not None else "left the queue: "
    yield case.case_id, f"{place}{who}: {case.detector}{span}"
    yield "", standing_text(case, today, fresh=fresh)


def standing_text(case: Listed, today: date, *, fresh: bool = True) -> str:
    """State, by whom and when, and why it is to review again."""
    latest = case.latest
    if latest is None:
        return "new"
    text = f"{case.state} by {latest.reviewer} on {latest.time.date()}"
    if latest.until:
        text += f", until {latest.until}"
    if not latest.sealed:
        text += ", not sealed"
    if case.is_due(today):
        text += ": due again"
    elif fresh and case.came_back:
        text += ": came back, no allow-note covers it"
    return text


def show_case(console: Console, case: Listed, days: Sequence[tuple[date, str, int, int]], today: date) -> None:
    """Print all that is known of a case."""
    heading(console, f"Case {case.case_id}: {standing_text(case, today)}")
    lines(console, _facts(case))
    if case.snapshot:
        for title, reasons in (
            ("What is unusual", case.snapshot.reasons),
            ("What speaks against it", case.snapshot.counter_evidence),
        ):
            heading(console, title if reasons else f"{title}: nothing was found", above=1)
            for reason in reasons:
                lines(console, _reason(reason))
    if days:
        heading(console, "Output tokens by day (UTC)", above=1)
        lines(console, _timeline(days))
    heading(console, "Decisions" if case.decisions else "Nothing is decided yet", above=1)
    for number, entry in case.decisions:
        lines(console, _decision(number, entry))


def _facts(case: Listed) -> Iterator[Line]:
    names = case.organization_ids
    more = f", and {len(names) - _MOST_NAMES:,} more" if len(names) > _MOST_NAMES else ""
    yield "organisation" + ("s" if len(names) > 1 else ""), ", ".join(names[:_MOST_NAMES]) + more
    yield "detector", case.detector
    yield "place", f"#{case.rank} in the queue" if case.rank is not None else "left the queue; as it was when decided"
    if seen := case.snapshot:
        yield "days", f"{seen.first_seen} to {seen.last_seen}"
        yield "output tokens", f"{seen.output_tokens:,}"
        yield "score", f"{seen.score:.2f}"


def _reason(reason: dict[str, Any]) -> Iterator[Line]:
    value, own, peer = reason.get("value"), reason.get("own_baseline"), reason.get("peer_percentile")
    figures = [_figure(value, str(reason.get("unit") or ""))] if value is not None else []
    if own is not None:
        figures.append(f"own baseline {_figure(own)}")
    if peer is not None:
        figures.append(f"{peer:g} % of comparable days are lower")
    yield "", f"- {reason.get('text', '')}" + (f": {'; '.join(figures)}" if figures else "")


def _figure(value: Any, unit: str = "") -> str:
    shown = f"{value:,}" if isinstance(value, int | float) and not isinstance(value, bool) else str(value)
    return f"{shown} {unit}".strip()


def _timeline(days: Sequence[tuple[date, str, int, int]]) -> Iterator[Line]:
    sums: dict[date, int] = {}
    for day, _, _, output in days:
        sums[day] = sums.get(day, 0) + output
    most = max(sums.values())
    for day, output in sorted(sums.items())[-_MOST_DAYS:]:
        bar = "▇" * round(_BAR * output / most) if most else ""
        yield str(day), f"{output:>16,} {bar}"


def _decision(number: int, entry: Entry) -> Iterator[Line]:
    when = f"{entry.time:%Y-%m-%d %H:%M} UTC"
    until = f", until {entry.until}" if entry.until else ""
    yield f"{number}.", f"{when}: {entry.state} by {entry.reviewer}{until}"
    yield "", entry.why
    for note in entry.allow[:_MOST_NAMES]:
        yield "", f"allows {note.organization_id} {note.cap_output_tokens_per_day:,} output tokens a day"
    if len(entry.allow) > _MOST_NAMES:
        yield "", f"and as much to {len(entry.allow) - _MOST_NAMES:,} more"
    yield "", f"digest {entry.digest[:16]}" if entry.digest else "not sealed: its allow-notes do not count yet"


def show_record(console: Console, decisions: Decisions) -> None:
    """Print how many decisions there are and the head of their chain."""
    entries = len(decisions.entries) - decisions.unsealed
    text = f"{count(entries, 'decision')} on record" + (f", head {decisions.head.digest[:16]}" if entries else "")
    if decisions.unsealed:
        text += f"; {decisions.unsealed:,} not sealed: `meterhouse cases seal`"
    lines(console, [(" ", ""), ("decisions", text)])


def show_recall(console: Console, recall: Recall) -> None:
    """Print the estimate, or why there is none."""
    lines(console, [("recall", recall_text(recall))])


def recall_text(recall: Recall) -> str:
    """The estimate in a sentence or two, with what it rests on."""
    if not recall.decided:
        return "not known: no case of the audit sample is decided yet"
    basis = (
        f"{count(recall.confirmed, 'case')} confirmed of {recall.decided:,} decided in the audit sample, "
        f"{count(recall.found, 'organisation-week')} found in the same weeks"
    )
    few = f". Too few to go by: it takes {ENOUGH} decided audit cases" if recall.few else ""
    if recall.estimate is None:
        return f"not known: nothing was confirmed, neither in the sample nor in the queue ({basis}){few}"
    return f"{recall.estimate:.0%}, 95 % interval {recall.low:.0%} to {recall.high:.0%} ({basis}){few}"
