"""One digest for all prices a home is rated with: same prices, same digest, in any order of rows.

Its change is what tells a run that rates must be built again. Reading and checking the rows
belongs elsewhere.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import duckdb

from pipelines.pricing.book import SEED, TYPED, load_book

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.home import Home


def price_book_digest(home: Home | None = None, *, seed: Path = SEED) -> str:
    """SHA-256 (64 hex digits) over the rows of the seed and the home's cards.

    Rows are compared by value: 0.5 and 0.50, or another order or file, give the same digest;
    every column counts. Raises MeterhouseError when a row is faulty.
    """
    from pipelines.pricing.check import require_valid

    book = load_book(home, seed=seed)
    require_valid(book)
    with duckdb.connect() as connection:
        connection.register("rows", book)
        lines = connection.execute(
            f"select cast(line as varchar) from (select {TYPED} from rows) as line order by 1"
        ).fetchall()
    return hashlib.sha256("\n".join(line for (line,) in lines).encode()).hexdigest()
