"""Aliases as the last run knew them: which id stood for which model, and when.

What a row of the aliases may say belongs in `check_aliases.py`, how rates are found through them in the dbt models.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.pricing.rules import bounded
from pipelines.pricing.tables import ALIASES

if TYPE_CHECKING:
    from datetime import datetime

    import duckdb

# Query for provider, alias, model, valid_from and ends_at (null while open).
STOOD = bounded(
    ALIASES.key,
    """(
        select
            '' as file, 0 as line, provider, alias, model, valid_from, valid_to,
            coalesce(known_from, valid_from) as known_from
        from (select * from rating.model_aliases union all by name select * from run.home_aliases) as listed
        where coalesce(known_from, valid_from) <= (select known_at from run.settings)
    )""",
)


def stands_for(con: duckdb.DuckDBPyConnection, provider: str, alias: str, at: datetime) -> str | None:
    """The model that an id was an alias of at an instant, if it was one."""
    found = con.execute(
        f"""
        select model from ({STOOD}) as stood
        where provider = $provider and alias = $alias and valid_from <= $at and (ends_at is null or ends_at > $at)""",
        {"provider": provider, "alias": alias, "at": at},
    ).fetchone()
    return None if found is None else str(found[0])
