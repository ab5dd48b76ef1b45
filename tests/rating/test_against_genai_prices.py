"""The committed book, rated by the project's SQL, against the pinned `genai-prices` package pricing the same requests.

Where both have a price they must agree to the last decimal; where they do not, `DISAGREEMENTS` says why
and who is right. What the package charges for units that it has no price for is told by kind. A new
disagreement fails, and so does one that is listed and has gone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from pipelines.pricing.book import SEED
from pipelines.pricing.genai import PROVIDERS
from pipelines.pricing.tables import ALIASES, RATES, read_rows
from pipelines.pricing.units import BY_NAME
from tests.rating.case import Case, event

if TYPE_CHECKING:
    from decimal import Decimal

    import duckdb

Row = dict[str, Any]
Key = tuple[str, str, str, str]

# Behind the day of the last import, behind each later change of the book, and long after.
MOMENTS = ("2026-11-26T00:00:00", "2026-12-01T00:00:00", "2027-01-01T00:00:00", "2028-02-29T23:59:59.999999")

# (provider, model, model tier, service tier, unit): why the two amounts differ, and who is right.
DISAGREEMENTS: dict[tuple[str, str, str, str, str], str] = {
    ("openai", "gpt-4o-2024-08-06", "fine_tuned", "standard", "cached_input"): (
        "the package has no cached price for tuned models and charges full input; OpenAI lists half: the book is right"
    ),
    ("openai", "gpt-4o-mini-2024-07-18", "fine_tuned", "standard", "cached_input"): (
        "the package has no cached price for tuned models and charges full input; OpenAI lists half: the book is right"
    ),
    ("openai", "text-embedding-3-large", "base", "batch", "input"): (
        "the package has no batch price and silently charges standard; batch is half: the book is right"
    ),
    ("openai", "text-embedding-3-small", "base", "batch", "input"): (
        "the package has no batch price and silently charges standard; batch is half: the book is right"
    ),
}

# Tuned models that the book prices and the package cannot find, and why.
ONLY_IN_THE_BOOK: dict[str, str] = {
    "babbage-002": "the package has no tuned completion models",
    "davinci-002": "the package has no tuned completion models",
    "gpt-4.1": "the package has tuned gpt-3.5-turbo and gpt-4o alone",
    "gpt-4.1-2025-04-14": "the package has tuned gpt-3.5-turbo and gpt-4o alone",
    "gpt-4.1-mini": "the package has tuned gpt-3.5-turbo and gpt-4o alone",
    "gpt-4.1-mini-2025-04-14": "the package has tuned gpt-3.5-turbo and gpt-4o alone",
    "gpt-4.1-nano": "the package has tuned gpt-3.5-turbo and gpt-4o alone",
    "gpt-4.1-nano-2025-04-14": "the package has tuned gpt-3.5-turbo and gpt-4o alone",
    "o4-mini": "the package has no reinforcement tuning",
    "o4-mini-2025-04-16": "the package has no reinforcement tuning",
}

# How the package comes to an amount where the book has no price and gives none.
SILENT: dict[str, str] = {
    "as a wider unit": "cached, written or audio tokens go as plain input or output: not what a provider would bill",
    "at the standard price": "a tier without a price of the unit takes the standard one, though tiers have their own",
    "cached text and images apart": "cached images have another price, events do not tell them: the book leaves it out",
    "for nothing": "output of models that list none, and tool calls without a price, are free there",
}

_CONTEXT: dict[str, dict[str, str] | None] = {
    "standard": None, "batch": {"processing": "batch"}, "flex": {"service_tier": "flex"},
    "priority": {"service_tier": "priority"},
}  # fmt: skip
_THEIRS = {ours: theirs for theirs, ours in PROVIDERS.items()}

# Our disjoint quantities, and the totals of the package that each counts in.
_COUNTS_IN: dict[str, tuple[str, ...]] = {
    "input": ("input_tokens",),
    "cached_input": ("input_tokens", "cache_read_tokens"),
    "cache_write_5m": ("input_tokens", "cache_write_tokens"),
    "cache_write_1h": ("input_tokens", "cache_write_tokens", "cache_write_1h_tokens"),
    "audio_input": ("input_tokens", "input_audio_tokens"),
    "image_input": ("input_tokens", "input_image_tokens"),
    "output": ("output_tokens",),
    "audio_output": ("output_tokens", "output_audio_tokens"),
    "image_output": ("output_tokens", "output_image_tokens"),
    "web_search": ("web_searches",),
}
# What is cached or written is text; the package wants to be told.
_NEVER = tuple(f"cache_{kind}_{what}_tokens" for kind in ("audio", "image") for what in ("read", "write", "write_1h"))
_TEXT_OF = {unit: "output" if "output" in unit else "input" for unit in _COUNTS_IN}


@dataclass(frozen=True)
class Probe:
    """A request of so much of each unit."""

    key: Key
    moment: str
    used: dict[str, int]

    @property
    def model_ref(self) -> str:
        """The id as the provider would return it."""
        _, model, model_tier, _ = self.key
        return f"ft:{model}:acme::x1" if model_tier == "fine_tuned" else model

    def event(self, event_id: str) -> Row:
        provider, _, _, service_tier = self.key
        return event(
            event_id=event_id,
            at=self.moment,
            provider=provider,
            model=self.model_ref,
            service_tier=service_tier,
            **{BY_NAME[unit].quantity: count for unit, count in self.used.items()},
        )

    def theirs(self, context: dict[str, str] | None = None, used: dict[str, int] | None = None) -> Decimal:
        """What the package makes of it."""
        return self.calculation(context, used).total_price

    def calculation(self, context: dict[str, str] | None, used: dict[str, int] | None = None) -> Any:
        """How the package comes to it."""
        from genai_prices import Usage, calc_price

        totals = dict.fromkeys(_NEVER, 0)
        for unit, count in (self.used if used is None else used).items():
            for total in _COUNTS_IN[unit]:
                totals[total] = totals.get(total, 0) + count
        return calc_price(
            Usage(**totals),
            self.model_ref,
            provider_id=_THEIRS[self.key[0]],
            genai_request_timestamp=datetime.fromisoformat(self.moment).replace(tzinfo=UTC),
            price_context=context,
        )


@pytest.fixture(scope="module")
def book() -> list[Row]:
    """The committed rates."""
    return [{name: row[name] for name in RATES.columns} for row in read_rows(RATES, [SEED]).to_pylist()]


@pytest.fixture(scope="module")
def units(book: list[Row]) -> dict[Key, dict[str, set[int]]]:
    """What the book ever prices of each model and tier, and where longer requests begin."""
    found: dict[Key, dict[str, set[int]]] = {}
    for row in book:
        if row["card"] == "list" and row["provider"] in _THEIRS and row["unit"] in _COUNTS_IN:
            key = (row["provider"], row["model"], row["model_tier"], row["service_tier"])
            found.setdefault(key, {}).setdefault(row["unit"], set()).add(int(row["context_from"]))
    return found


def rated(book: list[Row], probes: list[Probe], con: duckdb.DuckDBPyConnection) -> list[Decimal | None]:
    """What the project's SQL makes of the probes."""
    aliases = [{name: row[name] for name in ALIASES.columns} for row in read_rows(ALIASES, [ALIASES.seed]).to_pylist()]
    asked = [probe.event(str(n)) for n, probe in enumerate(probes)]
    amounts = Case(rates=book, aliases=aliases, events=asked, con=con).rate("rated_usage").amounts()
    return [amounts[str(n)] for n in range(len(probes))]


