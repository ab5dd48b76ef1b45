"""Organisations with facts that never had usage: told as a note, for most often it is a slip of the pen.

What is wrong with a row by itself belongs in `check.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.nearest import nearest

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from pipelines.organizations.facts import Facts

_MOST = 10  # notes; the others are counted


def unseen_organizations(facts: Facts, con: DuckDBPyConnection, activity: str) -> tuple[str, ...]:
    """A note for each organisation of `facts` that the relation `activity` has no row of; none without usage."""
    if facts.rows is None:
        return ()
    con.register("read_facts", facts.rows)
    unseen = con.execute(f"""
        select organization_id, line
        from read_facts
        anti join {activity} as used using (organization_id)
        order by line""").fetchall()
    con.unregister("read_facts")
    seen = [one for (one,) in con.execute(f"select distinct organization_id from {activity} order by all").fetchall()]
    if not seen:
        return ()
    notes = [_note(facts, name, line, nearest(name, seen)) for name, line in unseen[:_MOST]]
    if len(unseen) > _MOST:
        notes.append(f"{facts.file}: {len(unseen) - _MOST:,} more organisations without usage")
    return tuple(notes)


def _note(facts: Facts, name: str, line: int, near: list[str]) -> str:
    alike = f"; most alike: {', '.join(near)}" if near else ""
    return f"{facts.file}, line {line}: {name!r} never had usage{alike}"
