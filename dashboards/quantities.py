"""Names of what is metered and priced: token kinds, hours, calls. What they mean is in the contract and the units."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipelines.pricing.units import Dimension

BUCKETS = {
    "input_tokens": "Input",
    "cached_input_tokens": "Cached input",
    "cache_write_5m_tokens": "Cache write, 5 min",
    "cache_write_1h_tokens": "Cache write, 1 h",
    "audio_input_tokens": "Audio input",
    "image_input_tokens": "Image input",
    "output_tokens": "Output",
    "audio_output_tokens": "Audio output",
    "image_output_tokens": "Image output",
    "training_tokens": "Training",
}
METERS = {
    "training_hours": "Training, hours",
    "hosting_hours": "Hosting, hours",
    "web_search_calls": "Web searches",
    "file_search_calls": "File searches",
    "code_execution_calls": "Code executions",
}
# Kinds of a chart, which has six colours: name, buckets, colour.
KINDS = (
    ("Input", ("input_tokens",), "#8974dc"),
    ("Cached input", ("cached_input_tokens",), "#2b92ab"),
    ("Cache write", ("cache_write_5m_tokens", "cache_write_1h_tokens"), "#a58350"),
    ("Output", ("output_tokens",), "#e26612"),
    (
        "Audio and image",
        ("audio_input_tokens", "image_input_tokens", "audio_output_tokens", "image_output_tokens"),
        "#a55061",
    ),
    ("Training", ("training_tokens",), "#9e26ed"),
)
# Heads of a price list, by unit.
UNITS = {
    "input": "Input",
    "cached_input": "Cached",
    "cache_write_5m": "Write 5 min",
    "cache_write_1h": "Write 1 h",
    "audio_input": "Audio in",
    "image_input": "Image in",
    "output": "Output",
    "audio_output": "Audio out",
    "image_output": "Image out",
    "embedding": "Embedding",
    "training": "Training",
    "training_hour": "Training hour",
    "hosting_hour": "Hosting hour",
    "request": "Request",
    "web_search": "Web search",
    "file_search": "File search",
    "code_execution": "Code run",
    "gpu_hour": "GPU hour",
}
# How many of a unit a page quotes a price for, in figures and in words behind the unit's name.
QUOTED: dict[Dimension, tuple[Decimal, str]] = {
    "tokens": (Decimal(1_000_000), " per 1M tokens"),
    "hours": (Decimal(1), ""),
    "calls": (Decimal(1_000), " per 1,000 calls"),
}