def named(unit: str, priced: dict[str, set[int]]) -> str:
    """The unit whose price counts: images without one of their own are text."""
    return "input" if unit == "image_input" and unit not in priced else unit


def differing(probe: Probe, priced: dict[str, set[int]]) -> set[tuple[str, ...]]:
    """What to blame for a difference: listed units, or all of a request that has none."""
    used = {(*probe.key, named(unit, priced)) for unit in probe.used}
    return used & set(DISAGREEMENTS) or used


def requests(key: Key, priced: dict[str, set[int]], moment: str, random: Random) -> list[Probe]:
    """Requests of what the book prices of a model: unit by unit, mixed, and around the first token of a longer one."""
    names = sorted({*priced, *({"image_input"} if "input" in priced else ())})
    used = [{unit: random.randrange(1, 3_000)} for unit in names]
    for most in (10, 1_000, 1_000_000):
        used += [{unit: random.randrange(most) for unit in names if random.random() < 0.7}]
    for start in sorted(set().union(*priced.values()) - {0}):
        for length in (start - 1, start, start + 1):
            used.append({"input": length})
            used.append({"input": length - 7, **{u: 7 for u in ("cached_input", "output") if u in priced}})
    return [Probe(key, moment, one) for one in used if any(one.values())]


def only_in_the_book(key: Key) -> bool:
    return key[2] == "fine_tuned" and key[1] in ONLY_IN_THE_BOOK


