"""Traffic by piece: what one key of an organisation does for one purpose, by ten-minute slot, with its habits.

A campaign is pieces with a label, everyday traffic pieces without. All that is known of a request but its count and
its tokens are habits: shares and pools from which `activity.py` draws. They are assumptions, and stand here together.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from pipelines.watch.bench.customers import SLOTS, Floats

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Habits:
    """What the requests of a piece are like; shares are of requests.

    failed, limited     refused with 400 or more, of these with 429
    length_finish       answers that end at the length limit
    multi, logprobs     asked for more than one answer, for token probabilities
    cold                sent with temperature 0
    cached              share of the input tokens read from the prompt cache
    fresh               share of prompts that the organisation never sent before
    digests             whether digests of prompts and templates are sent
    suite               number of prompts that come again on every day; 0: other ones each time
    templates           first of a pool of prompt templates, and how many of the pool are used
    top_template        share of the commonest of them
    users               first of a pool of end users, and how many; none: the field is not sent
    networks            first of a pool of networks, and how many
    region, agent       number of the serving region and of the client library
    model, product      names
    """

    failed: float = 0.005
    limited: float = 0.001
    length_finish: float = 0.01
    multi: float = 0.0
    logprobs: float = 0.0
    cold: float = 0.1
    cached: float = 0.2
    fresh: float = 0.6
    digests: bool = True
    suite: int = 0
    templates: tuple[int, int] = (0, 1)
    top_template: float = 0.7
    users: tuple[int, int] = (0, 0)
    networks: tuple[int, int] = (0, 1)
    region: int = 0
    agent: int = 0
    model: str = "gpt-4o-mini"
    product: str = "main"


@dataclass(slots=True)
class Piece:
    """Requests and tokens of a piece from `first_day` on.

    requests is days x 144 (whole numbers); input_mean, output_mean (tokens of a request) and output_spread are of the
    same shape or of one that numpy stretches to it.
    """

    organization: int
    key: int
    label: str
    first_day: int
    requests: NDArray[np.int64]
    input_mean: Floats | float
    output_mean: Floats | float
    output_spread: float
    habits: Habits


class Pools:
    """Numbers that are given out once: keys, templates, end users, networks."""

    def __init__(self) -> None:
        self._next = dict.fromkeys(("keys", "templates", "users", "networks", "payments", "signups"), 1)

    def take(self, pool: str, count: int = 1) -> int:
        """The first of `count` numbers that nobody else has."""
        first = self._next[pool]
        self._next[pool] += count
        return first


@dataclass(slots=True)
class Cells:
    """Pieces as columns, one row for each slot with requests; `piece` is the row in the list of pieces."""

    piece: NDArray[np.integer]
    day: NDArray[np.integer]
    slot: NDArray[np.integer]
    requests: NDArray[np.integer]
    input_tokens: NDArray[np.integer]
    output_tokens: NDArray[np.integer]


def tokens(rng: Generator, requests: NDArray[np.int64], mean: Floats, spread: Floats | float) -> NDArray[np.int64]:
    """Tokens of so many requests in all: the sum of log-normal lengths, as a normal of the same mean and variance."""
    deviation = mean * np.sqrt(np.expm1(np.square(spread)) * requests)
    drawn = requests * mean + rng.standard_normal(requests.shape) * deviation
    # A mean of few long-tailed lengths is skewed; below a fifth of what is expected none was seen.
    floor = np.where(mean >= 0.5, np.maximum(requests, requests * mean / 5), 0)
    return np.rint(np.maximum(drawn, floor)).astype(np.int64)


def cells(rng: Generator, pieces: list[Piece]) -> Cells:
    """All pieces as columns."""
    found: dict[str, list[NDArray[np.int64]]] = {f.name: [] for f in fields(Cells)}
    for number, piece in enumerate(pieces):
        days, slots = np.nonzero(piece.requests)
        count = piece.requests[days, slots]
        shape = (len(piece.requests), SLOTS)
        given = np.broadcast_to(piece.input_mean, shape)[days, slots]
        answered = np.broadcast_to(piece.output_mean, shape)[days, slots]
        columns = (
            np.full(len(days), number),
            days + piece.first_day,
            slots,
            count,
            tokens(rng, count, given, 0.6),
            tokens(rng, count, answered, piece.output_spread),
        )
        for name, column in zip(found, columns, strict=True):
            found[name].append(column)
    joined = {name: np.concatenate(parts) if parts else np.zeros(0, np.int64) for name, parts in found.items()}
    return Cells(**{n: v.astype(np.int32) if n in {"piece", "day", "slot"} else v for n, v in joined.items()})
