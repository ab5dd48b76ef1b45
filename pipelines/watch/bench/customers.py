"""Background of the bench: customers whose traffic nobody here wrote, by ten-minute slot.

`read_customers` reads the public ServeGen traces (requests per ten minutes and token lengths per six hours of real
API customers); `simulated_customers` makes stand-ins with like habits where that folder is absent. Who is made of
these customers belongs in `fleet.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from pipelines.sql import literal

if TYPE_CHECKING:
    from pathlib import Path

SLOTS = 144
WINDOWS = 4
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Customers:
    """Customers by row. Days count from the start of each customer's trace.

    requests      customers x days x 144: requests of a ten-minute slot
    input_mean    customers x days x 4: mean input tokens of a request, by six hours
    output_mean   the same of output tokens, reasoning included
    output_spread customers: standard deviation of ln(output tokens) of one request, about
    """

    names: tuple[str, ...]
    requests: Floats
    input_mean: Floats
    output_mean: Floats
    output_spread: Floats

    @property
    def days(self) -> int:
        """Days of each trace."""
        return int(self.requests.shape[1])


@dataclass(frozen=True, slots=True)
class ReasoningLengths:
    """Token lengths of customers of a reasoning model, of whom one day is known: customers x 4, by six hours."""

    names: tuple[str, ...]
    input_mean: Floats
    output_mean: Floats
    output_spread: Floats


def read_customers(folder: Path) -> tuple[Customers, ReasoningLengths]:
    """The ServeGen traces of a folder: customers of ordinary models (14 days), lengths of those of reasoning ones.

    Customers whose token lengths were not published are left out. Raises OSError where a file is missing.
    """
    rates, tokens = folder / "client_rate_10min.parquet", folder / "client_tokens_6h.parquet"
    for path in (rates, tokens):
        if not path.is_file():
            raise FileNotFoundError(path)
    with duckdb.connect() as con:
        # A reasoning model is one whose answers are counted by what of them is reasoning.
        con.execute(f"""
            create temp table known as
            select model || '/' || client as name, model, client,
                bool_or(field = 'reason_ratio') as reasoning,
                row_number() over (partition by bool_or(field = 'reason_ratio') order by model, client) - 1 as n
            from read_parquet({literal(tokens)}) group by model, client
            having bool_or(field = 'input_tokens') and bool_or(field = 'output_tokens')""")
        names = [
            tuple(
                name
                for (name,) in con.execute("select name from known where reasoning = ? order by n", [kind]).fetchall()
            )
            for kind in (False, True)
        ]
        lengths = con.execute(f"""
            select reasoning, n, window_start // 86400 as day, window_start % 86400 // 21600 as part, field, mean,
                ln(p90 / greatest(p10, 1)) / 2.563 as spread
            from read_parquet({literal(tokens)}) inner join known using (model, client)
            where field in ('input_tokens', 'output_tokens')""").fetchnumpy()
        slots = con.execute(f"""
            select n, t // 86400 as day, t % 86400 // 600 as slot, requests
            from read_parquet({literal(rates)}) inner join known using (model, client)
            where not reasoning""").fetchnumpy()
    days = int(slots["day"].max()) + 1
    requests = np.zeros((len(names[0]), days, SLOTS), np.float32)
    requests[slots["n"], slots["day"], slots["slot"]] = slots["requests"]
    ordinary = _lengths(lengths, reasoning=False, shape=(len(names[0]), days, WINDOWS))
    reasoned = _lengths(lengths, reasoning=True, shape=(len(names[1]), 1, WINDOWS))
    return (
        Customers(names[0], requests, *ordinary),
        ReasoningLengths(names[1], reasoned[0][:, 0], reasoned[1][:, 0], reasoned[2]),
    )


def _lengths(read: dict[str, Any], *, reasoning: bool, shape: tuple[int, int, int]) -> tuple[Floats, Floats, Floats]:
    """Mean input and output tokens by window, and the spread of output; what is not known is the customer's median."""
    mine = read["reasoning"] == reasoning
    found = []
    for field in ("input_tokens", "output_tokens"):
        chosen = mine & (read["field"] == field)
        known = np.full(shape, np.nan, np.float32)
        known[read["n"][chosen], read["day"][chosen], read["part"][chosen]] = read["mean"][chosen]
        usual = np.nanmedian(known, axis=(1, 2), keepdims=True)
        found.append(np.maximum(np.where(np.isnan(known), usual, known), 1).astype(np.float32))
    spread = np.zeros(shape[0], np.float32)
    for n in range(shape[0]):
        spread[n] = np.median(read["spread"][mine & (read["field"] == "output_tokens") & (read["n"] == n)])
    return found[0], found[1], np.clip(spread, 0.1, 2.0).astype(np.float32)


