"""The known names that look most like one that is not: a slip of the pen, most often. Nothing else belongs here."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_MOST = 3


def nearest(name: str, known: Iterable[str]) -> list[str]:
    """The names that look most alike, whatever their case."""
    by_lower = {one.lower(): one for one in known}
    return [by_lower[one] for one in difflib.get_close_matches(name.lower(), by_lower, _MOST)]
