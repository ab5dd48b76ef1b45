"""A page a case: why it was flagged, what speaks against it, and what a reviewer does next.

A case is an organisation, or several that are linked; its figures are those of all members.
"""

from __future__ import annotations

import json
import re
from datetime import date
from decimal import Decimal
from statistics import quantiles
from typing import TYPE_CHECKING

from dashboards import cells, charts, foreign, tables
from dashboards.page import Card, Cell, Page, Tile
from dashboards.pages import decided
from dashboards.pages.evidence import days_table, hours, hours_title, members_card, sample_table
from dashboards.pages.reasons import parse_reasons, reason_table, words
from dashboards.svg import spark
from pipelines.publish import numbers
from pipelines.publish.names import slug
from pipelines.publish.period import day, day_range

if TYPE_CHECKING:
    from pipelines.publish.facts import Facts
    from pipelines.publish.period import Period
    from pipelines.publish.series import Row

BENIGN = (
    "A batch job, migration or backfill that the customer announced or confirms",
    "An evaluation or regression suite with a fixed, recurring size",
    "The launch of a product: many new end users, with a day and a night",
    "A reseller or platform whose own customers make the traffic, with end-user identifiers",
    "A retry storm after an outage: many failures, little new output",
)
_LINKED_STEP = "Review the linked organisations together with this one"
STEPS = (
    ("Read the reasons against the counter-evidence; look for a launch, a migration or a contract that explains them"),
    "Look at the keys, networks and templates of the sample below: one job, or many people?",
    _LINKED_STEP,
    "Ask the customer before anything else: most flags have a plain explanation",
    "Write the decision down with its reason, so that the same usage is not flagged again",
)


def path(flag: Row) -> str:
    """Where a case's page is, from the audience's folder."""
    return f"cases/{slug(flag['case_id'])}.html"


_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_SMALL = Decimal("0.001")  # of all output: less is said to be small


