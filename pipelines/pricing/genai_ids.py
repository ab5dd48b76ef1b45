"""Which exact model ids an entry of the `genai-prices` package is for.

Rating goes by exact id, the package by patterns (starts with, contains, regular expressions).
Only ids that it spells out count here; none is made up from a pattern.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# Providers whose models are also served under dated snapshot ids that the package names somewhere.
DATED_IDS_OF = ("anthropic", "openai")
_DATED_ID = re.compile(r"^[a-z][a-z0-9.-]*-(\d{8}|\d{4}-\d{2}-\d{2})$")


def dated_ids(providers: Iterable[Any]) -> set[str]:
    """Every dated snapshot id, as gpt-4o-2024-08-06, that a pattern of the package spells out."""
    return {
        text
        for provider in providers
        for model in provider.models
        for text in _literals(model.match)
        if _DATED_ID.match(text)
    }


def exact_ids(provider: Any, dated: set[str]) -> dict[str, list[str]]:
    """Exact ids of each entry: its id, its `equals` clauses and the dated ids that it matches.

    An id counts only where the package itself resolves it to that entry. The package labels
    regional Bedrock entries `regional.<id>`; the id proper is what follows.
    """
    ids: dict[str, list[str]] = {model.id: [] for model in provider.models}
    offered = {
        text.removeprefix("regional.") for model in provider.models for text in (model.id, *_equals(model.match))
    }
    for text in sorted(offered | dated):
        found = provider.find_model(text)
        if found is not None and not text.startswith("ft:") and ".ft-" not in text:
            ids[found.id].append(text)
    return ids


def _clauses(match: Any) -> Iterator[Any]:
    yield match
    for part in getattr(match, "or_", ()):
        yield from _clauses(part)


def _equals(match: Any) -> Iterator[str]:
    return (clause.equals for clause in _clauses(match) if hasattr(clause, "equals"))


def _literals(match: Any) -> Iterator[str]:
    for clause in _clauses(match):
        for kind in ("equals", "starts_with", "contains"):
            if hasattr(clause, kind):
                yield getattr(clause, kind)
