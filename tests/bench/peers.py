"""How many requests a second the pricing functions of peers do, called one by one as their users do.

`python -m tests.bench.peers FILE`, in an environment that has them (`make bench` makes it); FILE has the requests,
as `sample.py` writes them. No network: LiteLLM is told to use the price map of its wheel. Each peer is asked in the
way that its documentation has for the request: with its instant, and for a batch with what it knows of batches.
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"


@dataclass(frozen=True)
class Request:
    """What a gateway knows of a request; `input_tokens` has the cached ones in it."""

    provider: str
    model: str
    service_tier: str
    at: datetime
    input_tokens: int
    cached_input_tokens: int
    output_tokens: int


@dataclass(frozen=True)
class Measured:
    """One peer: speed, requests that it has no price for, and batches for which it gives the standard price."""

    calls_per_second: float
    requests: int
    unpriced: int
    batch_as_standard: int

    def __str__(self) -> str:
        """The figures in words."""
        unpriced, batch = (f"{100 * n / self.requests:.1f} %" for n in (self.unpriced, self.batch_as_standard))
        speed = f"{self.calls_per_second:,.0f} requests/s"
        return f"{speed}, {unpriced} unpriced, {batch} in a batch at the standard price"


def read(file: Path) -> list[Request]:
    """The requests of a file, as objects in memory: reading them is not what is measured."""
    return [_request(json.loads(line)) for line in file.read_text(encoding="utf-8").splitlines()]


def _request(row: dict[str, Any]) -> Request:
    return Request(
        row["provider"], row["model"], row["service_tier"],
        datetime.fromisoformat(row["occurred_at"]).replace(tzinfo=UTC),
        row["input_tokens"], row["cached_input_tokens"], row["output_tokens"],
    )  # fmt: skip


def genai_prices() -> Callable[[Request], Any]:
    """The call of the `genai-prices` package."""
    from genai_prices import Usage, calc_price

    def price(r: Request) -> Any:
        usage = Usage(
            input_tokens=r.input_tokens, cache_read_tokens=r.cached_input_tokens, output_tokens=r.output_tokens
        )
        context = {"service_tier": r.service_tier}
        if r.service_tier == "batch":
            context["processing"] = "batch"
        return calc_price(
            usage, r.model, provider_id=r.provider, genai_request_timestamp=r.at, price_context=context
        ).total_price

    return price


def litellm() -> Callable[[Request], Any]:
    """The calls of the `litellm` package that its proxy makes: one for each request, another for those of a batch."""
    import litellm as package
    from litellm.cost_calculator import batch_cost_calculator
    from litellm.types.utils import PromptTokensDetailsWrapper, Usage

    package.suppress_debug_info = True

    def price(r: Request) -> Any:
        if r.service_tier == "batch":
            usage = Usage(
                prompt_tokens=r.input_tokens, completion_tokens=r.output_tokens,
                total_tokens=r.input_tokens + r.output_tokens,
                prompt_tokens_details=PromptTokensDetailsWrapper(cached_tokens=r.cached_input_tokens),
            )  # fmt: skip
            return sum(batch_cost_calculator(usage=usage, model=r.model, custom_llm_provider=r.provider))
        return sum(
            package.cost_per_token(
                model=r.model, custom_llm_provider=r.provider, prompt_tokens=r.input_tokens,
                cache_read_input_tokens=r.cached_input_tokens, completion_tokens=r.output_tokens,
            )
        )  # fmt: skip

    return price


def measured(price: Callable[[Request], Any], work: Sequence[Request]) -> Measured:
    """Price all of it after a first call that loads the prices, then look at what came out."""
    _amount(price, work[0])
    began = time.monotonic()
    amounts = [_amount(price, request) for request in work]
    seconds = time.monotonic() - began
    # A request that used nothing comes to nothing in any tier.
    batches = [
        (request, amount)
        for request, amount in zip(work, amounts, strict=True)
        if amount and request.service_tier == "batch"
    ]
    return Measured(
        len(work) / seconds,
        len(work),
        sum(amount is None for amount in amounts),
        sum(amount == _amount(price, replace(request, service_tier="standard")) for request, amount in batches),
    )


def _amount(price: Callable[[Request], Any], request: Request) -> Any:
    """The amount; None where the peer has none, whichever way it says so."""
    try:
        return price(request)
    except Exception:  # noqa: BLE001 - each peer has errors of its own for a model it does not know
        return None


def main(file: Path) -> None:
    """Print a line a package."""
    work = read(file)
    for name, load in (("genai-prices", genai_prices), ("litellm", litellm)):
        try:
            price = load()
        except ImportError:
            print(f"{name}: not installed")
            continue
        print(f"{name}: {measured(price, work)}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