def page(facts: Facts, flag: Row) -> Page:
    period = facts.period
    assert period is not None  # noqa: S101 - flags have usage
    name = flag["organization_id"]
    days = facts.case_days.get(flag["case_id"], [])
    output = [0] * len(period.days)
    for row in days:
        output[row["day_index"]] = row["output_tokens"]
    start = max((flag["first_seen"] - period.first).days, 0)
    end = (flag["last_seen"] - period.first).days
    band = _band(output[:start])
    inside = [r for r in days if start <= r["day_index"] <= end]
    peers = max((Decimal(str(r["peer_rank"])) for r in inside), default=None)
    reasons, counter = parse_reasons(flag["reasons"]), parse_reasons(flag["counter_evidence"])
    members = facts.case_shares.get(flag["case_id"], [])
    marked = standing_out(reasons, period, output, start, end)
    whose = "its" if len(members) < 2 else f"the {len(members)} members'"
    window = day_range(flag["first_seen"], flag["last_seen"])
    tiles = [
        Tile(
            "Output tokens in the window",
            numbers.short(flag["output_tokens"]),
            "",
            str(flag["output_tokens"] or ""),
            note=window,
            spark=spark(output),
        ),
        Tile(
            "Median day before" if len(members) > 1 else "Own median day before",
            numbers.short(round(sorted(output[:start])[start // 2])) if start else "new",
            note="output tokens" if start else "no day before the window",
            term="peer-percentile",
        ),
        Tile(
            "Highest peer percentile",
            numbers.percentile(peers * 100) if peers is not None else numbers.NOTHING,
            note="output tokens of a day in the window",
            term="peer-percentile",
        ),
        _revenue_tile(facts, flag),
        Tile("Score", f"{flag['score']:.2f}", note=words(flag["detector"]), term="score"),
    ]
    cards = [
        Card(
            "summary",
            _summary(period, output, start, end, whose),
            "What is the lead?",
            paragraphs=[
                _lead(flag, members, window),
                *_scale(flag),
                *_small(facts, flag, members),
                *(["The watch links no other organisation to it."] if len(members) < 2 else []),
            ],
            chart=charts.case_days(facts, flag, output, band, marked),
            term="flag",
            how=f"Output tokens by day of {_whom(members)}. Days that stand out: those a reason names, those above "
            f"every day before the window, and the highest. Band: the middle half of {whose} own days before the "
            "window.",
        ),
        Card(
            "reasons",
            numbers.counted(len(reasons), "reason to look", "reasons to look"),
            "What is unusual, against itself and against others?",
            tables=[reason_table("reasons-table", "Reasons", reasons)],
            term="peer-percentile",
        ),
        Card(
            "counter",
            numbers.counted(len(counter), "point that speaks against it", "points that speak against it")
            if counter
            else "No counter-evidence was found",
            "What makes it look harmless?",
            paragraphs=[] if counter else ["The watch found none of what it looks for. That is not proof of anything."],
            tables=[reason_table("counter-table", "Counter-evidence", counter)] if counter else [],
        ),
        Card(
            "days",
            _days_title(len(marked), end - start + 1, window),
            "How does each flagged day compare?",
            tables=[days_table(facts, inside, marked)],
            half=True,
        ),
        Card(
            "hours",
            hours_title(facts, flag),
            "Is there a day and a night?",
            half=True,
            hours=hours(facts, flag),
            how="Requests in the flagged window by hour of the day, UTC.",
        ),
        *members_card(facts, flag, members),
        decided.history(facts, flag),
        Card(
            "benign",
            "What would make this benign",
            "Which plain explanations fit?",
            items=list(BENIGN),
            half=True,
        ),
        Card(
            "steps",
            "Next steps",
            "What does a reviewer do?",
            items=[s for s in STEPS if len(members) > 1 or s != _LINKED_STEP],
            half=True,
        ),
        Card(
            "sample",
            _sample_title(len(facts.case_samples.get(flag["case_id"], [])), sum(m["requests"] for m in members)),
            "What do single requests look like?",
            tables=[sample_table(facts, flag)],
            how="Chosen by digest of their key, so the same every time. Metadata only: no text "
            "of prompts or answers is kept.",
        ),
    ]
    return Page(
        path(flag),
        "cards.html.j2",
        "index",
        name,
        {
            "tiles": tiles,
            "cards": cards,
            "kicker": f"Case {flag['case_id']} \u00b7 {decided.standing(facts, flag)}",
            "link": (f"../organizations/{slug(name)}.html", "All usage of this organisation")
            if name in facts.organization_daily
            else None,
        },
    )


def _scale(flag: Row) -> list[str]:
    """How much was taken, of which models, and which detectors said so."""
    told = []
    if flag["comparable_training_set"]:
        told.append(f"In the window {_whole_sentence(flag['comparable_training_set'])}")
    models = [f"{m['model']} ({numbers.short(m['output_tokens'])} tokens)" for m in json.loads(flag["models"] or "[]")]
    if models:
        told.append(f"Models by output: {', '.join(models)}.")
    if flag["detector_version"]:
        told.append(f"Version of the taught detectors: {flag['detector_version']}.")
    return [" ".join(told)] if told else []


def _whole_sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text}."


def _lead(flag: Row, members: list[Row], window: str) -> str:
    """Why there is a case at all."""
    name = flag["organization_id"]
    if decided.is_audit(flag):
        return (
            f"{name} was drawn at random from the organisations that no detector flagged, over {window}. What a "
            "reviewer finds here, nothing too, tells how much the watch misses."
        )
    return (
        f"{name}{_and_others(members)} flagged for review over {window} by the detector "
        f"\u201c{words(flag['detector'])}\u201d. The figures below are why. They say that the usage is unusual, not "
        "what it is for."
    )


def revenue(facts: Facts, flag: Row) -> Cell:
    """Revenue of the case, where all of it is in the currency of these pages."""
    members = facts.case_shares.get(flag["case_id"], [])
    if any(m["foreign_requests"] for m in members):
        return Cell(foreign.no_amount(tables.merge_foreign(members)), css="np")
    return cells.money(flag["revenue_amount"], facts.currency)


def _revenue_tile(facts: Facts, flag: Row) -> Tile:
    cell = revenue(facts, flag)
    return Tile("Revenue in the window", *numbers.money_parts(cell.text), raw=cell.raw, term="revenue")


def _and_others(members: list[Row]) -> str:
    others = len(members) - 1
    return " was" if others < 1 else f" and {numbers.counted(others, 'linked organisation')} were"


def _whom(members: list[Row]) -> str:
    return "all members of the case" if len(members) > 1 else "the organisation"


def standing_out(reasons: list[Row], period: Period, output: list[int], start: int, end: int) -> list[int]:
    """Places in the period of the window's days that stand out.

    They are those that a reason names, those with more output than any day before the window, and the highest. A
    window has quiet days too, as it goes from the first to the last day that was unusual.
    """
    inside = range(start, min(end + 1, len(output)))
    if not inside:
        return []
    made = {max(inside, key=lambda i: (output[i], -i))}
    for reason in reasons:
        named = [date.fromisoformat(text) for text in _DAY.findall(str(reason["text"]))]
        if named:
            made.update(i for i in inside if min(named) <= period.days[i] <= max(named) and output[i])
    if start:
        made.update(i for i in inside if output[i] > max(output[:start]))
    return sorted(made)


def _summary(period: Period, output: list[int], start: int, end: int, whose: str) -> str:
    """The highest day of the window against what was usual before."""
    inside = range(start, min(end + 1, len(output)))
    if not inside:
        return "The window lies before the days shown"
    peak = max(inside, key=lambda i: (output[i], -i))
    text = f"{numbers.short(output[peak])} output tokens on {day(period.days[peak])}"
    before = sorted(output[:start])
    median = before[len(before) // 2] if before else 0
    if not median:
        return f"{text}, with little or no usage before"
    return f"{text}, {Decimal(output[peak]) / Decimal(median):,.1f} times {whose} own median day before"


def _small(facts: Facts, flag: Row, members: list[Row]) -> list[str]:
    """A sentence where all that was flagged is next to nothing."""
    part = numbers.share(flag["output_tokens"], facts.total["output_tokens"])
    if part is None or part >= _SMALL:
        return []
    tokens = numbers.counted(flag["output_tokens"], "output token")
    requests = numbers.counted(sum(m["requests"] for m in members), "request")
    amount = revenue(facts, flag).text
    if not amount[-1:].isalpha():
        amount += " of revenue"
    whole = numbers.percent(part)
    return [f"It is little usage: {tokens} in {requests}, {amount}; {whole} of all output of these days."]


def _days_title(marked: int, days: int, window: str) -> str:
    return f"{marked} of {numbers.counted(days, 'day')} stand{'s' if marked == 1 else ''} out, {window}"


def _sample_title(n: int, of: int) -> str:
    if n == of == 1:
        return "The one request of the window"
    return f"{'All' if n == of else f'{n:,} of'} {numbers.counted(of, 'request')} of the window"


def _band(values: list[int]) -> tuple[float, float] | None:
    if len(values) < 4:
        return None
    low, _, high = quantiles(values, n=4, method="inclusive")
    return (low, high) if high > 0 else None
