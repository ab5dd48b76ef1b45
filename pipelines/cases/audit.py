"""The audit sample: organisations drawn at random from those that are not in the queue.

It lets recall be estimated, since labels exist otherwise only for what was flagged. The draw is a salted hash of
organisation and ISO week: it is the same in every run of a week, and nobody outside can tell who will be drawn. What it
says belongs in `recall.py`.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.cases.states import AUDIT
from pipelines.watch.cases import Case, add_case, totals_of
from pipelines.watch.sql import rows_of

if TYPE_CHECKING:
    from datetime import date

    from duckdb import DuckDBPyConnection

    from pipelines.home import Home

HERE = Path(__file__).parent
SHARE = 0.02  # of the alert budget
FRAME = "audit_sample"  # code of the reason that says among how many organisations it was drawn


@dataclass(frozen=True, slots=True)
class Draw:
    """One organisation of the sample, its judged days of the week, and among how many it was drawn."""

    organization_id: str
    week: date
    first_seen: date
    last_seen: date
    p_value: float
    organizations: int


def salt_of(home: Home) -> str:
    """The draw's salt, made from the home's secret."""
    secret = home.salt_file.read_text(encoding="utf-8").strip() if home.salt_file.exists() else ""
    return hashlib.sha256(f"audit sample\x1f{secret}".encode()).hexdigest()


def sample_size(alerts_allowed: float) -> int:
    """SHARE of the budget, rounded half up, and one at least."""
    return max(1, math.floor(SHARE * alerts_allowed + 0.5))


def draw(connection: DuckDBPyConnection, *, salt: str, last_day: date, size: int) -> list[Draw]:
    """`size` organisations that were judged in the last whole ISO week and are in no case of the queue.

    Where no whole week was judged it is the last one that was.
    """
    rows = rows_of(connection, str(HERE / "audit.sql"), salt=salt, last_day=last_day, size=size)
    return [Draw(**row) for row in rows]


def add_sample(connection: DuckDBPyConnection, *, salt: str, last_day: date, alerts_allowed: float) -> int:
    """Add the sample to watch.extraction_flags behind all cases of the budget; returns how many."""
    drawn = draw(connection, salt=salt, last_day=last_day, size=sample_size(alerts_allowed))
    (last_rank,) = connection.execute("select coalesce(max(rank), 0) from watch.extraction_flags").fetchone() or (0,)
    for rank, one in enumerate(drawn, start=last_rank + 1):
        case = Case(AUDIT, (one.organization_id,), one.first_seen, one.last_seen, 0.0, [_reason(one)], [_against(one)])
        add_case(connection, case, totals_of(connection, case), rank)
    return len(drawn)


def _reason(one: Draw) -> dict[str, Any]:
    return {
        "code": FRAME,
        "text": f"Drawn at random for the week from {one.week}, not flagged: finding nothing here is a result too",
        "value": one.organizations,
        "unit": "organisations it was drawn from",
        "own_baseline": None,
        "peer_percentile": None,
    }


def _against(one: Draw) -> dict[str, Any]:
    return {
        "code": "not_flagged",
        "text": "No detector flagged it: share of all organisation-days at least as surprising as its most surprising",
        "value": round(one.p_value, 4),
        "unit": "p-value",
        "own_baseline": None,
        "peer_percentile": None,
    }
