"""Reads the pinned `genai-prices` package as price series in our own words.

Here stand the translations: provider names, units, tiers, dates. The package is read when
somebody runs `meterhouse prices import`, never while rating. Which ids an entry is for belongs in
`genai_ids.py`, what of it gets into the book in `importer.py`.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from pipelines.pricing.genai_ids import DATED_IDS_OF, dated_ids, exact_ids
from pipelines.pricing.importer import instant_of
from pipelines.pricing.series import MILLION, Change, LeftOut, Series, Source

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date
    from decimal import Decimal

NAME = "genai-prices"

# The package's provider id -> ours.
PROVIDERS: dict[str, str] = {
    "anthropic": "anthropic", "aws": "bedrock", "azure": "azure", "cohere": "cohere",
    "deepseek": "deepseek", "fireworks": "fireworks", "google": "google", "groq": "groq",
    "mistral": "mistral", "openai": "openai", "together": "together", "x-ai": "xai",
}  # fmt: skip

# The package's price key -> our unit, and how many it is for.
UNIT_OF: dict[str, tuple[str, int]] = {
    "input_mtok": ("input", MILLION),
    "cache_read_mtok": ("cached_input", MILLION),
    "cache_write_mtok": ("cache_write_5m", MILLION),
    "cache_write_1h_mtok": ("cache_write_1h", MILLION),
    "input_audio_mtok": ("audio_input", MILLION),
    "input_image_mtok": ("image_input", MILLION),
    "output_mtok": ("output", MILLION),
    "output_audio_mtok": ("audio_output", MILLION),
    "output_image_mtok": ("image_output", MILLION),
    "web_searches_kcount": ("web_search", 1_000),
}

# Tokens that events count together with others: where they cost otherwise, the model is left out.
_COUNTED_AS: dict[str, str] = {"input_video_mtok": "input_mtok", "output_video_mtok": "output_mtok"}

# Cached images are counted as cached input: where they cost otherwise, that unit is left out.
_CACHED_IMAGES = "cache_image_read_mtok"

# Request context of the package -> our service tier. Others (speed, default) are not ours.
_TIER_OF: dict[tuple[str, str], str] = {
    ("processing", "batch"): "batch",
    ("service_tier", "flex"): "flex",
    ("service_tier", "priority"): "priority",
}

TIERS = ("standard", *_TIER_OF.values())

# A provider that sells another's models at the maker's standard prices, as the package says of it.
_SELLS_AS = {"azure": "openai"}

Prices = dict[tuple[str, int], "Decimal"]


@cache
def package_version() -> str:
    """Name and version to put into `source`."""
    return f"{NAME} {version(NAME)}"


def read_package() -> Source:
    """All price series of the providers we know, and what is left out."""
    from genai_prices.data import providers

    by_id = {provider.id: provider for provider in providers}
    dated = dated_ids(providers)
    source = Source(NAME)
    for theirs, ours in PROVIDERS.items():
        seller = by_id[theirs]
        ids = exact_ids(seller, dated if theirs in DATED_IDS_OF else set())
        _collect(source, ours, seller, ids, TIERS)
        if theirs in _SELLS_AS:
            maker = by_id[_SELLS_AS[theirs]]
            borrowed = {
                entry: [name for name in names if seller.find_model(name) is None]
                for entry, names in exact_ids(maker, dated).items()
            }
            _collect(source, ours, maker, borrowed, ("standard",))
    return source


def _collect(source: Source, provider: str, maker: Any, ids: dict[str, list[str]], tiers: tuple[str, ...]) -> None:
    """Add the series of every named model of `maker`, as sold by `provider`, or why they are left out."""
    for model in maker.models:
        names = ids[model.id]
        reason = _unusable(model)
        if reason is None:
            entry = f"{maker.id}/{model.id}"
            cached = not any(_cached_apart(e.prices) for e in [*_entries(model), *(model.price_variants or [])])
            for name in names:
                found = list(_series_of(provider, name, entry, model, tiers))
                source.series += [one for one in found if cached or one.unit != "cached_input"]
            if names and not cached:
                why = "cached images cost otherwise than cached text, which events do not tell apart"
                source.left_out.append(LeftOut(why, f"{provider} {model.id} cached_input"))
        elif names:
            source.left_out.append(LeftOut(reason, f"{provider} {model.id}"))


def _entries(model: Any) -> list[Any]:
    from genai_prices.types import ConditionalPrice

    return model.prices if isinstance(model.prices, list) else [ConditionalPrice(prices=model.prices)]


def _unusable(model: Any) -> str | None:
    """Why a model's prices cannot stand in the book, else None."""
    from genai_prices.types import TimeOfDateConstraint

    everything = [*_entries(model), *(model.price_variants or [])]
    if any(isinstance(e.constraint, TimeOfDateConstraint) for e in everything):
        return "its price depends on the time of day"
    for entry in _entries(model):
        given = _given(entry.prices)
        for special, usual in _COUNTED_AS.items():
            if special in given and given[special] != given.get(usual):
                kind = special.removesuffix("_mtok").replace("_", " ")
                return f"{kind} tokens have a price of their own"
    return None


