"""Random worlds to rate in: price books, terms and requests, drawn close to the instants and counts that decide.

Every world is one that `meterhouse prices check` would let pass, except for percentages that do not
combine exactly. Hypothesis draws the seed of each; `reduced` makes a failing one small. What comes
out of a world belongs in the tests.
"""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from pipelines.pricing.units import ALL, BLOCKS, BY_NAME, UNITS
from tests.rating.case import Case, event

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from hypothesis.strategies import SearchStrategy

Row = dict[str, Any]

# METERHOUSE_EFFORT=20 makes every property try twenty times as many examples, other ones each time.
_EFFORT = int(os.environ.get("METERHOUSE_EFFORT", "0"))


def examples(count: int) -> settings:
    """Settings of a property: the same examples each time, unless more effort is asked for."""
    return settings(
        max_examples=count * max(_EFFORT, 1), derandomize=not _EFFORT, database=None, deadline=None,
        suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.generate],
    )  # fmt: skip


def reduced(case: Case, fails: Callable[[Case], bool]) -> Case:
    """A failing world without the rows that it also fails without."""
    for name in ("events", "rates", "terms", "serving_hours", "aliases"):
        size = len(getattr(case, name))
        while size:
            rows = list(getattr(case, name))
            for start in range(0, len(rows), size):
                smaller = replace(case, **{name: rows[:start] + rows[start + size :]})
                if fails(smaller):
                    case = smaller
                    break
            else:
                size //= 2
    return case


# Starts and ends of rows: midnights, a change in the afternoon and one a microsecond later, and the ends of months
# in UTC and elsewhere.
START = "2023-01-01T00:00:00Z"
CHANGES = (
    "2023-11-06T00:00:00Z", "2023-11-15T16:00:00Z", "2023-11-15T16:00:00.000001Z", "2023-11-30T23:00:00Z",
    "2023-12-01T00:00:00Z", "2023-12-12T08:00:00Z", "2024-02-29T12:00:00Z",
)  # fmt: skip
KNOWN_AT = CHANGES[1]
ZONES = ("UTC", "Europe/Berlin", "America/Los_Angeles", "Pacific/Kiritimati")
FOREVER = "9999-12-31 23:59:59"
CARDS = ("list", "contract", "cost")
PRICES = ("0", "0.000001", "0.37", "1.5", "2.000001", "3.141593", "60", "999.999999")
PERCENTS = ("0", "10", "12.5", "33.33", "0.01", "100")
FINE_PERCENTS = ("33.3333", "0.0001")


def instant(text: str) -> datetime:
    """The instant that a row or an event names, to compare by."""
    return datetime.fromisoformat(text.replace("Z", ""))


_SHIFTS = (*tuple(timedelta(microseconds=n) for n in (-1, 0, 1)), timedelta(hours=-9), timedelta(hours=1))
MOMENTS = tuple(sorted({(instant(change) + shift).isoformat() for change in CHANGES for shift in _SHIFTS}))
DAYS = tuple(sorted({moment[:10] for moment in MOMENTS}))


def worlds() -> SearchStrategy[Case]:
    """Everything at once. The test gives the world a connection."""
    return _seeded(_world)


def books() -> SearchStrategy[list[Row]]:
    """Rates of three cards."""
    return _seeded(_book)


def alias_rows() -> SearchStrategy[list[Row]]:
    """What m-latest stood for."""
    return _seeded(_aliases)


def term_rows() -> SearchStrategy[list[Row]]:
    """Terms of all kinds."""
    return _seeded(_terms)


def _seeded(made: Callable[[Random], Any]) -> SearchStrategy[Any]:
    return st.randoms(use_true_random=True).map(made)


def _world(random: Random) -> Case:
    return Case(
        rates=_book(random),
        aliases=_aliases(random),
        terms=_terms(random),
        serving_hours=_serving_hours(random),
        events=_events(random),
        revenue_card=random.choice(("list", "list", "list", "contract")),
        cost_card=random.choice(("list", "cost", "cost")),
        billing_time_zone=random.choice(ZONES),
        reporting_currency=random.choice(("USD", "EUR")),
        known_at=random.choice((FOREVER, FOREVER, FOREVER, KNOWN_AT[:-1])),
        con=None,  # type: ignore[arg-type]
    )


def _rarely(random: Random, share: float = 0.2) -> bool:
    return random.random() < share


