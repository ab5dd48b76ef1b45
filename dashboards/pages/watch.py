"""Extraction watch, for trust and safety: the review queue and a page a case. Flags are leads, not findings."""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from statistics import quantiles
from typing import TYPE_CHECKING, Any

from dashboards import cells, charts
from dashboards.page import Card, Cell, Column, Page, Table, Tile
from dashboards.svg import spark
from pipelines.publish import numbers
from pipelines.publish.names import slug
from pipelines.publish.period import day_range

if TYPE_CHECKING:
    from pipelines.publish.facts import Facts, Row

MEMBERS = 200
BENIGN = (
    "A batch job, migration or backfill that the customer announced or confirms",
    "An evaluation or regression suite with a fixed, recurring size",
    "The launch of a product: many new end users, with a day and a night",
    "A reseller or platform whose own customers make the traffic, with end-user identifiers",
    "A retry storm after an outage: many failures, little new output",
)
STEPS = (
    "Read the reasons against the counter-evidence; look for a launch, a migration or a contract that explains them",
    "Look at the keys, networks and templates of the sample below: one job, or many people?",
    "Review the linked organisations together with this one",
    "Ask the customer before anything else: most flags have a plain explanation",
    "Write the decision down with its reason, so that the same usage is not flagged again",
)
_VALUE = ("value", "measured", "observed")
_NUMBERS = ("own_baseline", "baseline", "own")
_PEER = ("peer_percentile", "percentile", "peer")
_TEXT = ("text", "label", "message", "measure", "description", "title")
_CODE = ("code", "name", "id", "feature", "reason")


def pages(facts: Facts) -> list[Page]:
    """The queue first, then a page for each case."""
    return [_queue(facts), *(_case(facts, flag) for flag in facts.flags)]


def case_path(flag: Row) -> str:
    """Where a case's page is, from the audience's folder."""
    return f"cases/{slug(flag['case_id'])}.html"


def _queue(facts: Facts) -> Page:
    n = len(facts.flags)
    if facts.daily is None:
        return Page("index.html", "empty.html.j2", "index", "Extraction watch", {})
    output = sum(f["output_tokens"] or 0 for f in facts.flags)
    organizations = sorted({f["organization_id"] for f in facts.flags})
    part = numbers.share(output, facts.total["output_tokens"])
    tiles = [
        Tile(
            "Cases to review",
            numbers.count(sum(f["state"] == "new" for f in facts.flags)),
            term="flag",
            note=f"{numbers.count(n)} in the queue, cut at the alert budget",
        ),
        Tile(
            "Organisations flagged",
            numbers.count(len(organizations)),
            note=f"of {len(facts.organizations):,} active",
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
                cells.text(name, href=case_path(flag), css="l"),
                cells.text(_words(flag["detector"]), css="l"),
                cells.text(reasons[0]["text"] if reasons else "", css="l w"),
                cells.day(flag["first_seen"]),
                cells.day(flag["last_seen"]),
                cells.short(flag["output_tokens"]),
                cells.money(flag["revenue_amount"], facts.currency),
                _score(flag["score"]),
                cells.count(len(_list(flag["linked_organizations"]))),
                cells.text(flag["state"], css="l state"),
                Cell("", html=spark(series.output_tokens)) if series else cells.BLANK,
            ]
        )
    title = f"{n} case{'s' if n != 1 else ''} to review" if n else "No case in the queue"
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
                empty="No usage was unusual enough for the alert budget.",
            )
        ],
        how="Ranked by the detectors; the number of cases is held to the alert budget, not to a fixed threshold. A flag is a lead for a "
        "person to review. It says nothing about intent.",
    )
    return Page(
        "index.html",
        "cards.html.j2",
        "index",
        "Extraction watch",
        {"tiles": tiles, "cards": [card]},
    )


