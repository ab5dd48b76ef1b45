"""Whether a constant of a source can be the value of its column: one that cannot would refuse every record.

What a record's own value must be belongs in `normalise.py`; this accepts nothing that is refused there.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from pipelines.landing.contract import MAX_METER, MAX_TOKENS, SERVICE_TIERS
from pipelines.landing.normalise import EARLIEST

if TYPE_CHECKING:
    from pipelines.landing.contract import Column

Constant = str | int | float | bool
# Other words for a tier, as logs have them: `service_tier_name` of macros.sql says what each becomes.
TIER_WORDS = ("default", "auto", "on_demand", "fast")
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}(:?\d{2})?)?)?", re.ASCII)
_LIMITS = {"INTEGER": 2**31 - 1, "BIGINT": 2**63 - 1, "DOUBLE": 10**308}
_COUNTS = {"revision", "latency_ms"}


def fault_of(column: Column, value: Constant) -> str | None:
    """What is wrong with a constant for a column, as a predicate; None when a record could have that value."""
    text = str(value).strip()
    if column.type == "BOOLEAN":
        return None if text.lower() in {"true", "false"} else "is not true or false"
    if isinstance(value, bool):
        return "is true or false, which this column cannot be"
    if column.type == "VARCHAR":
        return _text_fault(column, text)
    if column.type == "TIMESTAMP":
        return _time_fault(text)
    return _number_fault(column, text)


def _text_fault(column: Column, text: str) -> str | None:
    if not text:
        return "says nothing"
    if column.name == "service_tier" and text.lower() not in (*SERVICE_TIERS, *TIER_WORDS):
        return f"is none of {', '.join(SERVICE_TIERS)}"
    return None


def _time_fault(text: str) -> str | None:
    """A time as logs have it: ISO 8601, or seconds, milliseconds or microseconds since 1970."""
    try:
        if _TIME.fullmatch(text):
            at = datetime.fromisoformat(text)
        elif _NUMBER.fullmatch(text):
            since = Decimal(text)
            unit = next((u for u in (1, 1_000) if abs(since) < 10**11 * u), 1_000_000)
            at = datetime.fromtimestamp(float(since / unit), UTC)
        else:
            return "is not a time"
    except (ValueError, OverflowError, OSError):
        return "is not a time"
    at = at.replace(tzinfo=at.tzinfo or UTC)
    if at < datetime.fromisoformat(EARLIEST).replace(tzinfo=UTC):
        return f"is before {EARLIEST}"
    return "is in the future" if at > datetime.now(UTC) + timedelta(days=1) else None


def _number_fault(column: Column, text: str) -> str | None:
    if not _NUMBER.fullmatch(text):
        return "is not a number"
    number = Decimal(text)
    kind, *sizes = re.findall(r"\w+", column.type)
    digits, scale = map(int, sizes) if sizes else (0, 0)
    if kind in {"INTEGER", "BIGINT"} and number != number.to_integral_value():
        return "is not a whole number"
    high = _LIMITS.get(kind, 10 ** (digits - scale) - 1)
    if column.role in {"bucket", "informational"}:
        high = MAX_TOKENS
    elif column.role == "meter":
        high = MAX_METER
    low = 0 if column.role in {"bucket", "informational", "meter"} or column.name in _COUNTS else -high
    if not low <= number <= high:
        return f"is not between {low:,} and {high:,}"
    return f"has more than {scale} decimals" if column.role == "meter" and number != round(number, scale) else None
