"""Requests that the last run left without an amount for another reason than a missing rate: told by `prices check`.

Which places lack a rate belongs in `gaps.py`, what each request would need in `unpriced.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines import warehouse
from pipelines.pricing.findings import Finding
from pipelines.pricing.gaps import LACKS_RATE, REQUESTS
from pipelines.pricing.missing import FOREIGN_COST, MARKED_UP_HOURS, way_out
from pipelines.pricing.tables import SERVING_HOURS, TERMS
from pipelines.sql import literal

if TYPE_CHECKING:
    from pipelines.home import Home

_REASONS = {"revenue": "unpriced_reason", "cost": "uncosted_reason"}
# The beginning of a reason → the table and field that is concerned.
_PLACES = {
    MARKED_UP_HOURS: (TERMS, "percent"),
    "the percentages of the terms": (TERMS, "percent"),
    "the price of a quantity band": (TERMS, "currency"),
    "no hours of GPUs are known": (SERVING_HOURS, "gpu_hours"),
}
_MOST_MODELS = 5
_INSTANT = "%Y-%m-%dT%H:%M:%SZ"


def other_reasons(home: Home) -> list[Finding]:
    """A warning for each side and reason, most requests first; none where a row of rates would help or the cost is
    known in another currency.
    """
    published = home.exports / "published" / "rated_usage"
    if not any(published.glob("*/*.parquet")):
        return []
    rated = f"read_parquet({literal(published / '*' / '*.parquet')}, hive_partitioning = false)"
    with warehouse.connect(home, in_memory=True) as con:
        found = [
            (side, *row)
            for side, column in _REASONS.items()
            for row in con.execute(f"""
                select
                    {column} as reason, {REQUESTS.format(n="count(*)")} || ' of '
                        || array_to_string(list_sort(list(distinct provider || ' ' || model))[:{_MOST_MODELS}], ', ')
                        || case when count(distinct (provider, model)) > {_MOST_MODELS} then ', …' else '' end
                        || ' from ' || strftime(min(occurred_at), '{_INSTANT}')
                        || ' to ' || strftime(max(occurred_at), '{_INSTANT}') as told
                from {rated} as rated
                where {column} is not null and not {LACKS_RATE.format(reason=column)}
                    and not starts_with({column}, {literal(FOREIGN_COST)})
                group by reason
                order by count(*) desc, reason""").fetchall()
        ]
    return [_finding(home, *one) for one in found]


def _finding(home: Home, side: str, reason: str, told: str) -> Finding:
    table, field = next((place for start, place in _PLACES.items() if reason.startswith(start)), (None, ""))
    return Finding(
        "warning",
        str(home.landing if table is None else home.prices / table.folder),
        None,
        field,
        f"the last run found no {side} amount ({reason}): {told}",
        f"{way_out(reason)} `meterhouse unpriced --side {side}` has more.",
    )
