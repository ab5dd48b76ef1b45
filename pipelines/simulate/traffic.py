"""Draws requests from streams: whole arrays a day, never request by request.

Counts come first and are exact (`allocate`), then each day's requests are drawn in one go
(`draw_day`). All randomness comes from the generator that is handed in. Where and how often a
request is written belongs in `delivery.py`.
"""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from pipelines.simulate.catalogue import (
    CACHE_MINIMUM,
    CACHE_STEP,
    CACHING_FROM,
    CONTEXT,
    SLOTS_A_DAY,
    UNKNOWN_MODEL,
    rhythms,
)
from pipelines.simulate.streams import EVERYDAY, Stream

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.random import Generator
    from numpy.typing import NDArray

SECOND = 1_000_000
SLOT_US = 600 * SECOND
DAY_US = SLOTS_A_DAY * SLOT_US
FINISH = ("stop", "length")
ERRORS: tuple[tuple[int, str], ...] = (
    (429, "rate_limit_exceeded"),
    (400, "invalid_request_error"),
    (401, "authentication_error"),
    (500, "server_error"),
    (503, "overloaded"),
)


class Crowd:
    """Streams as columns: one array a field, plus codes for models."""

    def __init__(self, streams: Sequence[Stream], start: datetime) -> None:
        self.streams, self.start = streams, start
        names = dict.fromkeys(m for s in streams for m in s.models)
        self.models: list[str] = list(names)
        code = {name: i for i, name in enumerate(self.models)}
        base = [base_of(m) for m in self.models]
        self.context = np.array([CONTEXT.get(b, 128_000) for b in base])
        far = datetime.max.replace(tzinfo=start.tzinfo)
        self.cache_from_day = np.array([(CACHING_FROM.get(b, far) - start).days for b in base], dtype=np.int64)
        self.tuned = np.array([m.startswith("ft:") for m in self.models])
        self.unknown = np.array([m == UNKNOWN_MODEL for m in self.models])
        self.model_codes = np.array([[code[m] for m in s.models] for s in streams]).reshape(-1, 2)
        curves = rhythms()
        self.curve_names = list(curves)
        self.curves = np.stack([curves[n] for n in self.curve_names])
        self.rhythm = np.array([self.curve_names.index(s.rhythm) for s in streams])
        self.shift = np.array([round(s.zone * 6) for s in streams])
        self.column: dict[str, NDArray[Any]] = {
            f.name: np.array([getattr(s, f.name) for s in streams])
            for f in fields(Stream)
            if f.name not in {"models", "envelope"}
        }

    def profile(self, day: int) -> NDArray[np.float64]:
        """Weights (streams x 144) of a UTC day, by each stream's own clock."""
        slot = (self.start.weekday() + day) * SLOTS_A_DAY + np.arange(SLOTS_A_DAY)
        at = (slot[None, :] + self.shift[:, None]) % (7 * SLOTS_A_DAY)
        return np.asarray(self.curves[self.rhythm[:, None], at])


def base_of(model: str) -> str:
    """The base of a tuned model (`ft:base:owner::id`), else the model itself."""
    return model.split(":")[1] if model.startswith("ft:") else model


def allocate(
    rng: Generator, crowd: Crowd, *, days: int, requests: int, budgets: Mapping[str, float]
) -> NDArray[np.int64]:
    """Requests by stream and day (streams x days); their sum is exactly `requests`."""
    column = crowd.column
    rhythm = np.stack([crowd.profile(d).mean(axis=1) for d in range(days)], axis=1)
    noise = _persistent(rng, len(crowd.streams), days) * column["day_noise"][:, None]
    envelope = np.stack([s.envelope for s in crowd.streams])
    weight = column["weight"][:, None] * envelope * rhythm * np.exp(noise)
    counts = np.zeros(weight.shape, dtype=np.int64)
    left = requests
    for budget, share in budgets.items():
        mine = np.flatnonzero(column["budget"] == budget)
        n = round(requests * share)
        counts[mine] = _spread(rng, n, weight[mine])
        left -= int(counts[mine].sum())
    everyday = np.flatnonzero(column["budget"] == EVERYDAY)
    counts[everyday] += _spread(rng, left, weight[everyday])
    return counts


def _persistent(rng: Generator, streams: int, days: int) -> NDArray[np.float64]:
    """Unit-variance noise that remembers the day before (autoregressive, 0.6)."""
    noise = rng.normal(size=(streams, days))
    for day in range(1, days):
        noise[:, day] = 0.6 * noise[:, day - 1] + 0.8 * noise[:, day]
    return noise


def _spread(rng: Generator, n: int, weight: NDArray[np.float64]) -> NDArray[np.int64]:
    total = weight.sum()
    if total <= 0:
        return np.zeros(weight.shape, dtype=np.int64)
    return rng.multinomial(n, (weight / total).ravel()).reshape(weight.shape)


