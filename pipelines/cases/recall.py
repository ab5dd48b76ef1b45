"""What the audit sample says of the cases that are missed: recall with its interval, from decided cases alone.

Found are organisation-weeks of cases of the queue that a reviewer confirmed (confirmed_extraction, stolen_key), in the
weeks of which a sample was decided. Missed are the share confirmed in the sample, times the organisations it was drawn
from. The interval is the exact one of that share (Clopper and Pearson); it knows nothing of what reviewers overlook.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from math import exp, fsum, lgamma, log
from typing import TYPE_CHECKING

from pipelines.cases.audit import FRAME
from pipelines.cases.states import AUDIT, SOUGHT

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from datetime import date

    from pipelines.cases.entry import Entry

CONFIDENCE = 0.95
ENOUGH = 30  # decided audit cases below which the interval is too wide to go by
# A case that is still looked into is no label.
_UNDECIDED = frozenset({"new", "watching", "contacted", "suspended"})


@dataclass(frozen=True, slots=True)
class Recall:
    """Of the share of organisation-weeks that are found: the estimate and its interval; None without any case."""

    decided: int  # audit cases with a finding
    confirmed: int  # of those, what the watch is there to find
    found: int  # organisation-weeks found by the watch in the same weeks
    organizations: int  # organisation-weeks that the audit cases were drawn from
    estimate: float | None
    low: float
    high: float

    @property
    def few(self) -> bool:
        """Whether it is too little to go by."""
        return self.decided < ENOUGH


def estimate_recall(latest: Iterable[Entry]) -> Recall:
    """From the latest decision of each case."""
    standing = list(latest)
    audits = [e for e in standing if e.detector == AUDIT and e.state not in _UNDECIDED and e.snapshot and _frame(e)]
    frames = {_week(e.snapshot.first_seen): _frame(e) for e in audits if e.snapshot}
    confirmed = sum(e.state in SOUGHT for e in audits)
    found = sum(
        len(e.organization_ids) * len(_weeks(e, frames))
        for e in standing
        if e.detector != AUDIT and e.state in SOUGHT and e.snapshot
    )
    organizations = sum(frames.values())
    low, high = interval(confirmed, len(audits))
    missed = organizations * confirmed / len(audits) if audits else 0.0
    return Recall(
        decided=len(audits),
        confirmed=confirmed,
        found=found,
        organizations=organizations,
        estimate=found / (found + missed) if audits and found + missed else None,
        low=_share(found, organizations * high),
        high=_share(found, organizations * low),
    )


def _share(found: int, missed: float) -> float:
    return found / (found + missed) if found + missed else 1.0


def _frame(entry: Entry) -> int:
    """Among how many organisations an audit case was drawn."""
    reasons = entry.snapshot.reasons if entry.snapshot else []
    value = next((r.get("value") for r in reasons if r.get("code") == FRAME), None)
    return value if isinstance(value, int) else 0


def _week(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _weeks(entry: Entry, weeks: Collection[date]) -> list[date]:
    """Those of the weeks that a case has days in."""
    assert entry.snapshot is not None  # noqa: S101 - asked for by the caller
    first, last = entry.snapshot.first_seen, entry.snapshot.last_seen
    return [week for week in weeks if week <= last and week + timedelta(days=6) >= first]


def interval(hits: int, of: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Clopper and Pearson's interval of a share, by the binomial formula; (0, 1) of nothing."""
    tail = (1 - confidence) / 2
    low = _root(lambda p: _at_least(hits, of, p) - tail) if hits else 0.0
    high = _root(lambda p: tail - (1 - _at_least(hits + 1, of, p))) if hits < of else 1.0
    return low, high


def _at_least(hits: int, of: int, p: float) -> float:
    """Probability of so many hits or more."""
    if hits <= 0 or p >= 1:
        return 1.0
    if hits > of or p <= 0:
        return 0.0
    return fsum(
        exp(lgamma(of + 1) - lgamma(k + 1) - lgamma(of - k + 1) + k * log(p) + (of - k) * log(1 - p))
        for k in range(hits, of + 1)
    )


def _root(rising: Callable[[float], float]) -> float:
    """Where a function that rises from below 0 to above it on (0, 1) is 0, by halving."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if rising(middle) > 0 else (middle, high)
    return (low + high) / 2