def _lifetimes(random: Random, most: int = 3) -> list[Row]:
    """Starts of one thing, some with an end, some said again later; never the same start with the same knowledge."""
    found: dict[tuple[str, str], Row] = {}
    first = random.choice(CHANGES) if _rarely(random, 0.3) else START
    for start in [first, *random.choices((first, START, *CHANGES), k=random.randrange(most))]:
        later = [c for c in CHANGES if instant(c) > instant(start)]
        end = random.choice(later) if later and _rarely(random, 0.15) else ""
        # Often said at an instant that `known_at` may be.
        known = random.choice((KNOWN_AT, *CHANGES)) if _rarely(random, 0.3) else ""
        found[start, known or start] = {"valid_from": start, "valid_to": end, "known_from": known}
    return list(found.values())


def _price(random: Random, unit: str) -> Row:
    return {"price": random.choice(PRICES), "per": random.choice(BLOCKS[BY_NAME[unit].dimension])}


_KEY = {
    "provider": "openai", "model": "m", "model_tier": "base", "service_tier": "standard", "region": "",
    "context_from": 0,
}  # fmt: skip
_OPEN = {"valid_from": START, "valid_to": "", "known_from": ""}
# Hours of GPUs have neither a tier nor a length.
_OF_DAYS = {"service_tier": "standard", "region": "", "context_from": 0}


def _book(random: Random) -> list[Row]:
    """Most units of one model on each card, and more. From a switch on, a card may be in another currency."""
    found: dict[tuple[Any, ...], Row] = {}
    for card in CARDS:
        switch = ("USD", "", "")
        if _rarely(random, 0.3):
            switch = random.choice((("EUR", "", ""), *(("USD", change, "EUR") for change in CHANGES[:3])))
        for n in range(random.randrange(1, 6)):
            key = {
                "provider": "azure" if _rarely(random, 0.1) else "openai",
                "model": random.choice(("m", "m", "m", "m", "n", "m-latest")),
                "model_tier": random.choice(("base", "base", "fine_tuned")),
                "service_tier": "batch" if _rarely(random) else "standard",
                "region": "eu" if _rarely(random, 0.3) else "",
                "context_from": random.choice((0, 0, 0, 100, 1_000)),
            } if n else _KEY  # fmt: skip
            units = random.sample(UNITS, random.randrange(4))
            if n == 0 or _rarely(random, 0.6):
                # All but those; for the cost of serving, hours of GPUs with prices of tokens or alone.
                units = [u for u in UNITS if u not in units and (u != "gpu_hour" or card == "cost")]
            for times in _lifetimes(random) if n else [_OPEN]:
                for unit in units:
                    apart = _OF_DAYS if unit == "gpu_hour" else {}
                    row = {"card": card, **key, **apart, "unit": unit, **times, **_price(random, unit)}
                    _add(found, row, switch)
    return list(found.values())


def _add(found: dict[tuple[Any, ...], Row], row: Row, switch: tuple[str, str, str]) -> None:
    """Add a row in its card's currency; one that reaches over the switch goes on in the other."""
    currency, change, other = switch
    parts = [{**row, "currency": currency}]
    if change and instant(row["valid_from"]) >= instant(change):
        parts = [{**row, "currency": other}]
    elif change and (not row["valid_to"] or instant(row["valid_to"]) > instant(change)):
        parts = [{**parts[0], "valid_to": change}, {**row, "valid_from": change, "currency": other}]
    for part in parts:
        key = tuple(part[name] for name in (*_KEY, "card", "unit", "currency", "valid_from"))
        found[(*key, part["known_from"] or part["valid_from"])] = part


def _aliases(random: Random) -> list[Row]:
    if _rarely(random):
        return []
    return [
        {"provider": "openai", "alias": "m-latest", "model": random.choice(("m", "m", "n")), **times}
        for times in _lifetimes(random)
    ]


_KINDS = (
    "card",
    "uplift",
    "discount",
    "discount",
    "markup",
    "allowance",
    "allowance",
    "graduated",
    "graduated",
    "volume",
)
_BY_QUANTITY = ("allowance", "graduated", "volume")