def _case(facts: Facts, flag: Row) -> Page:
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
            numbers.percent(peers) if peers is not None else numbers.NOTHING,
            note="output tokens of a day in the window",
            term="peer-percentile",
        ),
        Tile(
            "Revenue in the window",
            *numbers.money_parts(flag["revenue_amount"], facts.currency),
            raw=numbers.raw(flag["revenue_amount"]),
            term="revenue",
        ),
        Tile("Score", f"{flag['score']:.2f}", note=_words(flag["detector"]), term="score"),
    ]
    cards = [
        Card(
            "summary",
            _summary(output, start, end, whose),
            "What is the lead?",
            paragraphs=[
                f"{name}{_and_others(members)} flagged for review over {window} by the detector \u201c{_words(flag['detector'])}\u201d. "
                "The figures below are why. They say that the usage is unusual, not what it is for."
            ],
            chart=charts.case_days(facts, flag, output, band),
            term="flag",
            how=f"Output tokens by day of {_whom(members)}. Band: the middle half of {whose} own days before the window.",
        ),
        Card(
            "reasons",
            f"{len(reasons)} reason{'s' if len(reasons) != 1 else ''} to look",
            "What is unusual, against itself and against others?",
            tables=[_reason_table("reasons-table", "Reasons", reasons)],
            term="peer-percentile",
        ),
        Card(
            "counter",
            f"{len(counter)} point{'s' if len(counter) != 1 else ''} that speak against it"
            if counter
            else "No counter-evidence was found",
            "What makes it look harmless?",
            tables=[_reason_table("counter-table", "Counter-evidence", counter)] if counter else [],
            half=True,
        ),
        _members_card(facts, flag, members),
        Card(
            "days",
            f"Day by day, {window}",
            "How does each flagged day compare?",
            tables=[_days_table(facts, inside)],
            half=True,
        ),
        Card(
            "hours",
            _hours_title(facts, flag),
            "Is there a day and a night?",
            half=True,
            hours=_hours(facts, flag),
            how="Requests in the flagged window by hour of the day, UTC.",
        ),
        Card(
            "benign",
            "What would make this benign",
            "Which plain explanations fit?",
            items=list(BENIGN),
            half=True,
        ),
        Card("steps", "Next steps", "What does a reviewer do?", items=list(STEPS), half=True),
        Card(
            "sample",
            "Twenty requests of the window",
            "What do single requests look like?",
            tables=[_sample_table(facts, flag)],
            how="Chosen by digest of their key, so the same every time. Metadata only: no text of prompts or answers is kept.",
        ),
    ]
    return Page(
        case_path(flag),
        "cards.html.j2",
        "index",
        name,
        {
            "tiles": tiles,
            "cards": cards,
            "kicker": f"Case {flag['case_id']} \u00b7 {flag['state']}",
            "link": (f"../organizations/{slug(name)}.html", "All usage of this organisation"),
        },
    )


def parse_reasons(text: str | None) -> list[dict[str, Any]]:
    """Reasons in one shape, whatever keys the detector used: code, text, value, unit, own, peer, rest."""
    made = []
    for entry in _list(text):
        if not isinstance(entry, dict):
            made.append(
                {
                    "code": "",
                    "text": str(entry),
                    "value": None,
                    "unit": "",
                    "own": None,
                    "peer": None,
                    "rest": "",
                }
            )
            continue
        left = dict(entry)

        def take(names: tuple[str, ...], left: dict[str, Any] = left) -> Any:
            found = next((n for n in names if n in left), None)
            return None if found is None else left.pop(found)

        text_, code = take(_TEXT), take(_CODE)
        made.append(
            {
                "code": str(code or ""),
                "text": str(text_ or _words(str(code or ""))),
                "value": take(_VALUE),
                "unit": take(("unit",)) or "",
                "own": take(_NUMBERS),
                "peer": take(_PEER),
                "threshold": take(("threshold", "limit")),
                "rest": "; ".join(
                    f"{_words(k)} {_shown(v)}" for k, v in left.items() if v is not None
                ),
            }
        )
    return made


def _list(text: str | None) -> list[Any]:
    if not text:
        return []
    value = json.loads(text)
    if isinstance(value, dict):
        return [
            {"code": k, **(v if isinstance(v, dict) else {"value": v})} for k, v in value.items()
        ]
    return value if isinstance(value, list) else [value]


