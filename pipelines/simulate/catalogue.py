"""What the simulated world is made of: models, product kinds, rhythms and names.

Constants only, each with its unit. Who uses what belongs in `population.py`, how requests are
drawn from it in `traffic.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

PROVIDER = "openai"
CURRENCY = "USD"
COST_CARD = "demo-serving"

# Context window (tokens) of the base models on sale in autumn 2024.
CONTEXT: dict[str, int] = {
    "gpt-4o": 128_000,
    "gpt-4o-2024-08-06": 128_000,
    "gpt-4o-mini": 128_000,
    "gpt-4o-mini-2024-07-18": 128_000,
    "gpt-3.5-turbo": 16_385,
    "gpt-3.5-turbo-0125": 16_385,
    "gpt-4-0613": 8_192,
    "text-embedding-3-small": 8_191,
    "text-embedding-3-large": 8_191,
}
TUNABLE: tuple[str, ...] = ("gpt-4o-mini-2024-07-18", "gpt-3.5-turbo-0125", "gpt-4o-2024-08-06")
UNKNOWN_MODEL = "gpt-4o-secret-preview"

# Prompt caching started on 2024-10-01; the alias gpt-4o took it over one day later.
CACHING_FROM: dict[str, datetime] = {
    "gpt-4o": datetime(2024, 10, 2, tzinfo=UTC),
    "gpt-4o-2024-08-06": datetime(2024, 10, 1, tzinfo=UTC),
    "gpt-4o-mini": datetime(2024, 10, 1, tzinfo=UTC),
    "gpt-4o-mini-2024-07-18": datetime(2024, 10, 1, tzinfo=UTC),
}
CACHE_MINIMUM, CACHE_STEP = 1_024, 128

# What serving costs, as a share of the list price, by (base model, tier). Above 1 loses money.
COST_SHARE: dict[tuple[str, str], str] = {
    ("gpt-4o", "base"): "0.55",
    ("gpt-4o-2024-08-06", "base"): "0.60",
    ("gpt-4o-mini", "base"): "1.15",
    ("gpt-3.5-turbo", "base"): "0.70",
    ("gpt-3.5-turbo-0125", "base"): "0.70",
    ("gpt-4-0613", "base"): "0.40",
    ("text-embedding-3-small", "base"): "0.50",
    ("text-embedding-3-large", "base"): "0.45",
    ("gpt-4o-mini-2024-07-18", "fine_tuned"): "1.30",
    ("gpt-3.5-turbo-0125", "fine_tuned"): "0.65",
    ("gpt-4o-2024-08-06", "fine_tuned"): "0.75",
}


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of product: medians in tokens, spreads as sigma of the natural logarithm."""

    operation: str
    names: tuple[str, ...]
    rhythms: tuple[str, ...]
    prefix: tuple[int, int]
    input_median: float
    input_spread: float
    output_median: float
    output_spread: float
    max_output: tuple[int, ...]
    temperature: float
    repeat: float  # share of requests whose prompt came before
    users: int  # typical number of end users; 0 = the product names none
    models: tuple[tuple[str, float], ...]  # "ft:" + base = the organisation's own tuned model
    batch: float  # chance that the product sends part of its calls as batches


