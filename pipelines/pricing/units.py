"""What a price can be for: the one list of units, the quantity of an event behind each, and its price blocks.

The dbt macro `units()` mirrors it; a test holds the two equal. What a unit costs belongs in the price
book, how quantities are counted in `pipelines/landing/contract.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Dimension = Literal["tokens", "hours", "calls"]

# How many tokens, calls or hours a price may be for. Powers of ten keep the price of one exact.
BLOCKS: dict[Dimension, tuple[int, ...]] = {
    "tokens": (1_000_000, 1_000, 1),
    "hours": (1,),
    "calls": (1, 1_000),
}


@dataclass(frozen=True, slots=True)
class Unit:
    """One thing that has a price. `quantity` is the event's column, or what rating derives from it."""

    name: str
    quantity: str
    dimension: Dimension = "tokens"

    @property
    def price_column(self) -> str:
        """Its column in `price_rates`: the price of one."""
        return f"price_{self.quantity}"


ALL: tuple[Unit, ...] = (
    Unit("input", "input_tokens"),
    Unit("cached_input", "cached_input_tokens"),
    Unit("cache_write_5m", "cache_write_5m_tokens"),
    Unit("cache_write_1h", "cache_write_1h_tokens"),
    Unit("audio_input", "audio_input_tokens"),
    Unit("image_input", "image_input_tokens"),
    Unit("output", "output_tokens"),
    Unit("audio_output", "audio_output_tokens"),
    Unit("image_output", "image_output_tokens"),
    Unit("embedding", "embedding_tokens"),
    Unit("training", "training_tokens"),
    Unit("training_hour", "training_hours", "hours"),
    Unit("hosting_hour", "hosting_hours", "hours"),
    Unit("request", "requests", "calls"),
    Unit("web_search", "web_search_calls", "calls"),
    Unit("file_search", "file_search_calls", "calls"),
    Unit("code_execution", "code_execution_calls", "calls"),
    Unit("gpu_hour", "gpu_hours", "hours"),
)

UNITS: tuple[str, ...] = tuple(unit.name for unit in ALL)
BY_NAME: dict[str, Unit] = {unit.name: unit for unit in ALL}
