"""Terms of organisations that no event of the home is of: most often a slip of the pen, which no rate would show.

What a row of the terms may say by itself belongs in `check_terms.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines import warehouse
from pipelines.landing.manifest import read_manifest
from pipelines.nearest import nearest
from pipelines.pricing.findings import Finding
from pipelines.pricing.tables import TERMS, load
from pipelines.sql import literal

if TYPE_CHECKING:
    from pipelines.home import Home


def unseen_organizations(home: Home) -> list[Finding]:
    """A warning for each organisation of checked terms that is in no event, on its first row; none without events."""
    files = sorted({file for commit in read_manifest(home) for file in commit.events.values()})
    terms = load(TERMS, home)
    if not files or not terms.num_rows:
        return []
    paths = ", ".join(literal(home.root / file) for file in files)
    with warehouse.connect(home, in_memory=True) as con:
        con.register("terms", terms)
        con.execute(f"""
            create temp table seen as
            select distinct organization_id from read_parquet([{paths}], hive_partitioning = false)""")
        unseen = con.execute("""
            select organization_id, min_by(file, (file, line)), min_by(line, (file, line)), count(*)
            from terms
            anti join seen using (organization_id)
            where organization_id <> '*'
            group by organization_id
            order by 2, 3""").fetchall()
        seen = [one for (one,) in con.execute("select organization_id from seen order by all").fetchall()]
    return [_finding(seen, organization, file, line, rows) for organization, file, line, rows in unseen]


def _finding(seen: list[str], organization: str, file: str, line: int, rows: int) -> Finding:
    what = "the term matches" if rows == 1 else f"its {rows} rows match"
    near = nearest(organization, seen)
    alike = f"; most alike: {', '.join(near)}" if near else ""
    return Finding(
        "warning",
        file,
        line,
        "organization_id",
        f"no event of this home is of the organisation {organization!r}, so {what} nothing{alike}",
        "Correct the id; where its first request is still to come, nothing is to be done.",
    )
