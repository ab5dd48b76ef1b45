"""The canonical usage event: one row is one metered call (or one training job, or a time of hosting).

This is the one place that lists its columns, types and meanings. The landing step, the dbt
staging schema, the documentation and the tests all read this list. How a given log format is
turned into it belongs in `formats/`, not here.

Names follow OpenTelemetry GenAI (tokens) and FOCUS (billing). Token buckets are disjoint, so
quantity x rate adds up; `raw_*` keeps what the provider said, to check the sum against. Meters are
what is billed by another unit than tokens: hours and tool calls.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Role = Literal["identity", "party", "model", "bucket", "meter", "informational", "outcome", "context"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the canonical event.

    `mapped` columns can come from a log; the others are derived by the landing step.
    """

    name: str
    type: str
    role: Role
    meaning: str
    mapped: bool = True
    required: bool = False


# Said of columns in whose place a source may have what somebody wrote.
_WORD = "; more than a word becomes a salted hash"

COLUMNS: tuple[Column, ...] = (
    Column("source", "VARCHAR", "identity", "Feed the record came from: its folder under landing/", mapped=False),
    Column("event_id", "VARCHAR", "identity", "The feed's id of this call; (source, event_id) is the key"),
    Column("body_digest", "UUID", "identity", "MD5 of the body: tells a duplicate from a conflict", mapped=False),
    Column("revision", "INTEGER", "identity", "0, or the n-th explicit amendment of the same key"),
    Column("occurred_at", "TIMESTAMP", "identity", "When the call ended, UTC, microseconds", required=True),
    Column("received_at", "TIMESTAMP", "identity", "When Meterhouse read it, UTC", mapped=False),
    Column("organization_id", "VARCHAR", "party", "Who pays", required=True),
    Column("product_id", "VARCHAR", "party", "Which of their products (project, workspace, team)"),
    Column("api_key_id", "VARCHAR", "party", "API key, hashed"),
    Column("end_user_id", "VARCHAR", "party", "The customer's own user, hashed"),
    Column("provider", "VARCHAR", "model", "Who serves the model: openai, anthropic, azure, ...", required=True),
    Column("model", "VARCHAR", "model", "Model exactly as served", required=True),
    Column("base_model", "VARCHAR", "model", "Base of a fine-tuned model, else null", mapped=False),
    Column("model_tier", "VARCHAR", "model", "base or fine_tuned", mapped=False),
    Column("service_tier", "VARCHAR", "model", "As served: standard, batch, flex, priority"),
    Column("operation", "VARCHAR", "model", f"chat, completion, embedding, ..., fine_tuning{_WORD}"),
    Column("input_tokens", "BIGINT", "bucket", "Fresh text input tokens (not cached, audio or image)"),
    Column("cached_input_tokens", "BIGINT", "bucket", "Input tokens read from the provider's prompt cache"),
    Column("cache_write_5m_tokens", "BIGINT", "bucket", "Input tokens written to a 5-minute prompt cache"),
    Column("cache_write_1h_tokens", "BIGINT", "bucket", "Input tokens written to a 1-hour prompt cache"),
    Column("audio_input_tokens", "BIGINT", "bucket", "Audio input tokens"),
    Column("image_input_tokens", "BIGINT", "bucket", "Image input tokens (not cached)"),
    Column("output_tokens", "BIGINT", "bucket", "Text output tokens, reasoning included"),
    Column("audio_output_tokens", "BIGINT", "bucket", "Audio output tokens"),
    Column("image_output_tokens", "BIGINT", "bucket", "Image output tokens"),
    Column("training_tokens", "BIGINT", "bucket", "Billable fine-tuning tokens (already times epochs)"),
    Column("training_hours", "DECIMAL(18,6)", "meter", "Billable hours of a training job priced by the hour"),
    Column("hosting_hours", "DECIMAL(18,6)", "meter", "Hours a tuned model was deployed, idle or not"),
    Column("web_search_calls", "BIGINT", "meter", "Searches of the provider's web search tool"),
    Column("file_search_calls", "BIGINT", "meter", "Calls of the provider's file search tool"),
    Column("code_execution_calls", "BIGINT", "meter", "Calls of the provider's code execution tool"),
    Column("reasoning_tokens", "BIGINT", "informational", "Part of output_tokens; never added to it"),
    Column("raw_input_tokens", "BIGINT", "informational", "The provider's own total of input"),
    Column("raw_output_tokens", "BIGINT", "informational", "The provider's own total of output"),
    Column("status", "INTEGER", "outcome", "HTTP status; failed calls are events too"),
    Column("error_type", "VARCHAR", "outcome", f"Error class of a failed call{_WORD}"),
    Column("finish_reason", "VARCHAR", "outcome", f"Why the answer ended: stop, length, ...{_WORD}"),
    Column("latency_ms", "BIGINT", "outcome", "Duration of the call in milliseconds"),
    Column(
        "gateway_cache_hit", "BOOLEAN", "outcome",
        "Answered by the gateway's own cache, so nothing was bought: give it no tokens, for those it has are priced",
    ),
    Column("region", "VARCHAR", "context", "Region of serving"),
    Column("client_network", "VARCHAR", "context", "Client's network, salted hash"),
    Column("client_agent", "VARCHAR", "context", "User-agent family"),
    Column("prompt_digest", "VARCHAR", "context", f"Digest of the prompt{_WORD}"),
    Column("template_digest", "VARCHAR", "context", f"Digest of the prompt's template{_WORD}"),
    Column("max_output_tokens", "BIGINT", "context", "Limit the caller set on the answer"),
    Column("temperature", "DOUBLE", "context", "Sampling temperature the caller set"),
    Column("n", "INTEGER", "context", "Answers asked for in one call"),
    Column("logprobs", "BOOLEAN", "context", "Whether token probabilities were asked for"),
    Column("reported_cost", "DECIMAL(28,12)", "context", "What the source thought it cost; reconciliation only"),
)  # fmt: skip

