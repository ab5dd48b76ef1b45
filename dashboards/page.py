"""The parts a page is made of, as plain data. How they look belongs in templates/ and static/."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

Audience = Literal["finance", "platform", "trust-safety", "organization"]


def sees_cost(audience: Audience) -> bool:
    """Cost and margin are for finance and platform only."""
    return audience in {"finance", "platform"}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. `csv` names it in the export, unit included; `term` is its glossary entry."""

    label: str
    csv: str
    text: bool = False
    term: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """One value: what is read, and the full figure behind it (`raw`) for title, sorting and export."""

    text: str
    raw: str = ""
    href: str = ""
    css: str = ""
    bar: str = ""
    html: Markup | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """Rows in their default order. `foot` rows (other, rounding, total) stay at the end when sorted."""

    id: str
    caption: str
    columns: list[Column]
    rows: list[list[Cell]]
    foot: list[list[Cell]] = field(default_factory=list)
    empty: str = "Nothing to list."
    controls: bool = False
    note: str = ""
    stacked: bool = False  # rows become blocks on narrow screens


@dataclass(frozen=True, slots=True)
class Tile:
    """One key figure with its change over completed days and a sparkline."""

    label: str
    value: str
    cents: str = ""
    raw: str = ""
    delta: str = ""
    direction: Literal["up", "down", "flat"] = "flat"
    note: str = ""
    note_href: str = ""
    spark: Markup | None = None
    term: str = ""


@dataclass(frozen=True, slots=True)
class Key:
    """One entry of a chart's legend."""

    label: str
    colour: str
    hatched: bool = False
    line: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """A big chart: its spec for the browser, its words for those who do not see it, its figures as a table."""

    id: str
    alt: str
    spec: dict[str, Any]
    legend: list[Key]
    data: Table
    height: int = 300
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One bar of a bridge from an older to a newer amount, placed in percent of the scale."""

    label: str
    text: str
    raw: str
    start: str
    width: str
    css: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of a list of facts: a name, a value, a remark."""

    label: str
    text: str
    raw: str = ""
    note: str = ""
    href: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """A finding in words, the question it answers, and what shows it."""

    id: str
    title: str
    question: str
    chart: Chart | None = None
    tables: list[Table] = field(default_factory=list)
    bridge: list[Step] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    hours: list[tuple[int, int, str]] = field(default_factory=list)
    paragraphs: list[str] = field(default_factory=list)
    items: list[str] = field(default_factory=list)
    how: str = ""
    term: str = ""
    half: bool = False


def paired(cards: Sequence[Card]) -> list[Card]:
    """Cards of half the width stand in pairs; the one that is left over takes the whole width."""
    made: list[Card] = []
    for half, group in groupby(cards, key=lambda card: card.half):
        run = list(group)
        if half and len(run) % 2:
            run[-1] = replace(run[-1], half=False)
        made += run
    return made


@dataclass(frozen=True, slots=True)
class Page:
    """One file. `path` is relative to the audience's folder; `nav` the entry it belongs to."""

    path: str
    template: str
    nav: str
    title: str
    context: dict[str, Any]

    @property
    def root(self) -> str:
        """Prefix from this file back to the audience's folder."""
        return "../" * self.path.count("/")
