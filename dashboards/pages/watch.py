"""The review queue of trust and safety. Flags are leads for a person to review, not findings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dashboards import cells
from dashboards.page import Card, Cell, Column, Page, Table, Tile
from dashboards.pages import case, decided, enforcement, newcomers, records, worth
from dashboards.pages.reasons import number, parse_reasons, words
from dashboards.svg import spark
from pipelines.cases.evidence_reasons import json_list
from pipelines.publish import numbers

if TYPE_CHECKING:
    from pipelines.publish.facts import Facts
    from pipelines.publish.series import Row


def pages(facts: Facts) -> list[Page]:
    """The queue first, then a page for each case."""
    return [_queue(facts), *(case.page(facts, flag) for flag in facts.flags)]


def _queue(facts: Facts) -> Page:
    flagged = [f for f in facts.flags if not decided.is_audit(f)]
    n, judged = len(flagged), facts.watch["organization_days"]
    audits = len(facts.flags) - n
    if facts.daily is None:
        return Page("index.html", "empty.html.j2", "index", "Extraction watch", records.refused(facts))
    output = sum(f["output_tokens"] or 0 for f in flagged)
    organizations = {f["organization_id"] for f in flagged}
    for flag in flagged:
        organizations.update(json_list(flag["linked_organizations"]))
    part = numbers.share(output, facts.total["output_tokens"])
    tiles = [
        Tile(
            "Cases to review",
            numbers.count(sum(decided.waits(facts, f) for f in flagged)) if judged or n else numbers.NOTHING,
            term="flag",
            note=f"{numbers.count(n)} in the queue, cut at the alert budget{_beside(audits)}"
            if judged or n
            else "nothing was judged",
        ),
        Tile(
            "Organisation-days judged",
            numbers.count(judged),
            note=_unjudged(facts.watch),
        ),
        Tile(
            "Organisations flagged",
            numbers.count(len(organizations)),
            note=f"of {len(facts.organizations):,} active, linked ones included",
        ),
        Tile(
            "Output tokens in flagged windows",
            numbers.short(output),
            "",
            str(output),
            note=f"{numbers.percent(part)} of all output" if part is not None else "",
        ),
        Tile(
            "Output tokens, all organisations",
            numbers.short(facts.total["output_tokens"]),
            "",
            str(facts.total["output_tokens"]),
            spark=spark(facts.daily.output_tokens),
        ),
    ]
    columns = [
        Column("#", "rank"),
        Column("Organisation", "organisation", text=True),
        Column("Flagged for", "detector", text=True),
        Column("Why", "first reason", text=True),
        Column("First day", "first day", text=True),
        Column("Last day", "last day", text=True),
        Column("Output tokens", "output tokens"),
        Column("Revenue", f"revenue ({facts.currency})", term="revenue"),
        Column("Score", "score", term="score"),
        Column("Linked", "linked organisations"),
        Column("State", "state", text=True),
        Column("Output by day", "", text=True),
    ]
    rows = []
    for place, flag in enumerate(facts.flags, start=1):
        reasons = parse_reasons(flag["reasons"])
        name = flag["organization_id"]
        series = facts.organization_daily.get(name)
        rows.append(
            [
                cells.count(flag["rank"] or place),
                cells.text(name, href=case.path(flag), css="l"),
                cells.text(words(flag["detector"]), css="l"),
                cells.text(_why(reasons), css="l w"),
                cells.day(flag["first_seen"]),
                cells.day(flag["last_seen"]),
                cells.short(flag["output_tokens"]),
                case.revenue(facts, flag),
                _score(flag["score"]),
                cells.count(len(json_list(flag["linked_organizations"]))),
                cells.text(decided.standing(facts, flag), css="l state"),
                Cell("", html=spark(series.output_tokens)) if series else cells.BLANK,
            ]
        )
    title = "No case in the queue" if judged else "Nothing was judged"
    if n:
        title = numbers.counted(n, "case to review", "cases to review")
    card = Card(
        "queue",
        title,
        "Which usage resembles harvesting, and how strongly?",
        term="flag",
        tables=[
            Table(
                "queue-table",
                "Review queue",
                columns,
                rows,
                empty=_why_empty(facts.watch),
                stacked=True,
            )
        ],
        how=f"{_coverage(facts.watch)} Ranked by the detectors; the number of cases is held to the alert budget, not "
        f"to a fixed threshold{_sampled(audits)}. A flag is a lead for a person to review. It says nothing about "
        f"intent. {worth.summary()}",
    )
    return Page(
        "index.html",
        "cards.html.j2",
        "index",
        "Extraction watch",
        {"tiles": tiles, "cards": [card, *enforcement.card(facts), *newcomers.card(facts)]},
    )


def _why(reasons: list[dict[str, Any]]) -> str:
    """The first reason, with its figure where its words have none."""
    if not reasons:
        return ""
    first = reasons[0]
    text = str(first["text"])
    if first["value"] is None or first["own"] is None or any(sign.isdigit() for sign in text):
        return text
    return f"{text}: {number(first['value']).text} against {number(first['own']).text} {first['unit']}"


def _beside(audits: int) -> str:
    return f"; {numbers.count(audits)} drawn at random beside it" if audits else ""


def _sampled(audits: int) -> str:
    """What the audit sample is."""
    if not audits:
        return ""
    return "; cases of the audit sample are drawn at random beside it, to tell how much is missed"


def _unjudged(row: Row) -> str:
    """How many active days could not be judged."""
    n = row["unjudged_days"]
    return f"{numbers.count(n)} not judged: too little data before them" if n else "all there are in its window"


def _coverage(row: Row) -> str:
    """What was judged, and how many cases that allows."""
    judged, n = row["organization_days"], row["unjudged_days"]
    until = f" up to {row['last_day'].isoformat()}" if row["last_day"] else ""
    text = f"{numbers.counted(judged, 'organisation-day')} judged{until}"
    if n:
        text += f", {numbers.count(n)} not"
    allowed = row["alerts_allowed"]
    budget = f"{(allowed if allowed < 1 else round(allowed, 1)).normalize():,f}"
    return f"{text}; the alert budget for them is {budget} case{'s' if budget != '1' else ''}."


def _why_empty(row: Row) -> str:
    """Why there is no case: only days that were judged can be said to be nothing unusual."""
    if row["note"]:
        return f"This does not say that all is well. {row['note'][:1].upper()}{row['note'][1:]}."
    return "No usage was unusual enough for the alert budget."


def _score(value: float | None) -> Cell:
    return Cell(numbers.NOTHING) if value is None else Cell(f"{value:.2f}", repr(value))
