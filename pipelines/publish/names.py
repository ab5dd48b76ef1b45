"""Stable names of things on pages: file names of organisations and products, colours of models."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# Each at least 3:1 on the light and the dark ground, and apart from the others under all three kinds of colour
# blindness (Machado 2009, full severity: worst pair delta E 25).
PALETTE = ("#8974dc", "#e26612", "#2b92ab", "#a55061", "#a58350", "#9e26ed")
OTHER_COLOUR = "#8b929c"
OTHER = "Other"


def slug(name: str) -> str:
    """A file name for any name from data: readable, lower case, unique by a digest where text was lost."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:60].strip("-")
    if plain == name and plain not in {"", "index"}:
        return plain
    return f"{plain or 'x'}-{sha256(name.encode()).hexdigest()[:8]}"


def colours(families: Iterable[str]) -> dict[str, str]:
    """Colour of each model family, in order of weight. The first six are distinct; later ones repeat."""
    return {family: PALETTE[place % len(PALETTE)] for place, family in enumerate(families)}
