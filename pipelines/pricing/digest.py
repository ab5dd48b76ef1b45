"""The price-book version: one digest for everything a home is rated with, whatever the order of rows.

Its change is what tells a run that rates must be built again. Reading and checking the rows
belongs elsewhere.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import duckdb

from pipelines.pricing.book import SEED, load_book
from pipelines.pricing.tables import RATES, TABLES, load

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.home import Home


def price_book_digest(home: Home | None = None, *, seed: Path = SEED) -> str:
    """SHA-256 (64 hex digits) over the rows of every price table, those of the seeds and the home's.

    Rows are compared by value: 0.5 and 0.50, or another order or file, give the same digest;
    every column counts. Raises MeterhouseError when a row is faulty.
    """
    from pipelines.pricing.check import require_valid_tables

    require_valid_tables(home, seed=seed)
    digest = hashlib.sha256()
    with duckdb.connect() as connection:
        for table in TABLES:
            connection.register("price_rows", load_book(home, seed=seed) if table is RATES else load(table, home))
            lines = connection.execute(
                f"select cast(line as varchar) from (select {table.typed} from price_rows as rows) as line order by 1"
            ).fetchall()
            digest.update(("\n".join(line for (line,) in lines) + "\f").encode())
    return digest.hexdigest()
