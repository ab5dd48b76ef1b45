"""Whose model a key of LiteLLM's price map names: provider, exact model id, tier and region as events have them.

Providers and ids follow what the landing step makes of LiteLLM's own logs. Reading the prices belongs
in `litellm.py`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# LiteLLM's provider -> ours. Others keep their name, as they do when their logs land.
PROVIDERS: dict[str, str] = {
    "azure_ai": "azure", "azure_text": "azure", "bedrock_converse": "bedrock", "cohere_chat": "cohere",
    "fireworks_ai": "fireworks", "gemini": "google", "text-completion-openai": "openai", "together_ai": "together",
    "vertex_ai": "google",
}  # fmt: skip

# Before the model's name stands the provider's; some keys name the family instead.
_PREFIX_OF = {"azure_text": "azure", "bedrock_converse": "bedrock"}
# Kinds of a provider's models, as in vertex_ai-anthropic_models.
_KINDS = ("vertex_ai", "fireworks_ai")
_AZURE_REGIONS = ("eu", "us", "apac", "us-gov", "global", "global-standard")
_AWS_REGION = re.compile(r"^[a-z]{2}(-gov)?-[a-z]+-\d$")
_NO_LOG = re.compile(r"^(low|medium|high|standard|hd|auto|\*|invoke|max-x-max|\d+-x-\d+|.*-steps|.*-commitment)$")


@dataclass(frozen=True, slots=True)
class Id:
    """What a key names, in our own words."""

    provider: str
    model: str
    model_tier: str
    region: str


def provider_of(theirs: str) -> str:
    """Our name of LiteLLM's provider."""
    kind = next((kind for kind in _KINDS if theirs.startswith(f"{kind}-")), theirs)
    return PROVIDERS.get(kind, kind)


def id_of(key: str, theirs: str) -> Id | None:
    """What the map's key names, where `theirs` is its provider; None where no log has such an id."""
    kind = next((kind for kind in _KINDS if theirs.startswith(f"{kind}-")), theirs)
    provider = provider_of(theirs)
    parts = key.split("/")
    if len(parts) > 1 and parts[0] in {kind, _PREFIX_OF.get(kind)}:
        parts = parts[1:]
    region = ""
    if len(parts) > 1 and _is_region(parts[0], provider):
        region, parts = parts[0], parts[1:]
    if any(_NO_LOG.match(part) for part in parts):
        return None
    model = "/".join(parts)
    tuned = model.startswith("ft:")
    return Id(provider, model.removeprefix("ft:"), "fine_tuned" if tuned else "base", region)


def _is_region(part: str, provider: str) -> bool:
    if provider == "azure":
        return part in _AZURE_REGIONS
    return provider.startswith("bedrock") and bool(_AWS_REGION.match(part))
