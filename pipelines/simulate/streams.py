"""A stream: one steady source of requests, the unit the simulator draws from.

A product is one stream or several (a model pivot is one that ends and one that begins); a
campaign head is a stream too. Streams say what is likely; `traffic.py` draws what happened.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

EVERYDAY = ""


@dataclass(slots=True)
class Codes:
    """Hands out ranges of integer codes; the text behind a code is made when logs are written."""

    keys: int = 0
    users: int = 0
    networks: int = 0
    templates: int = 0
    rhythm_groups: int = 0

    def take(self, what: str, n: int = 1) -> int:
        """First of `n` fresh codes."""
        first = int(getattr(self, what))
        setattr(self, what, first + n)
        return first


@dataclass(slots=True)
class Stream:
    """Parameters of one source of requests. Tokens are medians, spreads sigma of the logarithm."""

    organization_id: str
    product_id: str
    kind: str
    operation: str
    models: tuple[str, str]
    second_model_share: float
    weight: float
    envelope: NDArray[np.float64]  # one factor a day: window, ramp
    rhythm: str
    zone: float
    prefix: int
    input_median: float
    input_spread: float
    output_median: float
    output_spread: float
    max_output: int
    keys: tuple[int, int]  # first code, how many
    users: tuple[int, int]
    networks: tuple[int, int]
    templates: tuple[int, int]
    agent: str
    temperature: float = 0.7
    repeat: float = 0.05
    prompt_pool: int = 500
    batch_share: float = 0.0
    cache_share: float = 0.0
    failure_share: float = 0.01
    limited_share: float = 0.003  # answered 429
    logprobs: bool = False
    n: int = 1
    day_noise: float = 0.25  # sigma of the day's logarithm
    burst: float = 4.0  # gamma shape of ten-minute weights: small is bursty
    rhythm_group: int = 0  # streams of one group share their ten-minute noise
    budget: str = EVERYDAY  # "" draws from the common pool, else from the named budget
    label: str = ""  # campaign or look-alike this stream belongs to


def window(days: int, first: int, last: int | None = None) -> NDArray[np.float64]:
    """1 on the days `first` to `last` (inclusive, default the end), else 0."""
    day = np.arange(days)
    return ((day >= first) & (day <= (days if last is None else last))).astype(np.float64)


def logistic(days: int, middle: float, steepness: float = 1.2) -> NDArray[np.float64]:
    """Growth from 0 to 1 around `middle`."""
    return np.asarray(1 / (1 + np.exp(-steepness * (np.arange(days) - middle))))