def draw_day(
    rng: Generator, crowd: Crowd, day: int, counts: NDArray[np.int64], first_id: int
) -> dict[str, NDArray[Any]]:
    """All requests of one day as columns, in order of time.

    `ended_us` is microseconds since the start of the period and falls on this day, as does the
    start of the call, so that every log format dates the call alike.
    """
    active = np.flatnonzero(counts)
    slots = crowd.profile(day)[active] * _slot_noise(rng, crowd, active)
    by_slot = rng.multinomial(counts[active], slots / slots.sum(axis=1, keepdims=True))
    stream = np.repeat(np.repeat(active, SLOTS_A_DAY), by_slot.ravel())
    slot = np.repeat(np.tile(np.arange(SLOTS_A_DAY), len(active)), by_slot.ravel())
    n = len(stream)
    within = slot * SLOT_US + rng.integers(0, SLOT_US // 1000, n) * 1000
    order = np.lexsort((stream, within))
    stream, within = stream[order], within[order]
    rows: dict[str, NDArray[Any]] = {"id": first_id + np.arange(n), "stream": stream}
    rows["model"] = _models(rng, crowd, stream)
    batch = rng.random(n) < crowd.column["batch_share"][stream]
    rows["batch"] = batch & ~crowd.tuned[rows["model"]]
    _outcome(rng, crowd, rows)
    _tokens(rng, crowd, rows, day)
    _who(rng, crowd, rows)
    latency_ms = (220 + rows["output_tokens"] * 11 + rows["raw_input_tokens"] // 40) * np.exp(rng.normal(0, 0.35, n))
    rows["latency_ms"] = np.minimum(latency_ms.astype(np.int64), 590_000)
    rows["ended_us"] = day * DAY_US + np.maximum(within, rows["latency_ms"] * 1000)
    rows["day"] = np.full(n, day)
    return rows


def _slot_noise(rng: Generator, crowd: Crowd, active: NDArray[np.int64]) -> NDArray[np.float64]:
    """Ten-minute noise; streams of one rhythm group get the same."""
    groups, member = np.unique(crowd.column["rhythm_group"][active], return_inverse=True)
    shape = np.empty(len(groups))
    shape[member] = crowd.column["burst"][active]
    noise = rng.gamma(shape[:, None], size=(len(groups), SLOTS_A_DAY)) + 1e-9
    return np.asarray(noise[member])


def _models(rng: Generator, crowd: Crowd, stream: NDArray[np.int64]) -> NDArray[np.int64]:
    second = rng.random(len(stream)) < crowd.column["second_model_share"][stream]
    return np.asarray(crowd.model_codes[stream, second.astype(np.int64)])


def _outcome(rng: Generator, crowd: Crowd, rows: dict[str, NDArray[Any]]) -> None:
    """`error`: 0 is success, else 1 + index into ERRORS. Batches do not fail here."""
    stream, u = rows["stream"], rng.random(len(rows["stream"]))
    limited = crowd.column["limited_share"][stream]
    failing = limited + crowd.column["failure_share"][stream]
    other = 2 + rng.integers(0, len(ERRORS) - 1, len(stream))
    error = np.where(u < limited, 1, np.where(u < failing, other, 0))
    rows["error"] = np.where(rows["batch"] | crowd.unknown[rows["model"]], 0, error)


def _tokens(rng: Generator, crowd: Crowd, rows: dict[str, NDArray[Any]], day: int) -> None:
    column, stream, n = crowd.column, rows["stream"], len(rows["stream"])
    answered = rows["error"] == 0
    context, cap = crowd.context[rows["model"]], column["max_output"][stream]
    own = column["input_median"][stream] * np.exp(column["input_spread"][stream] * rng.normal(size=n))
    prefix = column["prefix"][stream]
    asked = np.minimum(prefix + 1 + own.astype(np.int64), context - cap)
    said = column["output_median"][stream] * np.exp(column["output_spread"][stream] * rng.normal(size=n))
    answer = np.where(cap > 0, np.clip(np.rint(said).astype(np.int64), 1, np.maximum(cap, 1)), 0)
    cacheable = (
        answered
        & ~rows["batch"]
        & (day >= crowd.cache_from_day[rows["model"]])
        & (prefix >= CACHE_MINIMUM)
        & (rng.random(n) < column["cache_share"][stream])
    )
    cached = np.where(cacheable, np.minimum(prefix, asked) // CACHE_STEP * CACHE_STEP, 0)
    rows["raw_input_tokens"] = np.where(answered, asked, 0)
    rows["cached_input_tokens"] = cached
    rows["output_tokens"] = np.where(answered, answer, 0)
    rows["finish"] = np.where((cap > 0) & (answer >= cap), 1, 0)


def _who(rng: Generator, crowd: Crowd, rows: dict[str, NDArray[Any]]) -> None:
    """Key, end user, network, template and prompt: codes. Users and keys are unevenly used."""
    column, stream, n = crowd.column, rows["stream"], len(rows["stream"])

    def choose(name: str, power: float) -> NDArray[np.int64]:
        first, many = column[name][stream, 0], column[name][stream, 1]
        return np.asarray(first + (many * rng.random(n) ** power).astype(np.int64))

    rows["key"] = choose("keys", 1.6)
    rows["end_user"] = np.where(column["users"][stream, 1] > 0, choose("users", 2.5), -1)
    rows["network"] = choose("networks", 2.0)
    rows["template"] = choose("templates", 1.8)
    pool = (column["prompt_pool"][stream] * rng.random(n) ** 2).astype(np.int64)
    fresh = rng.random(n) >= column["repeat"][stream]
    rows["prompt"] = np.where(fresh, 1_000_000 + rows["id"], pool)
