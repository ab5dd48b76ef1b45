"""Everything that scores organisation-days on the bench: our own detectors, and what everyone tries first.

A contender makes of the tables of `activity.py` one score a day and organisation, higher where it is more suspicious.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from pipelines.sql import read_sql
from pipelines.watch.bench.activity import FIRST_DAY
from pipelines.watch.bench.scene import HISTORY
from pipelines.watch.mass_shape import score_days
from pipelines.watch.sql import HERE

if TYPE_CHECKING:
    import pandas as pd
    from duckdb import DuckDBPyConnection

# Name, and column of baselines.sql.
BASELINES = {
    "static volume": "static_volume", "static rule": "static_rule", "3-sigma": "three_sigma", "MAD": "mad",
    "EWMA": "ewma", "CUSUM": "cusum", "S-H-ESD": "s_h_esd",
}  # fmt: skip
OURS = ("mass x shape",)


def scores(con: DuckDBPyConnection, days: int) -> dict[str, pd.DataFrame]:
    """Scores of every contender by its name: organization_id, usage_date, score. `days` are those of the population."""
    con.execute(read_sql(HERE / "bench" / "baselines.sql"))
    found = {
        name: con.sql(f"select organization_id, usage_date, {column} as score from bench_baselines").df()
        for name, column in BASELINES.items()
    }
    con.execute("create schema if not exists watch")
    score_days(con, last_day=FIRST_DAY + timedelta(days=days - 1), window_days=days - HISTORY)
    found["mass x shape"] = con.sql("""
        select organization_id, usage_date, surprise as score from watch.organization_day_scores""").df()
    return found
