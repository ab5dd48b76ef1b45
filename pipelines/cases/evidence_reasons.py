"""Texts of reasons without the names of other organisations. Which reasons there are is decided in pipelines/watch."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection

_BASELINE = re.compile(r"\s*\(own_baseline: [^)]*\)")
IN_PLACE = "[another organisation]"


def json_list(text: Any) -> list[Any]:
    """A list, given as one or as JSON; empty where there is none."""
    value = json.loads(text) if isinstance(text, str) and text else text or []
    return list(value) if isinstance(value, list | tuple) else [value]


def without_baseline(reason: dict[str, Any]) -> dict[str, Any]:
    """The reason without the figure it is compared with, and without the words in brackets that say what that is."""
    texts = {name: _BASELINE.sub("", value) for name, value in reason.items() if isinstance(value, str)}
    return {**reason, **texts, "own_baseline": None}


def without_names(row: dict[str, Any], others: Collection[str]) -> dict[str, Any]:
    """The row, each name of another organisation in its texts replaced, and fields that are named like one left out."""
    return {
        name: _cleared(value, others) if isinstance(value, str) else value
        for name, value in row.items()
        if name not in others
    }


def _cleared(text: str, others: Collection[str]) -> str:
    # The longest first: one name may be part of another.
    for name in sorted((one for one in others if one and one in text), key=lambda one: (-len(one), one)):
        text = re.sub(rf"(?<![\w-]){re.escape(name)}(?![\w-])", IN_PLACE, text)
    return text
