"""What campaigns and look-alikes really sent, by label. Totals belong in `truth.py`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    import duckdb

    from pipelines.simulate.traffic import Crowd


@dataclass(frozen=True, slots=True)
class Plot:
    """A campaign or a look-alike, with the days on which it really sent something."""

    label: str
    kind: str
    organizations: list[str]
    products: list[str]
    api_keys: list[str]
    first_day: str
    last_day: str
    requests: int
    output_tokens: int


def plots(connection: duckdb.DuckDBPyConnection, crowd: Crowd, kinds: Mapping[str, str], seed: int) -> list[Plot]:
    """Campaigns or look-alikes by label; one that sent nothing is left out."""
    label = [(i, s.label) for i, s in enumerate(crowd.streams) if s.label in kinds]
    if not label:
        return []
    connection.execute("create or replace temp table labels (stream bigint, label varchar)")
    connection.executemany("insert into labels values (?, ?)", label)
    found = connection.execute(
        """
        select
            label,
            list_sort(list(distinct organization_id)),
            list_sort(list(distinct product_id)),
            list_sort(list(distinct 'key_' || substr(md5(? || ':key:' || key), 1, 16))),
            min(day), max(day), count(*), sum(output_tokens)::bigint
        from requests join labels using (stream) join dim_stream using (stream)
        where copy = 0 group by label order by label
        """,
        [str(seed)],
    ).fetchall()
    days = [
        (crowd.start + timedelta(days=d)).date().isoformat() for d in range(1 + max((f[5] for f in found), default=0))
    ]
    return [Plot(f[0], kinds[f[0]], f[1], f[2], f[3], days[f[4]], days[f[5]], f[6], f[7]) for f in found]