def _cached_apart(prices: Any) -> bool:
    given = _given(prices)
    return _CACHED_IMAGES in given and given[_CACHED_IMAGES] != given.get("cache_read_mtok")


def _given(prices: Any) -> dict[str, Any]:
    return {key: value for key, value in vars(prices).items() if value is not None and not key.startswith("_")}


def _flat(given: dict[str, Any]) -> Prices:
    """Prices by (unit, context_from). A tier of the package begins above its `start`."""
    flat: Prices = {}
    for key, (unit, _) in UNIT_OF.items():
        value = given.get(key)
        if value is None:
            continue
        flat[unit, 0] = getattr(value, "base", value)
        for tier in getattr(value, "tiers", ()):
            flat[unit, tier.start + 1] = tier.price
    return flat


def _standard(entries: list[Any], day: date | None) -> Prices:
    """As the package: the last entry in force wins. Before the first dated one: maybe none."""
    active = [e for e in entries if _in_force(e, day)]
    return _flat(_given(active[-1].prices)) if active else {}


def _variant(variants: list[Any], day: date | None) -> Prices:
    """As the package: for each unit the first variant in force; nothing comes from standard."""
    given: dict[str, Any] = {}
    for variant in variants:
        if _in_force(variant, day):
            given = {**_given(variant.prices), **given}
    return _flat(given)


def _variants(model: Any, tier: str) -> list[Any]:
    return [
        v for v in model.price_variants or () if len(v.when) == 1 and _TIER_OF.get(next(iter(v.when.items()))) == tier
    ]


def _in_force(entry: Any, day: date | None) -> bool:
    return entry.constraint is None or (day is not None and entry.constraint.start_date <= day)


_PER = dict(UNIT_OF.values())


def _series_of(provider: str, name: str, entry: str, model: Any, tiers: tuple[str, ...]) -> Iterator[Series]:
    for tier in tiers:
        entries = _entries(model) if tier == "standard" else _variants(model, tier)
        resolve = _standard if tier == "standard" else _variant
        days = sorted({e.constraint.start_date for e in entries if e.constraint})
        states = [(day, resolve(entries, day)) for day in (None, *days)]
        for unit, context_from in sorted({key for _, state in states for key in state}):
            prices = _changes([(day, state.get((unit, context_from))) for day, state in states])
            changes = tuple(
                Change(
                    None if day is None else instant_of(day),
                    price,
                    f"{package_version()}, {'undated' if day is None else 'dated'} entry {entry}",
                    _PER[unit],
                )
                for day, price in prices
            )
            yield Series(provider, name, entry, unit, changes, service_tier=tier, context_from=context_from)


def _changes(states: list[tuple[date | None, Decimal | None]]) -> list[tuple[date | None, Decimal | None]]:
    """The states that say something new: another price, or the first date of the same price."""
    kept: list[tuple[date | None, Decimal | None]] = []
    for day, price in states:
        before = kept[-1] if kept else (None, None)
        if price != before[1] or (price is not None and before[0] is None):
            kept.append((day, price))
    return kept
