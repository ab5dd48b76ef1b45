"""Follows what `meterhouse unpriced` suggests: its lines, with figures for every `?`, in the price tables of a home."""

from __future__ import annotations

import csv
from dataclasses import replace
from typing import TYPE_CHECKING

import duckdb

from pipelines.pricing import check
from pipelines.pricing.tables import ALIASES, RATES, TERMS
from pipelines.pricing.unpriced import find_unpriced
from tests.pricing.built import build_home
from tests.rating.case import text_table

if TYPE_CHECKING:
    from decimal import Decimal
    from pathlib import Path

    from pipelines.pricing.tables import PriceTable
    from pipelines.pricing.unpriced import Gap
    from tests.rating.case import Case

FIGURES = {"price": "7", "currency": "USD", "source": "price page", "checked_on": "2023-06-16"}


def filled_in(table: PriceTable, line: str) -> dict[str, str]:
    """A suggested line as a row, with a figure wherever it asks for one."""
    (fields,) = csv.reader([line])
    row = dict(zip(table.columns, fields, strict=True))
    return row | {name: FIGURES[name] for name, value in row.items() if value == "?"}


def pasted(case: Case, gaps: list[Gap], *, aliases: bool = False) -> Case:
    """The world with the rates that the gaps suggest, or with the aliases where they suggest one."""
    chosen = [gap.alias for gap in gaps if gap.alias] if aliases else []
    lines = [line for gap in gaps for line in gap.lines if not (aliases and gap.alias) and gap.folder == "prices"]
    return replace(
        case,
        rates=[*case.rates, *(filled_in(RATES, line) for line in lines)],
        aliases=[*case.aliases, *(filled_in(ALIASES, line) for line in chosen)],
        terms=[*case.terms, *(filled_in(TERMS, line) for gap in gaps for line in gap.terms)],
        con=duckdb.connect(),
    )


def gaps_after_pasting(folder: Path, case: Case, side: str = "revenue", *, aliases: bool = False) -> list[Gap]:
    """Gaps that are left in a home into which the suggested lines were pasted.

    On the way: the check of the price tables takes them, and what had an amount has the same one after.
    """
    home = build_home(folder / "before", case)
    better = pasted(case, find_unpriced(home, side), aliases=aliases)
    tables = {
        RATES.name: text_table(RATES, better.rates), ALIASES.name: text_table(ALIASES, better.aliases),
        TERMS.name: text_table(TERMS, better.terms),
    }  # fmt: skip
    check.raise_first(check._find(tables, warn=False))
    after = build_home(folder / "after", better)
    old, new = _amounts(home.warehouse), _amounts(after.warehouse)
    assert {key: new[key] for key in old} == old
    return find_unpriced(after, side)


def _amounts(warehouse: Path) -> dict[tuple[str, str], Decimal]:
    with duckdb.connect(str(warehouse), read_only=True) as con:
        rows = con.execute("""
            select event_id, revenue_amount, coalesce(cost_amount, foreign_cost_amount)
            from published.rated_usage""").fetchall()
    return {
        (event_id, side): amount
        for event_id, *amounts in rows
        for side, amount in zip(("revenue", "cost"), amounts, strict=True)
        if amount is not None
    }
