"""`meterhouse prices ...`: list, check, compare and import. Thin: the work is done beside this module."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pipelines.pricing.book import load_book
from pipelines.pricing.check import find_table_problems, require_valid, require_valid_tables
from pipelines.pricing.figures import count
from pipelines.pricing.import_command import import_
from pipelines.pricing.shown import (
    FILE,
    INSTANT,
    at_option,
    book_option,
    card_option,
    home_option,
    known_at_option,
    model_option,
    priced_home,
    print_table,
    provider_option,
    say,
    signed_percent,
)
from pipelines.pricing.tables import RATES, TABLES, TERMS, load, read_rows

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    import pyarrow as pa

    from pipelines.errors import MeterhouseError
    from pipelines.home import Home
    from pipelines.pricing.diff import Difference
    from pipelines.pricing.tables import PriceTable


@click.group("prices")
def prices() -> None:
    """Look after the price tables: import list prices, check them, list them, compare them.

    Example: meterhouse prices check
    """


prices.add_command(import_)


@prices.command("check")
@home_option
@book_option
def check(home: Path | None, book: Path) -> None:
    """Check the price tables of the book and the home; exit 1 on an error.

    Warns of prices that look like a slip of the pen, of rows without effect, of terms of an organisation
    that no event is of, and of requests that the last run left without an amount.

    Example: meterhouse prices check --home data
    """
    from pipelines.pricing.check_organizations import unseen_organizations
    from pipelines.pricing.gaps import built_with_other_prices, gaps_in_use
    from pipelines.pricing.other_reasons import other_reasons

    place = priced_home(home)
    findings = find_table_problems(place, seed=book)
    if not any(found.severity == "error" for found in findings):
        findings += unseen_organizations(place)
        gaps = gaps_in_use(place, seed=book) + other_reasons(place)
        if gaps and built_with_other_prices(place, seed=book):
            say(
                "note: the prices have changed since the last run. What it left without a price is told as it was "
                "then; `meterhouse run` brings it up to date."
            )
        findings += gaps
    for found in findings:
        say(found.paragraph())
    errors = sum(found.severity == "error" for found in findings)
    counts = ", ".join(_count(table, place, book) for table in TABLES)
    say(f"{counts}: {count(errors, 'error')}, {count(len(findings) - errors, 'warning')}.")
    if errors:
        click.get_current_context().exit(1)


def _count(table: PriceTable, home: Home, book: Path) -> str:
    """How many rows of a table can be read: 1 term, 2 terms."""
    unread: list[MeterhouseError] = []
    rows = load_book(home, seed=book, problems=unread) if table is RATES else load(table, home, unread)
    return count(rows.num_rows, table.one, table.name)


@prices.command("list")
@home_option
@book_option
@model_option
@provider_option
@card_option
@at_option
@known_at_option
@click.option("--sources", is_flag=True, help="Also who said so, when that was checked, and since when it is known.")
def list_(
    home: Path | None,
    book: Path,
    model: str | None,
    provider: str | None,
    card: str | None,
    at: datetime | None,
    known_at: datetime | None,
    *,
    sources: bool,
) -> None:
    """List prices, each for how many tokens, hours or calls and with the time it is in force.

    Example: meterhouse prices list --model gpt-3.5-turbo --at 2023-09-01T00:00:00Z
    """
    from pipelines.pricing.listing import RATE_COLUMNS, SOURCE_COLUMNS, select_prices

    rows = load_book(priced_home(home), seed=book)
    require_valid(rows)
    found = select_prices(rows, card=card, model=model, provider=provider, at=at, known_at=known_at)
    columns = (*RATE_COLUMNS, *SOURCE_COLUMNS) if sources else RATE_COLUMNS
    print_table(columns, [row[: len(columns)] for row in found])
    say(f"{count(len(found), 'price')}.")


@prices.command("terms")
@home_option
@book_option
@click.option("--organization", help="Only the terms of this organisation, and those of everybody (*).")
@at_option
@known_at_option
def terms(
    home: Path | None, book: Path, organization: str | None, at: datetime | None, known_at: datetime | None
) -> None:
    """List who pays what: cards, percentages, allowances and tariffs, in the order of application.

    Example: meterhouse prices terms --home data --organization acme
    """
    from pipelines.pricing.listing import TERM_COLUMNS, select_terms

    place = priced_home(home)
    require_valid_tables(place, seed=book)
    found = select_terms(load(TERMS, place), organization=organization, at=at, known_at=known_at)
    print_table(TERM_COLUMNS, found)
    say(f"{count(len(found), 'term')}.")


@prices.command("diff")
@click.argument("old", type=FILE, required=False)
@click.argument("new", type=FILE, required=False)
@home_option
@book_option
@model_option
@provider_option
@card_option
@click.option(
    "--known-at",
    type=INSTANT,
    multiple=True,
    help="Compare one book as known at two instants (given twice), or at one and now (UTC).",
)
def diff(
    old: Path | None,
    new: Path | None,
    home: Path | None,
    book: Path,
    model: str | None,
    provider: str | None,
    card: str | None,
    known_at: tuple[datetime, ...],
) -> None:
    """Show which rates differ, and from when to when: added, ended, dearer, cheaper.

    Compares two books, OLD and NEW; or one book as known at two instants; or, with neither, the price
    book with the same and a home's own cards.

    Example: meterhouse prices diff --known-at 2026-11-24
    """
    from pipelines.pricing.diff import diff_prices

    if len(known_at) > 2 or (known_at and new):
        raise click.UsageError("Give two books, or one book and --known-at once or twice.")
    before, after = _books(old, new, home, book, with_times=bool(known_at))
    for rows in (before, after):
        require_valid(rows)
    first, second = (*known_at, None, None)[:2]
    found = diff_prices(
        before, after, old_known_at=first, new_known_at=second, card=card, provider=provider, model=model
    )
    names = (
        "change", "card", "provider", "model", "model tier", "service tier", "region", "unit", "from tokens", "from",
        "to", "old", "new", "per", "percent",
    )  # fmt: skip
    print_table(names, map(_difference, found))
    counts = [f"{sum(one.change == kind for one in found)} {kind}" for kind in ("added", "ended", "dearer", "cheaper")]
    say(f"{count(len(found), 'difference')}: {', '.join(counts)}.")


def _books(
    old: Path | None, new: Path | None, home: Path | None, book: Path, *, with_times: bool
) -> tuple[pa.Table, pa.Table]:
    if old and new:
        return read_rows(RATES, [old]), read_rows(RATES, [new])
    if old and not with_times:
        raise click.UsageError("One book alone is compared with nothing: give NEW too, or --known-at.")
    one = read_rows(RATES, [old]) if old else load_book(priced_home(home), seed=book)
    return (one, one) if with_times else (load_book(seed=book), one)


def _difference(one: Difference) -> tuple[str, ...]:
    return (
        one.change, one.card, one.provider, one.model, one.model_tier, one.service_tier, one.region, one.unit,
        str(one.context_from) if one.context_from else "",
        _instant(one.starts_at), _instant(one.ends_at),
        *(("none" if price is None else f"{price.normalize():f} {one.currency}") for price in (one.old, one.new)),
        f"{one.per:,}", signed_percent(one.percent),
    )  # fmt: skip


def _instant(moment: datetime | None) -> str:
    return "open" if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%SZ")