KINDS: dict[str, Kind] = {
    "chat": Kind(
        operation="chat",
        names=("helpdesk-chat", "shop-companion", "travel-planner", "tutor", "bank-assistant"),
        rhythms=("consumer", "office", "global"),
        prefix=(150, 1_900), input_median=320, input_spread=0.9,
        output_median=170, output_spread=0.75, max_output=(512, 1_024, 2_048),
        temperature=0.7, repeat=0.05, users=800,
        models=(
            ("gpt-4o", 4), ("gpt-4o-mini", 5), ("gpt-3.5-turbo", 3), ("gpt-4o-2024-08-06", 2),
            ("gpt-4-0613", 1), ("ft:gpt-4o-mini-2024-07-18", 1),
        ),
        batch=0.0,
    ),
    "rag": Kind(
        operation="chat",
        names=("policy-search", "contract-answers", "wiki-answers", "case-finder"),
        rhythms=("office", "office", "global"),
        prefix=(900, 2_400), input_median=2_300, input_spread=0.55,
        output_median=210, output_spread=0.55, max_output=(800, 1_024),
        temperature=0.2, repeat=0.10, users=150,
        models=(
            ("gpt-4o", 3), ("gpt-4o-mini", 4), ("gpt-4o-2024-08-06", 3), ("gpt-3.5-turbo-0125", 1),
        ),
        batch=0.0,
    ),
    "labelling": Kind(
        operation="chat",
        names=("ticket-triage", "review-labels", "spam-screen", "invoice-coding"),
        rhythms=("constant", "office", "night"),
        prefix=(500, 1_700), input_median=280, input_spread=0.5,
        output_median=5, output_spread=0.5, max_output=(16, 32),
        temperature=0.0, repeat=0.15, users=0,
        models=(
            ("gpt-4o-mini", 4), ("gpt-3.5-turbo-0125", 2), ("ft:gpt-3.5-turbo-0125", 3),
            ("ft:gpt-4o-mini-2024-07-18", 4),
        ),
        batch=0.4,
    ),
    "content": Kind(
        operation="chat",
        names=("listing-writer", "campaign-copy", "report-drafts", "recipe-writer"),
        rhythms=("office", "night", "consumer"),
        prefix=(300, 1_500), input_median=420, input_spread=0.6,
        output_median=640, output_spread=0.5, max_output=(1_500, 2_048, 4_096),
        temperature=0.9, repeat=0.03, users=30,
        models=(
            ("gpt-4o", 3), ("gpt-4o-mini", 3), ("gpt-4o-2024-08-06", 2), ("gpt-4-0613", 1),
            ("ft:gpt-4o-2024-08-06", 1),
        ),
        batch=0.25,
    ),
    "embedding": Kind(
        operation="embedding",
        names=("document-index", "product-index", "similar-cases"),
        rhythms=("night", "constant", "office"),
        prefix=(0, 0), input_median=260, input_spread=0.8,
        output_median=0, output_spread=0.0, max_output=(0,),
        temperature=0.0, repeat=0.12, users=0,
        models=(("text-embedding-3-small", 3), ("text-embedding-3-large", 1)),
        batch=0.3,
    ),
    "agent": Kind(
        operation="chat",
        names=("code-helper", "ops-agent", "research-agent"),
        rhythms=("office", "constant", "global"),
        prefix=(1_400, 4_000), input_median=2_600, input_spread=0.7,
        output_median=150, output_spread=0.9, max_output=(1_024, 4_096),
        temperature=0.2, repeat=0.02, users=60,
        models=(
            ("gpt-4o", 5), ("gpt-4o-2024-08-06", 4), ("gpt-4o-mini", 2),
            ("ft:gpt-4o-2024-08-06", 1),
        ),
        batch=0.0,
    ),
}  # fmt: skip
KIND_WEIGHTS: dict[str, float] = {
    "chat": 0.34, "rag": 0.20, "labelling": 0.17, "content": 0.10, "embedding": 0.11, "agent": 0.08,
}  # fmt: skip

# Hours from UTC, with how common customers there are.
ZONES: tuple[tuple[float, float], ...] = (
    (-8, 3), (-5, 4), (-3, 1), (0, 2), (1, 3), (2, 3), (3, 1), (5.5, 2), (8, 2), (9, 1),
)  # fmt: skip

ANIMALS: tuple[str, ...] = (
    "heron", "otter", "lynx", "badger", "falcon", "marten", "plover", "ibex", "curlew", "dormouse",
    "puffin", "stoat", "teal", "viper", "wren", "beaver", "crane", "elk", "finch", "gannet",
    "hare", "jackdaw", "kestrel", "linnet", "magpie", "newt", "osprey", "pike", "quail", "raven",
    "seal", "tern", "urchin", "vole", "weasel", "yak", "zander", "bittern", "chough", "dipper",
)  # fmt: skip
HOSTILE_NAME = "<b>=cmd|' /C calc'!A0"

AGENTS: tuple[str, ...] = (
    "openai-python", "openai-node", "langchain", "llama-index", "litellm", "python-httpx",
    "go-http-client",
)  # fmt: skip

SLOTS_A_DAY = 144  # ten minutes each


def rhythms() -> dict[str, NDArray[np.float64]]:
    """Weekly curves by name: 1,008 ten-minute weights from Monday 00:00 local time, mean 1."""
    slot = np.arange(7 * SLOTS_A_DAY)
    hour, weekend = slot / 6 % 24, slot // SLOTS_A_DAY >= 5

    def bump(at: float, width: float) -> NDArray[np.float64]:
        away = np.minimum(np.abs(hour - at), 24 - np.abs(hour - at))
        return np.asarray(np.exp(-0.5 * (away / width) ** 2))

    office = (0.03 + bump(10.5, 1.7) + bump(15, 2.0)) * np.where(weekend, 0.12, 1.0)
    curves = {
        "office": office,
        "consumer": (0.06 + 0.5 * bump(12.5, 2.2) + bump(20.3, 2.1)) * np.where(weekend, 1.15, 1.0),
        "constant": 1.0 + 0.06 * bump(14, 4),
        "night": 0.015 + bump(2.5, 1.1),
        "global": 0.35 + office + 0.4 * np.roll(office, 54),
    }
    return {name: curve / curve.mean() for name, curve in curves.items()}
