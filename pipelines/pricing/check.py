"""The checks of all price tables: errors that stop a run, warnings that a reader should look at.

Each table has its own `check_*.py` with what a row may say; every finding names file, line and
field. Rows are right by themselves before they are compared with others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

import duckdb

from pipelines.pricing import check_aliases, check_exchange_rates, check_rates, check_serving_hours, check_terms
from pipelines.pricing.book import load_book
from pipelines.pricing.findings import Finding, ask, raise_first
from pipelines.pricing.rules import Rule, broken_rows, typed
from pipelines.pricing.tables import ALIASES, EXCHANGE_RATES, RATES, SERVING_HOURS, TERMS, PriceTable, load, read_rows

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pyarrow as pa

    from pipelines.home import Home

__all__ = ["Finding", "find_problems", "find_table_problems", "require_valid", "require_valid_tables"]


class _Check(Protocol):
    """What a module `check_*.py` offers."""

    RULES: tuple[Rule, ...]

    def prepare(self, con: duckdb.DuckDBPyConnection) -> None: ...
    def errors(self, con: duckdb.DuckDBPyConnection) -> list[Finding]: ...
    def warnings(self, con: duckdb.DuckDBPyConnection) -> list[Finding]: ...


class _Checked(NamedTuple):
    table: PriceTable
    view: str
    check: _Check


# In this order: terms and serving hours ask for the rates.
_CHECKS: tuple[_Checked, ...] = (
    _Checked(RATES, "rates", check_rates),
    _Checked(ALIASES, "aliases", check_aliases),
    _Checked(TERMS, "terms", check_terms),
    _Checked(EXCHANGE_RATES, "exchange_rates", check_exchange_rates),
    _Checked(SERVING_HOURS, "serving_hours", check_serving_hours),
)


def find_problems(rows: pa.Table) -> list[Finding]:
    """All errors of text rows of the rates alone; where there are none, all warnings."""
    return _find({RATES.name: rows}, warn=True)


def find_table_problems(home: Home | None = None, *, seed: Path | None = None) -> list[Finding]:
    """All errors of every price table of the seeds and the home; where there are none, all warnings."""
    return _find(_load(home, seed), warn=True)


def require_valid(rows: pa.Table) -> None:
    """Raise MeterhouseError for the first error in text rows of the rates; warnings pass."""
    raise_first(_find({RATES.name: rows}, warn=False))


def require_valid_tables(home: Home | None = None, *, seed: Path | None = None) -> None:
    """Raise MeterhouseError for the first error in any price table of the seeds and the home.

    `seed` takes the place of the price book that comes with Meterhouse.
    """
    raise_first(_find(_load(home, seed), warn=False))


def _load(home: Home | None, seed: Path | None) -> dict[str, pa.Table]:
    rates = load_book(home) if seed is None else load_book(home, seed=seed)
    return {one.table.name: rates if one.table is RATES else load(one.table, home) for one in _CHECKS}


def _find(rows: Mapping[str, pa.Table], *, warn: bool) -> list[Finding]:
    """Errors of single rows; where there are none, of rows together; where there are none, warnings."""
    with duckdb.connect() as con:
        asked = []
        for one in _CHECKS:
            table = rows.get(one.table.name)
            # Others ask for an empty table too; it has nothing to be asked itself.
            con.register(one.view, read_rows(one.table, []) if table is None else table)
            if table is not None and table.num_rows:
                asked.append(one)
        # Long lists of conditions over few rows: planning them would take longer than answering.
        con.execute("pragma disable_optimizer")
        errors = [found for one in asked for found in ask(con, "error", broken_rows(one.view, one.check.RULES))]
        con.execute("pragma enable_optimizer")
        if errors:
            return errors
        for one in dict.fromkeys((_CHECKS[0], *asked)):
            con.execute(f"create temp table {one.view}_typed as {typed(one.table, one.view)}")
            one.check.prepare(con)
        errors = [found for one in asked for found in one.check.errors(con)]
        if errors or not warn:
            return errors
        return [found for one in asked for found in one.check.warnings(con)]