def _terms(random: Random) -> list[Row]:
    """Terms of all kinds. Some percentages have so many decimals that their products are not exact."""
    sets: dict[tuple[Any, ...], list[Row]] = {}
    tariffs: dict[tuple[Any, ...], str] = {}
    percents = (*PERCENTS, *FINE_PERCENTS) if _rarely(random) else PERCENTS[:3]
    kind = ""
    for _ in range(random.choice((0, 2, 3, 5, 8, 12))):
        # Several of one kind, so that the most specific has to be found.
        kind = kind if kind and _rarely(random, 0.4) else random.choice(_KINDS)
        key = {
            "organization_id": random.choice(("acme", "acme", "*", "beta")),
            "side": "revenue" if kind in (*_BY_QUANTITY, "markup") else random.choice(("revenue", "cost")),
            "provider": random.choice(("", "", "openai", "openai", "azure")),
            "model": random.choice(("", "", "m", "m", "m-latest", "n")),
            "region": random.choice(("", "", "", "eu", "us")),
        }
        if kind in _BY_QUANTITY:
            any_unit = random.choice([u for u in UNITS if u != "gpu_hour"])
            key["unit"] = random.choice(("input", "input", "output", "output", "request", any_unit))
        if kind in {"graduated", "volume"}:
            # Both at once for the same requests would be an error.
            kind = tariffs.setdefault(tuple(key.values()), kind)
        for times in _lifetimes(random, most=2):
            # A later word on the same start is about the whole set.
            sets[kind, *key.items(), times["valid_from"], times["known_from"] or times["valid_from"]] = [
                {"kind": kind, **key, **row, **times} for row in _set(random, kind, key, percents)
            ]
    return [row for rows in sets.values() for row in rows]


def _set(random: Random, kind: str, key: Row, percents: tuple[str, ...]) -> list[Row]:
    if kind == "card":
        return [{"card": random.choice(("contract", "cost"))}]
    if kind == "markup" and key["model"] and _rarely(random, 0.3):
        return [{"percent": ""}]
    if kind in {"uplift", "discount", "markup"}:
        return [{"percent": random.choice(percents)}]
    hours = BY_NAME[key["unit"]].dimension == "hours"
    few = key["unit"] == "request"
    quantities = (
        ("1", "2", "3") if few else ("1", "100", "250", "1000", "2000", *(("0.5", "1.000001") if hours else ()))
    )
    if kind == "allowance":
        return [{"quantity": random.choice(quantities)}]
    currency = "EUR" if _rarely(random, 0.1) else "USD"
    rows: list[Row] = []
    for start in ("0", *random.sample(quantities, random.randrange(3))):
        if _rarely(random, 0.5):
            rows.append({"quantity": start, "percent": random.choice(percents)})
        else:
            rows.append({"quantity": start, **_price(random, key["unit"]), "currency": currency})
    return rows


_COUNTS = (0, 1, 2, 99, 100, 101, 250, 999, 1_000, 1_001, 123_457)
_HOURS = ("0", "0.000001", "0.333333", "1", "1.5", "720")
_QUANTITIES = tuple(u for u in ALL if u.name not in {"embedding", "request", "gpu_hour"})
_MODELS = (
    *["m"] * 14, "n", *["m-latest"] * 4, "ft:m:acme::x1", "ft:m:acme::x1", "ft:m-latest:acme::x2", "other",
)  # fmt: skip


def _events(random: Random) -> list[Row]:
    """Requests around the changes, most of them plain."""
    found = []
    for n in range(random.choice((1, 3, 30, 60))):
        used: Row = {"input_tokens": random.choice(_COUNTS), "output_tokens": random.choice((0, *_COUNTS))}
        for unit in random.sample(_QUANTITIES, random.choice((0, 0, 0, 1, 3))):
            used[unit.quantity] = random.choice(_HOURS if unit.dimension == "hours" else _COUNTS)
        if _rarely(random, 0.05):
            used = {}
        used["reasoning_tokens"] = random.choice((0, used.get("output_tokens", 0)))
        found.append(
            event(
                event_id=f"e{n:02}",
                source=random.choice(("gateway", "api")),
                at=random.choice(MOMENTS),
                organization_id=random.choice(("acme", "acme", "beta", "gamma")),
                provider="azure" if _rarely(random, 0.05) else "openai",
                model=random.choice(_MODELS),
                service_tier=random.choice((*["standard"] * 12, "batch", "batch", "flex")),
                region=random.choice((None, None, "", "eu", "us")),
                operation=random.choice(("chat", "chat", "chat", None, "embedding")),
                status=random.choice((200, 200, 200, 200, None, 399, 400, 503)),
                gateway_cache_hit=random.choice((False, False, False, None, True)),
                **used,
            )
        )
    return found


def _serving_hours(random: Random) -> list[Row]:
    """Hours of GPUs on some of the days."""
    return [
        {
            "usage_date": day, "model": model, "model_tier": tier,
            "gpu_hours": random.choice(("0", "0.000001", "7.25", "24", "191.999999")),
        }
        for model, tier in (("m", "base"), ("m", "fine_tuned"), ("m-latest", "base"))
        for day in DAYS
        if not _rarely(random)
    ]  # fmt: skip
