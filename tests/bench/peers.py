"""How many requests a second the pricing functions of peers do, called one by one as their users do.

`python -m tests.bench.peers [REQUESTS]`, in an environment that has them (`make bench` makes it). No network: LiteLLM
is told to use the price map of its wheel.
"""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
MODELS = ("gpt-4o-2024-08-06", "gpt-4o-mini-2024-07-18", "gpt-3.5-turbo", "gpt-4-0613", "gpt-4.1-mini", "o4-mini")
Request = tuple[str, int, int, int]


def requests(number: int) -> list[Request]:
    """Model, input tokens (cached ones included), cached input tokens, output tokens."""
    return [
        (MODELS[i % len(MODELS)], 1044 + i * 104729 % 3000, 1024 if i % 5 == 0 else 0, 5 + i * 1299709 % 900)
        for i in range(number)
    ]


def genai_prices() -> Callable[[Request], object]:
    """The call of the `genai-prices` package."""
    from genai_prices import Usage, calc_price

    return lambda r: (
        calc_price(
            Usage(input_tokens=r[1], cache_read_tokens=r[2], output_tokens=r[3]), r[0], provider_id="openai"
        ).total_price
    )


def litellm() -> Callable[[Request], object]:
    """The call of the `litellm` package that its proxy makes for each request."""
    from litellm import cost_per_token

    return lambda r: cost_per_token(
        model=r[0], prompt_tokens=r[1], cache_read_input_tokens=r[2], completion_tokens=r[3]
    )


def main(number: int) -> None:
    """Print a line a package: calls per second, after a first call that loads the prices."""
    work = requests(number)
    for name, load in (("genai-prices", genai_prices), ("litellm", litellm)):
        try:
            call = load()
        except ImportError:
            print(name, "not installed")
            continue
        call(work[0])
        began = time.monotonic()
        for request in work:
            call(request)
        print(name, round(number / (time.monotonic() - began)))


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 5_000)
