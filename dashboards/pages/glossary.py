"""One entry a term: meaning, formula and the table it comes from. The terms are in glossary.toml."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import dashboards
from dashboards.page import Audience, Page

if TYPE_CHECKING:
    from pipelines.publish.facts import Facts

TERMS = Path(dashboards.__file__).with_name("glossary.toml")


class Term(NamedTuple):
    """A term of the pages. An audience it is hidden from never reads of it."""

    id: str
    name: str
    meaning: str
    formula: str = ""
    source: str = ""
    hidden_from: tuple[Audience, ...] = ()


def page(facts: Facts, audience: Audience) -> Page:
    """The glossary of an audience."""
    context = {"terms": known(audience), "currency": facts.currency}
    return Page("glossary.html", "glossary.html.j2", "glossary", "Glossary", context)


def known(audience: Audience) -> list[Term]:
    """The terms an audience reads of."""
    return [term for term in terms() if audience not in term.hidden_from]


@cache
def terms() -> list[Term]:
    """All terms, in reading order."""
    entries = tomllib.loads(TERMS.read_text(encoding="utf-8"))["term"]
    return [Term(**{**entry, "hidden_from": tuple(entry.get("hidden_from", ()))}) for entry in entries]