BY_NAME: dict[str, Column] = {c.name: c for c in COLUMNS}
MAPPED: tuple[Column, ...] = tuple(c for c in COLUMNS if c.mapped)
BUCKETS: tuple[str, ...] = tuple(c.name for c in COLUMNS if c.role == "bucket")
METERS: tuple[str, ...] = tuple(c.name for c in COLUMNS if c.role == "meter")
INPUT_BUCKETS: tuple[str, ...] = tuple(b for b in BUCKETS if "output" not in b and b != "training_tokens")
OUTPUT_BUCKETS: tuple[str, ...] = ("output_tokens", "audio_output_tokens", "image_output_tokens")

# The most tokens one bucket or raw total of a record may claim. No single call or training job comes near,
# and a million records at the ceiling still add up within a bigint, so no later sum can overflow.
MAX_TOKENS = 10**12
# The most hours or tool calls one record may claim: the hours of more than a hundred thousand years.
MAX_METER = 10**9
# Characters of a name that pages show.
MAX_NAME = 500
NAMES = ("organization_id", "product_id", "provider", "model", "region")
# Characters of any other text: what a column of the contract holds is a name, a class or a digest, never a prompt.
MAX_TEXT = 10_000
TEXTS = tuple(c.name for c in MAPPED if c.type == "VARCHAR" and c.name not in NAMES)

SERVICE_TIERS: tuple[str, ...] = ("standard", "batch", "flex", "priority", "scale")
MODEL_TIERS: tuple[str, ...] = ("base", "fine_tuned")

# Columns made of texts that are not stored as they came: keys, persons, and where they called from.
HIDDEN: tuple[str, ...] = ("api_key_id", "end_user_id", "client_network", "client_agent")

# Columns that two deliveries of the same call must agree on. `received_at` is ours, `source`
# and `event_id` are the key, `revision` names the amendment.
BODY: tuple[str, ...] = tuple(
    c.name for c in COLUMNS if c.name not in {"source", "event_id", "body_digest", "received_at", "revision"}
)
# Those of them that came after the first digests were stored. They enter the digest by name, and only where they
# are not 0: a record without them keeps the digest it always had, so that a copy of it is still a duplicate.
ADDED: tuple[str, ...] = ("image_input_tokens", "image_output_tokens", *METERS)
