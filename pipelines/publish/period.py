"""Which days a page shows and which it compares. Nothing here knows what is being counted.

The shown window is all days there are, or the last 56 when there are more than fit a daily chart.
The comparison is over completed days only: the last n against the n before, n a multiple of seven
where there are enough, so that both halves hold the same weekdays.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

MAX_DAILY = 62
LONG_WINDOW = 56
MAX_COMPARED = 28


@dataclass(frozen=True, slots=True)
class Period:
    """Days are inclusive, in the billing zone. `compared` is 0 when there is nothing to compare."""

    first: date
    last: date
    data_first: date
    complete_to: date
    compared: int

    @property
    def whole(self) -> bool:
        """Whether the window holds all days there are."""
        return self.first == self.data_first

    @property
    def days(self) -> list[date]:
        """Every day of the window, with or without usage."""
        return _days(self.first, self.last)

    @property
    def current(self) -> tuple[date, date]:
        """First and last day of the newer half of the comparison (empty range when compared is 0)."""
        return self.complete_to - timedelta(days=self.compared - 1), self.complete_to

    @property
    def prior(self) -> tuple[date, date]:
        """First and last day of the older half."""
        start, _ = self.current
        return start - timedelta(days=self.compared), start - timedelta(days=1)

    @property
    def incomplete(self) -> date | None:
        """The last day, when the data ends before it does."""
        return self.last if self.complete_to < self.last else None

    def words(self) -> str:
        """`1 Apr to 30 May 2026`."""
        return day_range(self.first, self.last)


@cache
def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def make_period(first: date, last: date, data_through: datetime, zone: str) -> Period:
    """Window and comparison for data from `first` to `last` (billing days).

    `data_through` is the newest event, naive UTC. A day counts as complete when events reach into its last hour:
    quiet feeds rarely end at midnight sharp.
    """
    local = data_through.replace(tzinfo=UTC).astimezone(ZoneInfo(zone))
    ends = datetime.combine(last, time(23), ZoneInfo(zone))
    complete_to = last if local >= ends else last - timedelta(days=1)
    start = first if (last - first).days < MAX_DAILY else last - timedelta(days=LONG_WINDOW - 1)
    half = min(((complete_to - start).days + 1) // 2, MAX_COMPARED)
    compared = half // 7 * 7 if half >= 7 else max(half, 0)
    return Period(start, last, first, complete_to, compared)


def day(value: date, *, year: bool = True) -> str:
    """`30 May 2026`: no leading zero on any platform, English whatever the locale."""
    month = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")[value.month - 1]
    return f"{value.day} {month} {value.year}" if year else f"{value.day} {month}"


def day_range(first: date, last: date) -> str:
    """`1 to 30 May 2026` written out as far as needed."""
    if first == last:
        return day(first)
    return f"{day(first, year=first.year != last.year)} to {day(last)}"