_HABITS = ("office", "round the clock", "nightly batch", "now and then")


def simulated_customers(
    seed: int, *, count: int = 120, reasoning: int = 60, days: int = 14
) -> tuple[Customers, ReasoningLengths]:
    """Stand-ins for real customers: four habits, levels that wander and jump, bursts.

    What they have of the real ones is what makes those hard: a sixth of the days of the second week at three times
    the median of the first or more, a tenth at ten times, a quarter of the customers active on few days.
    """
    rng = np.random.default_rng([seed, 1])
    slot = np.arange(SLOTS)
    requests = np.zeros((count, days, SLOTS), np.float32)
    for n in range(count):
        habit = _HABITS[rng.choice(4, p=(0.4, 0.3, 0.1, 0.2))]
        peak = rng.uniform(0, SLOTS)
        hours = np.exp(np.cos((slot - peak) / SLOTS * 2 * np.pi) * rng.uniform(1.0, 2.5))
        if habit == "round the clock":
            hours = 1 + rng.uniform(0, 0.3) * hours
        if habit == "nightly batch":
            hours = np.where((slot - peak) % SLOTS < rng.integers(6, 30), 1.0, 0.0)
        # Levels wander by a tenth to a third of a day's amount, and jump now and then by up to a hundredfold.
        steps = rng.normal(0, rng.uniform(0.05, 0.35), days) + (rng.random(days) < 0.08) * rng.normal(0, 2.2, days)
        level = np.exp(np.cumsum(steps))
        week = np.where(np.isin((np.arange(days) + rng.integers(7)) % 7, (0, 1)), rng.uniform(0.2, 1.0), 1.0)
        alive = rng.random(days) < (0.15 if habit == "now and then" else 1.0)
        alive &= np.arange(days) >= (rng.integers(days) if rng.random() < 0.15 else 0)
        bursts = rng.gamma(shape := rng.uniform(0.3, 6.0), 1 / shape, (days, SLOTS))
        made = hours * (level * week * alive)[:, None] * bursts
        requests[n] = made / max(made.sum(), 1e-9) * days * 10 ** rng.uniform(4, 6.5)
    # Buckets of fewer than ten are not told by the real traces either.
    requests[requests < 10] = 0
    names = tuple(f"simulated/{n}" for n in range(count))
    return (
        Customers(names, np.rint(requests), *_simulated_lengths(rng, count, days, (60, 0.9))),
        _one_day(_simulated_lengths(rng, reasoning, 1, (800, 0.5)), reasoning),
    )


def _simulated_lengths(
    rng: np.random.Generator, count: int, days: int, answer: tuple[float, float]
) -> tuple[Floats, Floats, Floats]:
    shape = (count, days, WINDOWS)
    wander = np.exp(rng.normal(0, rng.uniform(0.02, 0.25, (count, 1, 1)), shape))
    again = np.exp(rng.normal(0, rng.uniform(0.02, 0.25, (count, 1, 1)), shape))
    given = np.exp(rng.normal(np.log(600), 1.0, (count, 1, 1))) * wander
    answered = np.exp(rng.normal(np.log(answer[0]), answer[1], (count, 1, 1))) * again
    spread = rng.uniform(0.3, 1.0, count)
    return given.astype(np.float32), np.maximum(answered, 1).astype(np.float32), spread.astype(np.float32)


def _one_day(lengths: tuple[Floats, Floats, Floats], count: int) -> ReasoningLengths:
    names = tuple(f"simulated-reasoning/{n}" for n in range(count))
    return ReasoningLengths(names, lengths[0][:, 0], lengths[1][:, 0], lengths[2])
