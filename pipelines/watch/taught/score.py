"""Scores of the taught detectors on the features of a window, by day and organisation: of its highest slice or hour."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from pipelines.watch.taught.detectors import DETECTORS

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from pipelines.watch.taught.trees import Trees

# Slices that no detector would name: less output than most, in itself and beside the organisation's own.
_CANDIDATES = {
    "watch_features": "output_week_rank >= 0.3 or is_new = 1 or repeat_days >= 3 or kinds_shared > 0",
    "watch_hour_features": "true",
}
# Rows up to which trees are walked in memory: the SQL of a detector takes a quarter of a second to be understood.
FEW = 20_000
# Answers in four weeks (requests of the day, by the hour) below which a single account is not looked at: a tenth of the
# smallest set that was ever enough (s1's 1,000 traces), for an evaluation the smallest suite. Accounts of a group may
# have few.
LEAST = {
    "harvest": "answers_28 >= 100",
    # Nothing is a pivot without a model that came out, or an evaluation that was not there before.
    "launch_pivot": "answers_28 >= 100 and released_share > 0",
    "evaluation": "answers_28 >= 100 and repeat_days >= 2",
    "stolen_key": "requests_so_far >= 100",
    "coordinated": "true",
}


_SCORED = """
insert into watch_taught
with scored as (
    select usage_date, organization_id, {keys}, round(log_odds, 6) as log_odds
    from {{source}}
)
"""
_HIGHEST = (
    _SCORED.format(keys="slice, named")
    + """
select '{name}', usage_date, organization_id, slice, named, null, log_odds
from scored
qualify row_number() over (
    partition by usage_date, organization_id order by log_odds desc, slice asc, named asc
) = 1"""
)
# Of a day's hours those that are higher than every hour before: what was known when.
_RECORDS = (
    _SCORED.format(keys="usage_hour")
    + """
select '{name}', usage_date, organization_id, null, null, usage_hour, log_odds
from scored
qualify log_odds > coalesce(max(log_odds) over (
    partition by usage_date, organization_id order by usage_hour
    rows between unbounded preceding and 1 preceding
), '-infinity'::double)"""
)


def score(connection: DuckDBPyConnection, taught: dict[str, Trees]) -> None:
    """Write temp table watch_taught: detector, usage_date, organization_id, slice, named, usage_hour, log_odds.

    Of a detector that sees days one row a day and organisation, its highest slice; of one that sees hours one for each
    hour that is higher than all before on that day.
    """
    connection.execute("""
        create or replace temp table watch_taught (
            detector varchar, usage_date date, organization_id varchar, slice varchar, named varchar,
            usage_hour timestamp, log_odds double)""")
    for name, trees in taught.items():
        table = DETECTORS[name].table
        hourly = table == "watch_hour_features"
        keys = f"usage_date, organization_id, {'usage_hour' if hourly else 'slice, named'}"
        candidates = f"from {table} where ({_CANDIDATES[table]}) and {LEAST[name]}"
        rows = connection.execute(f"select count(*) {candidates}").fetchall()[0][0]
        source = f"(select {keys}, {trees.expression()} as log_odds {candidates}) as odds"
        if rows <= FEW:
            wanted = ", ".join(f"{feature}::double as {feature}" for feature in trees.features)
            found = connection.sql(f"select {keys}, {wanted} {candidates}").to_arrow_table()
            columns = {n: found[n].to_numpy(zero_copy_only=False).astype(np.float64) for n in trees.features}
            odds = found.select(keys.split(", ")).append_column("log_odds", pa.array(trees.log_odds(columns)))
            connection.register("watch_odds", odds)
            source = "watch_odds"
        connection.execute((_RECORDS if hourly else _HIGHEST).format(name=name, source=source))
        if rows <= FEW:
            connection.unregister("watch_odds")
