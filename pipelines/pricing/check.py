"""The checks of all price tables: errors that stop a run, warnings that a reader should look at.

Each table has its own `check_*.py` with what a row may say; every finding names file, line and
field. Rows of a table are right by themselves before they are compared with each other; what is wrong
with one table hides nothing of another. Committed rows of the seeds are looked at in `committed.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol

import duckdb

from pipelines.pricing import check_aliases, check_exchange_rates, check_rates, check_serving_hours, check_terms
from pipelines.pricing.book import SEED, load_book
from pipelines.pricing.committed import changed_among
from pipelines.pricing.findings import Finding, ask, raise_first
from pipelines.pricing.rules import Rule, broken_rows, typed
from pipelines.pricing.tables import ALIASES, EXCHANGE_RATES, RATES, SERVING_HOURS, TERMS, PriceTable, load, read_rows
from pipelines.settings import load_settings
from pipelines.sql import literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pyarrow as pa

    from pipelines.errors import MeterhouseError
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


@dataclass
class _Rows:
    """Text rows by table, what of their files could not be read, and the tables whose seed is to be as committed."""

    text: dict[str, pa.Table]
    unread: dict[str, list[MeterhouseError]] = field(default_factory=dict)
    guarded: list[PriceTable] = field(default_factory=list)


def find_problems(rows: pa.Table) -> list[Finding]:
    """All errors of text rows of the rates alone; where there are none, all warnings."""
    return _find({RATES.name: rows}, warn=True)


def find_table_problems(home: Home | None = None, *, seed: Path | None = None) -> list[Finding]:
    """All errors of every price table of the seeds and the home; where there are none, all warnings.

    What cannot be read is an error among the others. Raises MeterhouseError where the settings have one.
    """
    cards = {}
    if home is not None:
        pricing = load_settings(home).pricing
        cards = {"revenue_card": pricing.revenue_card, "cost_card": pricing.cost_card}
    given = _load(home, seed)
    return _find(given.text, given, warn=True, **cards)


def require_valid(rows: pa.Table) -> None:
    """Raise MeterhouseError for the first error in text rows of the rates; warnings pass."""
    raise_first(_find({RATES.name: rows}, warn=False))


def require_valid_tables(home: Home | None = None, *, seed: Path | None = None) -> None:
    """Raise MeterhouseError for the first error in any price table of the seeds and the home.

    `seed` takes the place of the price book that comes with Meterhouse. A committed row of the seeds that was
    changed or removed is an error too.
    """
    given = _load(home, seed)
    raise_first(_find(given.text, given, warn=False))


def _load(home: Home | None, seed: Path | None) -> _Rows:
    found = _Rows({}, {})
    book = SEED if seed is None or seed.resolve() == SEED.resolve() else seed
    for one in _CHECKS:
        table = one.table
        problems: list[MeterhouseError] = []
        is_book = table is RATES
        rows = load_book(home, seed=book, problems=problems) if is_book else load(table, home, problems)
        found.text[table.name], found.unread[table.name] = rows, problems
        # Another book than the one that comes with Meterhouse is its owner's; a file that cannot be read says so.
        is_own = not is_book or book == SEED
        if is_own and not any(str(problem.file) == str(table.seed) for problem in problems):
            found.guarded.append(table)
    return found


def _find(
    text: Mapping[str, pa.Table],
    given: _Rows | None = None,
    *,
    warn: bool,
    revenue_card: str = "list",
    cost_card: str = "list",
) -> list[Finding]:
    """Errors of single rows, and of rows together in tables without one; where there are none, warnings."""
    unread, guarded = (given.unread, given.guarded) if given else ({}, [])
    with duckdb.connect() as con:
        asked = []
        for one in _CHECKS:
            table = text.get(one.table.name)
            # Others ask for an empty table too; it has nothing to be asked itself.
            con.register(one.view, read_rows(one.table, []) if table is None else table)
            if table is not None and table.num_rows:
                asked.append(one)
        errors = {one.table.name: [_unread(problem) for problem in unread.get(one.table.name, ())] for one in _CHECKS}
        # Long lists of conditions over few rows: planning them would take longer than answering.
        con.execute("pragma disable_optimizer")
        for one in asked:
            errors[one.table.name] += ask(con, "error", broken_rows(one.view, one.check.RULES))
        con.execute("pragma enable_optimizer")
        changed = [
            error
            for one in _CHECKS
            if one.table in guarded and one.table.seed
            for error in changed_among(con, one.table, one.table.seed, one.view)
        ]
        broken = {name for name, found in errors.items() if found}
        con.execute("create temp table broken_tables (name varchar)")
        for name, card in (("revenue_card", revenue_card), ("cost_card", cost_card)):
            con.execute(f"set variable {name} = {literal(card)}")
        for one in _CHECKS:
            if one.table.name in broken:
                con.execute(f"insert into broken_tables values ({literal(one.table.name)})")
                con.register(one.view, read_rows(one.table, []))
        together = []
        # Terms and hours ask for rates and aliases also where there are none.
        for one in dict.fromkeys((*_CHECKS[:2], *asked)):
            con.execute(f"create temp table {one.view}_typed as {typed(one.table, one.view)}")
            one.check.prepare(con)
            if one.table.name not in broken:
                together += one.check.errors(con)
        found = [*(error for each in errors.values() for error in each), *changed, *together]
        if found or not warn:
            return found
        return [warning for one in asked for warning in one.check.warnings(con)]


def _unread(problem: MeterhouseError) -> Finding:
    return Finding(
        "error", str(problem.file), problem.line, problem.field or "", problem.cause.rstrip("."), problem.way_out
    )
