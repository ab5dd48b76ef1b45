"""Writes a population as the tables that the watch reads: marts.activity_10min, _hourly and _daily.

Their columns are those of the dbt models of the same names; the SQL is in `activity.sql`.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from pipelines.sql import read_sql
from pipelines.watch.bench.pieces import cells
from pipelines.watch.features import FACTS
from pipelines.watch.sql import HERE

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from pipelines.watch.bench.pieces import Piece
    from pipelines.watch.bench.scene import Scene

FIRST_DAY = date(2024, 1, 1)
# Habits that are drawn as binomial shares of the requests of an hour.
DRAWN = ("failed", "limited", "length_finish", "multi", "logprobs", "cold")
# The others that SQL needs.
TOLD = ("cached", "fresh", "digests", "suite", "top_template", "region", "agent", "model", "product")


def name_of(organization: int) -> str:
    """The id of an organisation by its number."""
    return f"org-{organization:06d}"


def write_activity(con: DuckDBPyConnection, scene: Scene) -> None:
    """Create marts.activity_* and bench_output (the truth of who took how much when) of a population."""
    found = cells(scene.rng, scene.pieces)
    con.register("bench_cells", pa.table({name: getattr(found, name) for name in found.__slots__}))
    con.register("bench_pieces", _pieces(scene.pieces))
    con.execute(f"set variable bench_first_day = date '{FIRST_DAY}'")
    hours = con.sql("""
        select piece, day, (slot // 6)::int as hour, sum(requests)::bigint as requests,
            sum(input_tokens)::bigint as input_tokens, sum(output_tokens)::bigint as output_tokens,
            count(*) as active_10min
        from bench_cells group by all order by piece, day, hour""").to_arrow_table()
    con.register("bench_hours", _with_draws(scene, hours))
    con.execute(read_sql(HERE / "bench" / "activity.sql"))
    for name in ("bench_cells", "bench_pieces", "bench_hours"):
        con.unregister(name)
    con.execute(FACTS)
    con.register("bench_accounts", _accounts(scene))
    con.execute(f"""
        insert into watch.organizations by name
        select organization_id, date '{FIRST_DAY}' + first_day::integer as created_at,
            nullif(programme, '') as programme, 'payment-' || payment as payment_group,
            'signup-' || signup as signup_network, 'region-' || home_region as home_region
        from bench_accounts where known""")
    con.unregister("bench_accounts")


def _accounts(scene: Scene) -> pa.Table:
    facts = ("first_day", "payment", "signup", "programme", "home_region")
    return pa.table(
        {
            "organization_id": [name_of(n) for n in range(len(scene.accounts))],
            "known": ["facts" not in unsent for unsent in scene.unsent],
            **{name: [getattr(a, name) for a in scene.accounts] for name in facts},
        }
    )


def _pieces(pieces: list[Piece]) -> pa.Table:
    habits = [p.habits for p in pieces]
    return pa.table({
        "piece": np.arange(len(pieces), dtype=np.int32),
        "organization_id": [name_of(p.organization) for p in pieces],
        "key": np.array([p.key for p in pieces], np.int64),
        "label": [p.label for p in pieces],
        "template_pool": [h.templates[0] for h in habits],
        "templates": [h.templates[1] for h in habits],
        "user_pool": [h.users[0] for h in habits],
        "users": [h.users[1] for h in habits],
        "network_pool": [h.networks[0] for h in habits],
        "networks": [h.networks[1] for h in habits],
        **{
            name: [getattr(h, name) for h in habits]
            for name in (*DRAWN, *TOLD)
        },
    })  # fmt: skip


def _with_draws(scene: Scene, hours: pa.Table) -> pa.Table:
    """The hours with how many of their requests failed, ended at the limit and so on."""
    rng, piece = scene.rng, hours["piece"].to_numpy()
    of = hours["requests"].to_numpy()
    shares = {name: np.array([getattr(p.habits, name) for p in scene.pieces])[piece] for name in DRAWN}
    # What is refused for its rate is a part of what fails.
    shares["failed"] = np.maximum(shares["failed"], shares["limited"])
    shares["limited"] = np.divide(
        shares["limited"], shares["failed"], out=np.zeros(len(of)), where=shares["failed"] > 0
    )
    drawn: dict[str, np.ndarray[Any, np.dtype[np.int64]]] = {}
    for name in DRAWN:
        drawn[name] = rng.binomial(drawn["failed"] if name == "limited" else of, shares[name])
        hours = hours.append_column(name, pa.array(drawn[name]))
    return hours