def test_models_that_only_the_book_knows_are_listed(units: dict[Key, Any]) -> None:
    unknown = set()
    for key in units:
        try:
            Probe(key, MOMENTS[0], {"input": 1}).theirs()
        except LookupError:
            unknown.add(key[1:3])
    assert unknown == {(model, "fine_tuned") for model in ONLY_IN_THE_BOOK}


def test_both_agree_on_whatever_both_price(
    book: list[Row], units: dict[Key, dict[str, set[int]]], con: duckdb.DuckDBPyConnection
) -> None:
    random = Random(20261122)  # noqa: S311 - the same requests each time
    known = {key: priced for key, priced in units.items() if not only_in_the_book(key)}
    probes = [probe for key, priced in known.items() for at in MOMENTS for probe in requests(key, priced, at, random)]
    unequal: set[tuple[str, ...]] = set()
    for probe, amount in zip(probes, rated(book, probes, con), strict=True):
        assert amount is not None, probe
        if amount != probe.theirs(_CONTEXT[probe.key[3]]):
            unequal |= differing(probe, known[probe.key])
    assert unequal == set(DISAGREEMENTS)
    assert len(known) > 1_300


def test_what_only_the_package_charges_is_of_a_known_kind(
    book: list[Row], units: dict[Key, dict[str, set[int]]], con: duckdb.DuckDBPyConnection
) -> None:
    probes = [
        Probe(key, MOMENTS[0], {unit: 1_009})
        for key, priced in units.items()
        if not only_in_the_book(key)
        for unit in _COUNTS_IN
        if named(unit, priced) not in priced
    ]
    assert set(rated(book, probes, con)) == {None}
    kinds: dict[str, list[Probe]] = {}
    for probe in probes:
        kinds.setdefault(kind_of(probe), []).append(probe)
    unexplained = [kinds[kind][0] for kind in sorted(set(kinds) - set(SILENT))]
    assert unexplained == []
    assert set(kinds) == set(SILENT)


def kind_of(probe: Probe) -> str:
    """How the package comes to an amount for one unit without a price."""
    ((unit, count),) = probe.used.items()
    context = _CONTEXT[probe.key[3]]
    amount = probe.theirs(context)
    if amount == 0:
        return "for nothing"
    wider = [{_TEXT_OF[unit]: count}] + [{"cache_write_5m": count}] * (unit == "cache_write_1h")
    if unit != _TEXT_OF[unit] and amount in [probe.theirs(context, used) for used in wider]:
        return "as a wider unit"
    if context and amount == probe.theirs():
        return "at the standard price"
    if unit == "cached_input" and probe.calculation(context).model_price.cache_image_read_mtok is not None:
        return "cached text and images apart"
    return "otherwise"
