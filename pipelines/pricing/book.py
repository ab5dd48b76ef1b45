"""The price book as the warehouse needs it: a home's rows of every price table, checked and typed.

How a table is read belongs in `tables.py`, what a row may say in `check.py` and its companions, how
rows become rates in the dbt models under `rating/`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.pricing.tables import RATES, SEEDS, TABLES, read_rows, write_typed

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb
    import pyarrow as pa

    from pipelines.errors import MeterhouseError
    from pipelines.home import Home

SEED = SEEDS / "price_book.csv"


def load_book(
    home: Home | None = None, *, seed: Path = SEED, problems: list[MeterhouseError] | None = None
) -> pa.Table:
    """Text rows of the rates: the seed and, with a home, its cards (columns: file, line, those of RATES).

    Raises MeterhouseError where a row cannot be read, or adds that to `problems`.
    """
    return read_rows(RATES, [seed, *RATES.home_files(home)], problems)


def write_home_tables(con: duckdb.DuckDBPyConnection, home: Home, *, seed: Path = SEED) -> None:
    """Put a home's own rows of every price table, typed like the seeds, into the schema `run`.

    Tables are replaced, and empty where the home has no such file. Seed and home are checked together
    first; raises MeterhouseError on the first faulty row.
    """
    from pipelines.pricing.check import require_valid_tables

    require_valid_tables(home, seed=seed)
    con.execute("create schema if not exists run")
    for table in TABLES:
        write_typed(con, table, read_rows(table, table.home_files(home)), table.warehouse)
