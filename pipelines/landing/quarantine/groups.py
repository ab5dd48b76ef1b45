"""Quarantined records by source and reason: how many, since when, what is at stake, and one of them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pipelines import warehouse
from pipelines.landing.quarantine.held import open_held
from pipelines.landing.quarantine.tokens import count_tokens

if TYPE_CHECKING:
    from pipelines.home import Home
    from pipelines.landing.quarantine.held import Selection
    from pipelines.settings import Settings


@dataclass(frozen=True, slots=True)
class Group:
    """Records of one source that lack the same.

    `reason` is without what differs among them. `first_seen` and `last_seen` are when a run first met the oldest and
    the newest of their files (UTC). `tokens` are those of the records whose counts can be read, null where there are
    none; of `unknown` records they cannot.
    """

    source: str
    field: str | None
    reason: str
    records: int
    files: int
    first_seen: datetime
    last_seen: datetime
    tokens: int | None
    unknown: int
    example_file: str
    example_line: int | None
    example_reason: str
    example: str

    def as_json(self) -> dict[str, Any]:
        """Times as ISO text."""
        plain = asdict(self)
        return {k: v.isoformat() + "Z" if isinstance(v, datetime) else v for k, v in plain.items()}


def find_groups(home: Home, settings: Settings, selection: Selection) -> list[Group]:
    """The groups of the chosen records, the largest first. Needs no lock."""
    with warehouse.connect(home, in_memory=True) as con:
        open_held(con, home, selection)
        count_tokens(con, home, settings)
        rows = con.execute("""
            select source, field, case when count(distinct reason) = 1 then min(reason) else kind end, count(*),
                count(distinct file_digest), min(first_seen), max(first_seen), sum(tokens)::hugeint,
                count(*) filter (where tokens is null), arg_min(file, number), arg_min({'line': line}, number).line,
                arg_min(reason, number), arg_min(raw, number)
            from held left join stakes using (number) where chosen
            group by source, field, kind order by count(*) desc, source, field, kind""").fetchall()
    return [Group(*row) for row in rows]
