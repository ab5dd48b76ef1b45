"""Single quarantined records, as `meterhouse quarantine show` prints them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines import warehouse
from pipelines.landing.quarantine.conflict import compare
from pipelines.landing.quarantine.held import open_held, require_some

if TYPE_CHECKING:
    from pipelines.home import Home
    from pipelines.landing.quarantine.conflict import Sides
    from pipelines.landing.quarantine.held import Selection
    from pipelines.settings import Settings


@dataclass(frozen=True, slots=True)
class Record:
    """One record in quarantine; `sides` only where it is a conflict. Without `line` the whole file is meant."""

    source: str
    file: str
    line: int | None
    field: str | None
    reason: str
    text: str
    sides: Sides | None


def find_records(home: Home, settings: Settings, selection: Selection, limit: int) -> tuple[list[Record], int]:
    """The first `limit` of the chosen records by source, file and line, and how many there are. Needs no lock."""
    with warehouse.connect(home, in_memory=True) as con:
        commits, standing = open_held(con, home, selection)
        require_some(con, home, selection)
        (total,) = con.execute("select count(*) from held where chosen").fetchone() or (0,)
        rows = con.execute(f"""
            select number, source, file, line, field, reason, raw from held where chosen
            order by number limit {limit}""").fetchall()
        sides = compare(con, home, settings, commits, standing, [number for number, *_ in rows])
    found = [
        Record(source, file, line, field, reason, raw, sides.get(number))
        for number, source, file, line, field, reason, raw in rows
    ]
    return found, total