def _reason_table(id: str, caption: str, reasons: list[dict[str, Any]]) -> Table:  # noqa: A002
    columns = [
        Column("Reason", "reason", text=True),
        Column("Measured", "measured"),
        Column("Unit", "unit", text=True),
        Column("Own baseline", "own baseline"),
        Column("Peer percentile", "peer percentile"),
        Column("Remarks", "remarks", text=True),
    ]
    keep = [
        True,
        any(r["value"] is not None for r in reasons),
        any(r["unit"] for r in reasons),
        any(r["own"] is not None for r in reasons),
        any(r["peer"] is not None for r in reasons),
        any(r["rest"] or r["code"] for r in reasons),
    ]
    rows = [
        [
            cells.text(r["text"], css="w"),
            _number(r["value"]),
            cells.text(r["unit"], css="l"),
            _number(r["own"]),
            _number(r["peer"]),
            cells.text("; ".join(x for x in (r["code"], r["rest"]) if x), css="l w q"),
        ]
        for r in reasons
    ]
    return Table(
        id,
        caption,
        [c for c, k in zip(columns, keep, strict=True) if k],
        [[c for c, k in zip(row, keep, strict=True) if k] for row in rows],
    )


def _days_table(facts: Facts, rows: list[Row]) -> Table:
    assert facts.period is not None  # noqa: S101 - flags have usage
    columns = [
        Column("Day", "day", text=True),
        Column("Requests", "requests"),
        Column("Output tokens", "output tokens"),
        Column("Tokens a request", "output tokens a request"),
        Column("Peer percentile", "peer percentile", term="peer-percentile"),
    ]
    largest = max((r["output_tokens"] for r in rows), default=0)
    lines = [
        [
            cells.day(facts.period.days[r["day_index"]]),
            cells.count(r["requests"]),
            cells.count(r["output_tokens"], bar=largest),
            cells.count(round(r["output_tokens"] / r["requests"]))
            if r["requests"]
            else cells.BLANK,
            cells.percent(Decimal(str(r["peer_rank"]))),
        ]
        for r in rows
    ]
    return Table(
        "days-table",
        "Days of the flagged window",
        columns,
        lines,
        empty="The window lies before the days shown.",
    )


def _sample_table(facts: Facts, flag: Row) -> Table:
    columns = [
        Column("Instant, UTC", "instant (UTC)", text=True),
        Column("Key", "key", text=True),
        Column("Product", "product", text=True),
        Column("Model", "model", text=True),
        Column("Operation", "operation", text=True),
        Column("Input", "input tokens"),
        Column("Output", "output tokens"),
        Column("Status", "status"),
        Column("Ended by", "finish reason", text=True),
        Column("ms", "latency (ms)"),
        Column("Network", "network", text=True),
        Column("Template", "template", text=True),
    ]
    rows = [
        [
            cells.instant(r["occurred_at"]),
            _digest(r["api_key_id"]),
            cells.text(r["product_id"], css="l"),
            cells.text(r["model"], css="l"),
            cells.text(r["operation"], css="l"),
            cells.count(r["input_tokens"]),
            cells.count(r["output_tokens"]),
            cells.text(r["status"]),
            cells.text(r["finish_reason"] or "", css="l"),
            cells.count(r["latency_ms"]),
            _digest(r["client_network"]),
            _digest(r["template_digest"]),
        ]
        for r in facts.case_samples.get(flag["case_id"], [])
    ]
    return Table(
        "sample-table",
        "Sample of requests",
        columns,
        rows,
        empty="No request of this window is in the data.",
    )


def _and_others(members: list[Row]) -> str:
    others = len(members) - 1
    return (
        " was"
        if others < 1
        else f" and {others} linked organisation{'s' if others > 1 else ''} were"
    )


def _whom(members: list[Row]) -> str:
    return "all members of the case" if len(members) > 1 else "the organisation"


