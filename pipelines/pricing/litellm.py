"""Reads LiteLLM's price map (model_prices_and_context_window.json) as a source of prices.

The map gives today's price of one token and no dates, so all of its prices are valid from the day of
the import. Numbers are read as exact decimals, never as floats. Whose model a key names belongs in
`litellm_ids.py`; nothing here imports LiteLLM or fetches anything.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pipelines.errors import MeterhouseError
from pipelines.pricing.litellm_ids import id_of, provider_of
from pipelines.pricing.series import MILLION, Change, Key, LeftOut, Series, Source, inexact

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

NAME = "LiteLLM"

# Price of one token -> our unit.
_TOKENS: dict[str, str] = {
    "input_cost_per_token": "input",
    "cache_read_input_token_cost": "cached_input",
    "cache_creation_input_token_cost": "cache_write_5m",
    "cache_creation_input_token_cost_above_1hr": "cache_write_1h",
    "input_cost_per_audio_token": "audio_input",
    "input_cost_per_image_token": "image_input",
    "output_cost_per_token": "output",
    "output_cost_per_audio_token": "audio_output",
    "output_cost_per_image_token": "image_output",
}
_TIERS = {"batches": "batch", "flex": "flex", "priority": "priority"}
_FIELD = re.compile(
    rf"({'|'.join(sorted(_TOKENS, key=len, reverse=True))})"
    rf"(?:_(?P<before>{'|'.join(_TIERS)}))?(?:_above_(?P<number>\d+)(?P<k>k?)_tokens)?(?:_(?P<tier>{'|'.join(_TIERS)}))?"
)
# Price of so many calls -> our unit.
_CALLS: dict[str, tuple[str, int]] = {
    "input_cost_per_request": ("request", 1),
    "file_search_cost_per_1k_calls": ("file_search", 1_000),
}
_SEARCH = "search_context_cost_per_query"
# Uplifts on all tokens served in one region.
_UPLIFTS = {"regional_processing_uplift_multiplier_eu": "eu", "regional_processing_uplift_multiplier_us": "us"}
_ENDPOINTS = "regional_endpoint_uplift_multiplier"

# Tokens that events count together with others: where they cost otherwise, the model is left out.
_COUNTED_AS = {
    "output_cost_per_reasoning_token": "output_cost_per_token",
    "input_cost_per_video_token": "input_cost_per_token",
    "output_cost_per_video_token": "output_cost_per_token",
}
_SAID_ELSEWHERE = {*_COUNTED_AS, *_UPLIFTS, _ENDPOINTS, _SEARCH, "tiered_pricing", "off_peak_pricing"}
_CACHED_IMAGES = "cache_read_input_image_token_cost"


def read_map(path: Path, providers: Collection[str] = ()) -> Source:
    """All price series of a map, or those of some providers (as we name them), and what is left out.

    Raises MeterhouseError when the file is not such a map.
    """
    raw = path.read_bytes()
    models = _parse(path, raw)
    said = f"{NAME} {path.name} sha256 {hashlib.sha256(raw).hexdigest()[:12]}"
    source = Source(NAME)
    for key, entry in models.items():
        theirs = entry.get("litellm_provider") if isinstance(entry, dict) else None
        if key == "sample_spec" or (providers and not (isinstance(theirs, str) and provider_of(theirs) in providers)):
            continue
        if not isinstance(theirs, str):
            source.left_out.append(LeftOut("it names no provider", key))
        else:
            _collect(source, key, theirs, entry, said)
    _leave_out_contradictions(source)
    return source


def _parse(path: Path, raw: bytes) -> dict[str, Any]:
    way_out = "Give the file model_prices_and_context_window.json as LiteLLM has it."
    try:
        found = json.loads(raw.decode("utf-8"), parse_float=Decimal, parse_int=Decimal, object_pairs_hook=_unique)
    except json.JSONDecodeError as error:
        raise MeterhouseError(f"not valid JSON: {error.msg}.", file=path, line=error.lineno, way_out=way_out) from error
    except UnicodeDecodeError as error:
        raise MeterhouseError(f"not UTF-8 text: {error.reason}.", file=path, way_out=way_out) from error
    except _TwiceError as error:
        raise MeterhouseError(
            f"the key {error} stands twice in one object, so it is not clear what it says.",
            file=path,
            way_out="Remove one of the two.",
        ) from error
    if not isinstance(found, dict) or not any(isinstance(v, dict) and "litellm_provider" in v for v in found.values()):
        raise MeterhouseError("no entry of it names a litellm_provider.", file=path, way_out=way_out)
    return found


class _TwiceError(Exception):
    pass


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        raise _TwiceError(repr(next(key for key in keys if keys.count(key) > 1)))
    return found


def _collect(source: Source, key: str, theirs: str, entry: dict[str, Any], said: str) -> None:
    """Add the series of one entry, or why it, or a part of it, is left out."""
    found = id_of(key, theirs)
    reason = "no log has such a model id" if found is None else _unusable(entry)
    if found is None or reason is not None:
        source.left_out.append(LeftOut(str(reason), key))
        return
    series: list[Series] = []
    for unit, tier, context_from, price, per, field in _prices(source, key, entry):
        change = Change(None, price, f"{said}, entry {key}", per)
        series.append(
            Series(
                found.provider, found.model, f"{key}: {field}", unit, (change,),
                model_tier=found.model_tier, service_tier=tier, region=found.region, context_from=context_from,
            )
        )  # fmt: skip
    if not series:
        source.left_out.append(LeftOut("it has no price by token or call other than 0", key))
    source.series += series
    for field, region in _UPLIFTS.items():
        if field in entry:
            source.series += _uplifted(series, entry[field], region, field)
    if _ENDPOINTS in entry:
        reason = f"regional endpoints cost × {entry[_ENDPOINTS]}: add a term of kind uplift for the regions you use"
        source.left_out.append(LeftOut(reason, key))


def _unusable(entry: dict[str, Any]) -> str | None:
    """Why an entry's prices cannot stand in the book, else None."""
    if "off_peak_pricing" in entry:
        return "its price depends on the time of day"
    if "tiered_pricing" in entry:
        return "it has a list of prices by length, whose meaning the map leaves open"
    if "defaulting to base" in str(entry.get("source", "")).lower():
        return "by its own note the price is a stand-in"
    for special, usual in _COUNTED_AS.items():
        if entry.get(special) not in {None, entry.get(usual)}:
            kind = special.rsplit("_", 2)[1]
            return f"{kind} tokens have a price of their own"
    return None


