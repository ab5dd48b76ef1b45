"""Which billing months a set of days falls in. Allowances and tariffs by quantity count over them.

How quantities run up within a month belongs in the dbt model `monthly_bands`.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def touched_months(days: Iterable[str], zone: str) -> set[str]:
    """First days (ISO text) of the billing months that events of the UTC `days` (ISO text) can fall in."""
    return {month for day in days for month in _months(day, zone)}


def with_whole_months(days: set[str], months: set[str], known: Iterable[str], zone: str) -> set[str]:
    """`days` and every one of the `known` UTC days of which some hour lies in one of the billing `months`."""
    return days | {day for day in known if not months.isdisjoint(_months(day, zone))}


def _months(day: str, zone: str) -> set[str]:
    # A UTC day lies within the billing days before, of and after it.
    reach = (0,) if zone == "UTC" else (-1, 0, 1)
    found = date.fromisoformat(day)
    return {(found + timedelta(days=n)).replace(day=1).isoformat() for n in reach}
