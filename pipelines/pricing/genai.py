"""Reads the pinned `genai-prices` package as price series in our own words.

Here stand the translations: provider names, units, tiers, exact model ids, dates. The package is
read when somebody runs `meterhouse prices import`, never while rating. What of it gets into the
book belongs in `importer.py`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from decimal import Decimal

# The package's provider id -> ours.
PROVIDERS: dict[str, str] = {
    "anthropic": "anthropic", "aws": "bedrock", "azure": "azure", "cohere": "cohere",
    "deepseek": "deepseek", "fireworks": "fireworks", "google": "google", "groq": "groq",
    "mistral": "mistral", "openai": "openai", "together": "together", "x-ai": "xai",
}  # fmt: skip

UNIT_OF: dict[str, str] = {
    "input_mtok": "input",
    "cache_read_mtok": "cached_input",
    "cache_write_mtok": "cache_write_5m",
    "cache_write_1h_mtok": "cache_write_1h",
    "input_audio_mtok": "audio_input",
    "output_mtok": "output",
    "output_audio_mtok": "audio_output",
}

# Tokens that our events count as text: where they cost otherwise, the model cannot be rated exactly.
_COUNTED_AS_TEXT: dict[str, str] = {
    "input_image_mtok": "input_mtok",
    "input_video_mtok": "input_mtok",
    "output_image_mtok": "output_mtok",
    "output_video_mtok": "output_mtok",
}

# Request context of the package -> our service tier. Other contexts (speed, default) are not tiers of ours.
_TIER_OF: dict[tuple[str, str], str] = {
    ("processing", "batch"): "batch",
    ("service_tier", "flex"): "flex",
    ("service_tier", "priority"): "priority",
}

# Providers whose models are also served under dated snapshot ids that the package names somewhere.
_DATED_IDS_OF = ("anthropic", "openai")
_DATED_ID = re.compile(r"^[a-z][a-z0-9.-]*-(\d{8}|\d{4}-\d{2}-\d{2})$")

Prices = dict[tuple[str, int], "Decimal"]


@dataclass(frozen=True, slots=True)
class Series:
    """What the package knows of one priced key: its changes in order of time.

    `changes` are (first day, or None where the package gives no date; price per million tokens, or
    None where the unit is no longer priced). An undated change comes first.
    """

    provider: str
    model: str
    entry: str
    service_tier: str
    unit: str
    context_from: int
    changes: tuple[tuple[date | None, Decimal | None], ...]


def package_version() -> str:
    """Name and version to put into `source`."""
    return f"genai-prices {version('genai-prices')}"


def read_package() -> tuple[list[Series], list[str]]:
    """All price series of the providers we know, and a note for each model that is left out."""
    from genai_prices.data import providers

    dated = sorted(
        {
            text
            for p in providers
            for m in p.models
            for text in _literals(m.match)
            if _DATED_ID.match(text)
        }
    )
    series: list[Series] = []
    notes: list[str] = []
    for provider in providers:
        ours = PROVIDERS.get(provider.id)
        if ours is None:
            continue
        ids = _exact_ids(provider, dated if provider.id in _DATED_IDS_OF else [])
        for model in provider.models:
            reason = _unusable(model)
            if reason is None:
                series += [s for name in ids[model.id] for s in _series_of(ours, name, model)]
            elif ids[model.id]:
                notes.append(f"{ours} {model.id}: left out, {reason}")
    return series, notes


def _exact_ids(provider: Any, dated: list[str]) -> dict[str, list[str]]:
    """Exact ids per entry: its id, its `equals` clauses and the dated ids, where the package itself resolves them so.

    The package labels regional Bedrock entries `regional.<id>`; the id proper is what follows.
    """
    ids: dict[str, list[str]] = {model.id: [] for model in provider.models}
    offered = {
        text.removeprefix("regional.")
        for model in provider.models
        for text in (model.id, *_equals(model.match))
    }
    for text in sorted(offered | set(dated)):
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


def _entries(model: Any) -> list[Any]:
    from genai_prices.types import ConditionalPrice

    return (
        model.prices if isinstance(model.prices, list) else [ConditionalPrice(prices=model.prices)]
    )


def _unusable(model: Any) -> str | None:
    """Why a model's prices cannot stand in the book, else None."""
    from genai_prices.types import TimeOfDateConstraint

    everything = [*_entries(model), *(model.price_variants or [])]
    if any(isinstance(e.constraint, TimeOfDateConstraint) for e in everything):
        return "its price depends on the time of day"
    for entry in _entries(model):
        given = _given(entry.prices)
        for special, text in _COUNTED_AS_TEXT.items():
            if special in given and given[special] != given.get(text):
                return f"{special.removesuffix('_mtok').replace('_', ' ')} tokens have a price of their own"
    return None


def _given(prices: Any) -> dict[str, Any]:
    return {
        key: value
        for key, value in vars(prices).items()
        if value is not None and not key.startswith("_")
    }


def _flat(given: dict[str, Any]) -> Prices:
    """Prices by (unit, context_from). A tier of the package begins above its `start`."""
    flat: Prices = {}
    for key, unit in UNIT_OF.items():
        value = given.get(key)
        if value is None:
            continue
        flat[unit, 0] = getattr(value, "base", value)
        for tier in getattr(value, "tiers", ()):
            flat[unit, tier.start + 1] = tier.price
    return flat


def _standard(model: Any, day: date | None) -> Prices:
    """As the package: the last entry in force wins. Before the first dated entry there may be none."""
    active = [e for e in _entries(model) if _in_force(e, day)]
    return _flat(_given(active[-1].prices)) if active else {}


def _variant(model: Any, tier: str, day: date | None) -> Prices:
    """As the package: for each price the first variant in force wins; but nothing is taken from standard."""
    given: dict[str, Any] = {}
    for variant in _variants(model, tier):
        if _in_force(variant, day):
            given = {**_given(variant.prices), **given}
    return _flat(given)


def _variants(model: Any, tier: str) -> list[Any]:
    return [
        v
        for v in model.price_variants or ()
        if len(v.when) == 1 and _TIER_OF.get(next(iter(v.when.items()))) == tier
    ]


def _in_force(entry: Any, day: date | None) -> bool:
    return entry.constraint is None or (day is not None and entry.constraint.start_date <= day)


def _series_of(provider: str, name: str, model: Any) -> Iterator[Series]:
    sources: list[tuple[str, list[Any], Callable[[date | None], Prices]]] = [
        ("standard", _entries(model), lambda day: _standard(model, day))
    ]
    for tier in _TIER_OF.values():
        sources.append(
            (tier, _variants(model, tier), lambda day, tier=tier: _variant(model, tier, day))
        )  # type: ignore[misc]
    for tier, entries, prices_on in sources:
        days: list[date | None] = [
            None,
            *sorted({e.constraint.start_date for e in entries if e.constraint}),
        ]
        states = [(day, prices_on(day)) for day in days]
        for unit, context_from in sorted({key for _, state in states for key in state}):
            changes = _changes([(day, state.get((unit, context_from))) for day, state in states])
            yield Series(provider, name, model.id, tier, unit, context_from, changes)


def _changes(
    states: list[tuple[date | None, Decimal | None]],
) -> tuple[tuple[date | None, Decimal | None], ...]:
    """The states without repetitions and without a leading 'not priced'."""
    kept = states[:1] + [after for before, after in pairwise(states) if after[1] != before[1]]
    return tuple(kept if kept[0][1] is not None else kept[1:])
