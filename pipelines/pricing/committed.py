"""Guards the rows that come with Meterhouse: each one's digest is kept, so that none is changed or lost unseen.

A changed row would rate the past anew for everybody. The digests of a seed stand beside this file, in
`committed/`, one a line; rows are only ever added to them.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from pipelines.errors import MeterhouseError
from pipelines.pricing.findings import Finding
from pipelines.pricing.tables import TABLES, read_rows

if TYPE_CHECKING:
    from pipelines.pricing.tables import PriceTable

FOLDER = Path(__file__).with_name("committed")
_WAY_OUT = "Put the row back as it was; a correction is a new row with the same start and a later known_from."


def row_digests(table: PriceTable, seed: Path) -> dict[str, int]:
    """Digest of each row of a file, to the letter, and its line."""
    with duckdb.connect() as con:
        con.register("seed_rows", read_rows(table, [seed]))
        return _digests(con, table, seed, "seed_rows")


def _digests(con: duckdb.DuckDBPyConnection, table: PriceTable, seed: Path, rows: str) -> dict[str, int]:
    text = f"concat_ws(chr(31), {', '.join(table.columns)})"
    found = con.execute(f"select left(sha256({text}), 12), line from {rows} where file = ?", [str(seed)])
    return dict(found.fetchall())


def changed_rows(table: PriceTable, seed: Path, folder: Path | None = None) -> list[Finding]:
    """An error where rows that were committed are no longer there as they were."""
    return _changed(seed, _kept(seed, folder), row_digests(table, seed))


def changed_among(con: duckdb.DuckDBPyConnection, table: PriceTable, seed: Path, rows: str) -> list[Finding]:
    """The same of text rows that have been read already: those of the seed in the relation `rows`."""
    return _changed(seed, _kept(seed, None), _digests(con, table, seed, rows))


def _changed(seed: Path, kept: set[str], now: dict[str, int]) -> list[Finding]:
    lost = len(kept - now.keys())
    if not lost:
        return []
    fresh = sorted(line for digest, line in now.items() if digest not in kept)
    hint = f"; not committed before: line {', '.join(map(str, fresh[:5]))}{' …' if fresh[5:] else ''}" if fresh else ""
    cause = f"{lost} committed row{'s were' if lost > 1 else ' was'} changed or removed{hint}"
    return [Finding("error", str(seed), fresh[0] if fresh else None, "price", cause, _WAY_OUT)]


def unrecorded_rows(table: PriceTable, seed: Path, folder: Path | None = None) -> list[int]:
    """Lines of rows that have no digest yet."""
    kept = _kept(seed, folder)
    return sorted(line for digest, line in row_digests(table, seed).items() if digest not in kept)


def record(table: PriceTable, seed: Path, folder: Path | None = None) -> int:
    """Add the digests of rows that have none yet; returns how many.

    Raises MeterhouseError when a committed row was changed or removed.
    """
    for found in changed_rows(table, seed, folder):
        raise MeterhouseError(f"{found.cause}.", file=seed, line=found.line, way_out=found.way_out)
    kept, now = _kept(seed, folder), set(row_digests(table, seed))
    if now - kept:
        path = (folder or FOLDER) / f"{seed.stem}.txt"
        new = path.with_name(f".{path.name}.new")
        new.write_text("".join(f"{digest}\n" for digest in sorted(now)), encoding="utf-8")
        new.replace(path)
    return len(now - kept)


def record_seeds() -> int:
    """The same of every table that comes with Meterhouse."""
    return sum(record(table, table.seed) for table in TABLES if table.seed)


def _kept(seed: Path, folder: Path | None) -> set[str]:
    path = (folder or FOLDER) / f"{seed.stem}.txt"
    return set(path.read_text(encoding="utf-8").split()) if path.exists() else set()
