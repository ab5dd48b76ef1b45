"""Everything that scores organisation-days on the bench: our own detectors, and what everyone tries first.

A contender makes of the tables of `activity.py` one score a day and organisation, higher where it is more suspicious;
one that looks by the hour says from which hour on.
"""

from __future__ import annotations

from datetime import timedelta
from importlib.util import find_spec
from typing import TYPE_CHECKING

from pipelines.sql import read_sql
from pipelines.watch.bench.activity import FIRST_DAY
from pipelines.watch.bench.scene import HISTORY
from pipelines.watch.features import build_features
from pipelines.watch.mass_shape import score_days
from pipelines.watch.measured import WATCH
from pipelines.watch.sql import HERE
from pipelines.watch.taught.score import score

if TYPE_CHECKING:
    import pandas as pd
    from duckdb import DuckDBPyConnection

    from pipelines.watch.taught.trees import Trees

# Name, and column of baselines.sql.
BASELINES = {
    "static volume": "static_volume", "static rule": "static_rule", "3-sigma": "three_sigma", "MAD": "mad",
    "EWMA": "ewma", "CUSUM": "cusum", "S-H-ESD": "s_h_esd",
}  # fmt: skip
UNTAUGHT = "mass x shape"
# What the outlier detectors of PyOD see of a day: amounts, lengths, rhythm and their changes.
OUTLYING = (
    "output", "output_week", "output_usual", "length", "ratio", "length_own", "ratio_own", "hours", "hours_own", "pace",
    "new_prompts", "cached", "failed_share", "limited_share", "cut_share", "multi_share", "logprobs_share",
)  # fmt: skip


def scores(con: DuckDBPyConnection, days: int, taught: dict[str, Trees]) -> dict[str, pd.DataFrame]:
    """Scores of every contender by its name: organization_id, usage_date, score, of ours hour and detector too.

    `days` are those of the population.
    """
    con.execute(read_sql(HERE / "bench" / "baselines.sql"))
    found = {
        name: con.sql(f"select organization_id, usage_date, {column} as score from bench_baselines").df()
        for name, column in BASELINES.items()
    }
    con.execute("create schema if not exists watch")
    last_day = FIRST_DAY + timedelta(days=days - 1)
    score_days(con, last_day=last_day, window_days=days - HISTORY)
    found[UNTAUGHT] = con.sql("""
        select organization_id, usage_date, surprise as score from watch.organization_day_scores""").df()
    write_features(con, days)
    return found | outlier_scores(con) | taught_scores(con, taught)


def outlier_scores(con: DuckDBPyConnection) -> dict[str, pd.DataFrame]:
    """Isolation forest, ECOD and COPOD on an organisation's day as a whole; none where PyOD is not installed."""
    if find_spec("pyod") is None:
        return {}
    from pyod.models.copod import COPOD
    from pyod.models.ecod import ECOD
    from pyod.models.iforest import IForest

    days = con.sql(f"""
        select usage_date, organization_id, {", ".join(f"coalesce({name}, 0)::double as {name}" for name in OUTLYING)}
        from watch_features where slice = 'all' order by usage_date, organization_id""").df()
    found = {}
    for name, model in (("IForest", IForest(random_state=0)), ("ECOD", ECOD()), ("COPOD", COPOD())):
        model.fit(days[[*OUTLYING]].to_numpy())
        found[name] = days[["organization_id", "usage_date"]].assign(score=model.decision_scores_)
    return found


def write_features(con: DuckDBPyConnection, days: int) -> None:
    """What the taught detectors see of a population."""
    last_day = FIRST_DAY + timedelta(days=days - 1)
    build_features(con, first_read=FIRST_DAY, first_scored=FIRST_DAY + timedelta(days=HISTORY), last_day=last_day)


def taught_scores(con: DuckDBPyConnection, taught: dict[str, Trees]) -> dict[str, pd.DataFrame]:
    """Those of the taught detectors alone, and of all of them together, once the features are written."""
    score(con, taught)
    together = con.sql("""
        select organization_id, usage_date, extract(hour from usage_hour) as hour, detector, log_odds as score
        from watch_taught order by all""").df()
    return {WATCH: together} | {name: together[together["detector"] == name].reset_index(drop=True) for name in taught}