def _members_card(facts: Facts, flag: Row, members: list[Row]) -> Card:
    """The organisations of a case with what each used in the window."""
    others = len(members) - 1
    title = (
        f"{others} linked organisation{'s' if others > 1 else ''}"
        if others > 0
        else "No linked organisation"
    )
    question = "Who works in the same rhythm or shares networks or templates?"
    if others < 1:
        return Card("linked", title, question, half=True)
    paged = set(facts.paged_organizations)
    largest = max(r["output_tokens"] for r in members)
    columns = [
        Column("Organisation", "organisation", text=True),
        Column("Days", "active days"),
        Column("Requests", "requests"),
        Column("Output tokens", "output tokens"),
        Column("Revenue", f"revenue ({facts.currency})", term="revenue"),
    ]
    rows = [
        [
            cells.text(
                r["organization_id"],
                href=f"../organizations/{slug(r['organization_id'])}.html"
                if r["organization_id"] in paged
                else "",
            ),
            cells.count(r["active_days"]),
            cells.count(r["requests"]),
            cells.count(r["output_tokens"], bar=largest),
            cells.money(r["revenue"], facts.currency) if r["requests"] else cells.text(""),
        ]
        for r in members[:MEMBERS]
    ]
    note = f"The {MEMBERS} with most output of {len(members):,}." if len(members) > MEMBERS else ""
    return Card(
        "linked",
        title,
        question,
        half=True,
        tables=[
            Table(
                "linked-table",
                f"Members of case {flag['case_id']} in the window",
                columns,
                rows,
                note=note,
            )
        ],
    )


def _digest(value: str | None) -> Cell:
    return cells.text((value or "")[:12], css="l")


def _hours(facts: Facts, flag: Row) -> list[tuple[int, int, str]]:
    """Hour, requests, and shade in percent of the busiest hour."""
    counts = {r["hour_of_day"]: r["requests"] for r in facts.case_hours.get(flag["case_id"], [])}
    top = max(counts.values(), default=0)
    return [
        (h, counts.get(h, 0), f"{counts.get(h, 0) / top * 100:.0f}" if top else "0")
        for h in range(24)
    ]


def _hours_title(facts: Facts, flag: Row) -> str:
    active = sum(1 for _, n, _ in _hours(facts, flag) if n)
    return f"Active in {active} of 24 hours of the day"


def _summary(output: list[int], start: int, end: int, whose: str) -> str:
    inside = output[start : end + 1]
    mean = sum(inside) // len(inside) if inside else 0
    before = sorted(output[:start])
    median = before[len(before) // 2] if before else 0
    if not median:
        return f"{numbers.short(mean)} output tokens a day, with little or no usage before"
    ratio = Decimal(mean) / Decimal(median)
    return f"{numbers.short(mean)} output tokens a day, {ratio:,.1f} times {whose} own median day before"


def _band(values: list[int]) -> tuple[float, float] | None:
    if len(values) < 4:
        return None
    low, _, high = quantiles(values, n=4, method="inclusive")
    return low, high


def _score(value: float | None) -> Cell:
    return Cell(numbers.NOTHING) if value is None else Cell(f"{value:.2f}", repr(value))


def _number(value: Any) -> Cell:
    return Cell(_shown(value)) if value is not None else cells.BLANK


def _shown(value: Any) -> str:
    """A figure of a reason as it came, grouped and without noise digits; anything else as text."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        try:
            value = Decimal(value) if isinstance(value, str) else value
        except InvalidOperation:
            return str(value)
        if not isinstance(value, Decimal):
            return (
                json.dumps(value, ensure_ascii=False)
                if isinstance(value, list | dict)
                else str(value)
            )
    number = Decimal(str(value))
    places = (
        0
        if abs(number) >= 1000 or number == number.to_integral_value()
        else 3
        if abs(number) < 10
        else 1
    )
    shown = f"{number:,.{places}f}".replace("-", numbers.MINUS)
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def _words(code: str) -> str:
    """`mass_shape` as `mass shape`."""
    return code.replace("_", " ")