def _prices(source: Source, key: str, entry: dict[str, Any]) -> Iterator[tuple[str, str, int, Decimal, int, str]]:
    """Unit, service tier, context_from, price, per and field of every price that we take."""
    for field, value in entry.items():
        token = _FIELD.fullmatch(field)
        if token is None and field not in _CALLS and field != _SEARCH:
            if "cost" in field and value and field not in _SAID_ELSEWHERE:
                source.left_out.append(LeftOut("a price by another unit or tier than ours", f"{key}: {field}"))
            continue
        price = _one_price(value)
        if price is None:
            source.left_out.append(LeftOut("it is not one price", f"{key}: {field}"))
        elif not price:
            if entry.get("mode") not in {"embedding", "rerank", "moderation"} or "output" not in field:
                source.left_out.append(
                    LeftOut(
                        "a price of 0 there may also mean unknown: if it is free, add the row by CSV", f"{key}: {field}"
                    )
                )
        elif field in _CALLS:
            unit, per = _CALLS[field]
            yield unit, "standard", 0, price, per, field
        elif token is None:
            yield "web_search", "standard", 0, price * 1_000, 1_000, field
        else:
            unit = _TOKENS[token[1]]
            if unit == "cached_input" and entry.get(_CACHED_IMAGES) not in {None, entry.get(field)}:
                reason = "cached images cost otherwise than cached text, which events do not tell apart"
                source.left_out.append(LeftOut(reason, f"{key}: {field}"))
                continue
            tier = _TIERS.get(token["before"] or token["tier"] or "", "standard")
            # A tier of the map begins above its number.
            threshold = int(token["number"]) * (1_000 if token["k"] else 1) + 1 if token["number"] else 0
            yield unit, tier, threshold, price * MILLION, MILLION, field


def _one_price(value: Any) -> Decimal | None:
    """The number, or the one number that all values of a dictionary are."""
    values = set(value.values()) if isinstance(value, dict) else {value}
    only = values.pop() if len(values) == 1 else None
    return only if isinstance(only, Decimal) and only.is_finite() else None


def _uplifted(series: list[Series], multiplier: Any, region: str, field: str) -> Iterator[Series]:
    """The whole set again for one region, because a region with rows of its own is rated by those alone."""
    if not isinstance(multiplier, Decimal):
        return
    for one in series:
        if one.region:
            continue
        (change,) = one.changes
        is_token = one.unit in _TOKENS.values()
        price = (change.price or Decimal(0)) * (multiplier if is_token else 1)
        said = f"{change.said} × {multiplier} ({field})" if is_token else change.said
        yield replace(one, region=region, changes=(replace(change, price=price, said=said),))


def _leave_out_contradictions(source: Source) -> None:
    """Of entries that name the same thing, keep one where they agree and none where they do not.

    A region whose set would be incomplete is left out as a whole: nothing falls back to the others.
    """
    by_key: dict[Key, list[Series]] = defaultdict(list)
    for one in source.series:
        by_key[one.key].append(one)
    source.series = []
    for found in by_key.values():
        prices = {one.changes[0].price for one in found}
        if len(prices) == 1:
            source.series.append(found[0])
        else:
            entries = " and ".join(one.entry for one in found)
            source.left_out.append(LeftOut("two entries say different prices of it", f"{found[0]} ({entries})"))
    broken = {
        (one.provider, one.model, one.model_tier, one.service_tier, one.region)
        for one in source.series
        if one.region and inexact(one.changes[0].price or Decimal(0))
    }
    kept = []
    for one in source.series:
        place = (one.provider, one.model, one.model_tier, one.service_tier, one.region)
        if place in broken:
            source.left_out.append(LeftOut("a price of this region has more than six decimals", f"{one} ({one.entry})"))
        else:
            kept.append(one)
    source.series = kept
