"""Why a taught detector named a day: what each of its features added, told in numbers, strongest first.

Features that say the same (one code) are one reason, spoken of by the strongest of them. What took away from the score
is counter-evidence. Words are in `wording.py`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from pipelines.watch.taught.detectors import DETECTORS
from pipelines.watch.taught.wording import FEATURES, OF, Said

if TYPE_CHECKING:
    from collections.abc import Mapping

    from duckdb import DuckDBPyConnection

    from pipelines.watch.taught.trees import Trees

Reason = dict[str, Any]

# Of the log-odds that a reason has to add (or take away) to be told.
LEAST = 0.1
MOST_REASONS, MOST_AGAINST = 5, 3
_SLICES = {"all": "", "key": "through one key", "template": "with one template", "model": "on one model"}


def taught_reasons(
    connection: DuckDBPyConnection, trees: Trees, where: Mapping[str, Any]
) -> tuple[list[Reason], list[Reason]]:
    """Reasons and counter-evidence of one row of watch_taught."""
    table = DETECTORS[trees.name].table
    keys = ["usage_date", "organization_id", *(["slice", "named"] if where["slice"] else ["usage_hour"])]
    result = connection.execute(
        f"select * from {table} where {' and '.join(f'{k} = ?' for k in keys)}", [where[k] for k in keys]
    )
    names = [c[0] for c in result.description or ()]
    row = dict(zip(names, result.fetchall()[0], strict=True))
    numbers = {n: np.array([math.nan if row[n] is None else float(row[n])]) for n in trees.features}
    parts = dict(zip(trees.features, trees.parts(numbers)[0].tolist(), strict=True))
    by_code: dict[str, list[tuple[float, str]]] = {}
    for feature, part in parts.items():
        told = OF.get(feature, feature)
        if told in FEATURES and row.get(told) is not None:
            by_code.setdefault(FEATURES[told].code, []).append((part, told))
    sums = sorted(((sum(p for p, _ in found), code) for code, found in by_code.items()), reverse=True)
    supporting = [(code, max(by_code[code])[1]) for total, code in sums if total >= LEAST][:MOST_REASONS]
    opposing = [(code, min(by_code[code])[1]) for total, code in sums[::-1] if total <= -LEAST][:MOST_AGAINST]
    place = _SLICES[where["slice"] or "all"]
    return (
        [_told(connection, table, FEATURES[f], f, row, place) for _, f in supporting],
        [_told(connection, table, FEATURES[f], f, row, place) for _, f in opposing],
    )


def _told(
    connection: DuckDBPyConnection, table: str, said: Said, feature: str, row: Mapping[str, Any], place: str
) -> Reason:
    value, own = float(row[feature]), row.get(said.own) if said.own else None
    percentile = _percentile(connection, table, feature, row)
    if said.reading == "beside" and own is not None:
        value += float(own)
    if said.reading in {"log", "beside"}:
        value, own = 10**value, None if own is None else 10 ** float(own)
    return {
        "code": said.code,
        "text": " ".join(said.text.format(slice=place).split()).replace(" ,", ",").rstrip(","),
        "value": _short(value),
        "unit": said.unit,
        "own_baseline": None if own is None else _short(float(own)),
        "peer_percentile": percentile,
    }


def _percentile(connection: DuckDBPyConnection, table: str, feature: str, row: Mapping[str, Any]) -> float | None:
    """Share of the day's rows of the same kind that are lower, in percent."""
    same = "usage_hour = ?" if "usage_hour" in row else "usage_date = ? and slice = ?"
    found = connection.execute(
        f"select 100 * avg(({feature} < ?)::integer) from {table} where {feature} is not null and {same}",
        [row[feature], row["usage_hour"]] if "usage_hour" in row else [row[feature], row["usage_date"], row["slice"]],
    ).fetchone()
    return None if found is None or found[0] is None else round(float(found[0]), 1)


def _short(value: float) -> float | int:
    number = round(value, 4 if abs(value) < 10 else 1 if abs(value) < 1000 else 0)
    return int(number) if number == int(number) else number
