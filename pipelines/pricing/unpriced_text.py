"""Lays out what lacks a rate, for people, and lines to paste that are never wrapped.

What lacks a rate is found in `unpriced.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.pricing.figures import count, digits, instant, until
from pipelines.pricing.page import heading, lines, verbatim
from pipelines.pricing.tables import ALIASES, RATES, SERVING_HOURS, TERMS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console

    from pipelines.pricing.page import Line
    from pipelines.pricing.unpriced import Gap, NearRow


def show(console: Console, side: str, gaps: Sequence[Gap]) -> None:
    """Print every gap, with what would fix it."""
    amounts = "revenue" if side == "revenue" else "cost"
    if not gaps:
        heading(console, f"Every request has a {amounts} amount.")
        return
    requests = sum(gap.requests for gap in gaps)
    heading(console, f"{count(requests, 'request')} without a {amounts} amount, for {count(len(gaps), 'cause')}")
    for number, gap in enumerate(gaps, 1):
        name = f"{gap.provider} {gap.model}, {gap.model_tier}, {gap.service_tier}"
        heading(console, f"{number}. {name}: {gap.reason}", above=1)
        lines(console, _facts(gap))
        if gap.terms:
            header = [",".join(TERMS.columns), *gap.terms]
            verbatim(console, "prices/terms/NAME.csv, with the agreement for `?`:", header)
        if gap.lines:
            verbatim(console, f"{gap.folder}/NAME.csv, `?` where a figure is not known:", _with_header(gap))
        if gap.alias:
            text = f"{'or, ' if gap.lines else ''}if it is another name of {gap.alias_of}, prices/aliases/NAME.csv:"
            verbatim(console, text, [",".join(ALIASES.columns), gap.alias])


def _facts(gap: Gap) -> Iterator[Line]:
    yield "requests", f"{gap.requests:,}, {instant(gap.first_at)} to {instant(gap.last_at)}"
    yield "at stake", ", ".join(f"{digits(used)} {unit}" for unit, used in gap.quantities.items()) or "nothing counted"
    more = gap.organization_count - len(gap.organizations)
    yield "organisations", ", ".join(gap.organizations) + (f" and {more:,} more" if more else "")
    yield "what would help", gap.way_out
    if gap.place:
        yield "missing on", gap.place
    for number, near in enumerate(gap.near):
        yield ("nearest rows" if number == 0 else ""), _near(near)


def _near(near: NearRow) -> str:
    region = f", region {near.region}" if near.region else ""
    length = f", from {near.context_from:,} input tokens" if near.context_from else ""
    key = f"{near.provider} {near.model}, {near.model_tier}, {near.service_tier}{region}{length}, card {near.card}"
    return f"{key}: {', '.join(near.prices)}, valid {instant(near.valid_from)} to {until(near.valid_to)}"


def _with_header(gap: Gap) -> list[str]:
    table = SERVING_HOURS if gap.folder.endswith("serving_hours") else RATES
    return [",".join(table.columns), *gap.lines]
