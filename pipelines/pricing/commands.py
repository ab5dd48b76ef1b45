"""`meterhouse prices ...`: import, check and list. Thin: the work is done beside this module."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
import duckdb
from rich.console import Console
from rich.table import Table

from pipelines.home import resolve_home
from pipelines.pricing.book import SEED, load_book
from pipelines.pricing.check import BOUNDED, find_problems, require_valid

if TYPE_CHECKING:
    import pyarrow as pa

_INSTANT = click.DateTime(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"])
_home = click.option(
    "--home",
    type=click.Path(path_type=Path),
    help="Home whose prices/*.csv are read as well. Default: METERHOUSE_HOME, then ./data.",
)
_book = click.option(
    "--book",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    default=SEED,
    help="The price book. Default: the one that comes with Meterhouse.",
)


@click.group("prices")
def prices() -> None:
    """Look after the price book: import list prices, check it, list it.

    Example: meterhouse prices check
    """


@prices.command("import")
@_book
@click.option(
    "--on",
    type=click.DateTime(formats=["%Y-%m-%d"]),
    help="Day of the import (UTC), from which undated prices are valid. Default: today.",
)
@click.option("--write", is_flag=True, help="Append the rows to the book. Without it, only show them.")
def import_(book: Path, on: datetime | None, write: bool) -> None:  # noqa: FBT001
    """Take list prices from the installed genai-prices package.

    Only what differs is appended; no row of the book is changed. Nothing is fetched.

    Example: meterhouse prices import --write
    """
    from pipelines.pricing.importer import append_rows, import_genai_prices

    proposal = import_genai_prices(book, (on or datetime.now(UTC)).date())
    console = _console()
    if proposal.rows:
        table = Table("provider", "service tier", "models", "rows", title="Rows to append")
        rows = Counter((r["provider"], r["service_tier"]) for r in proposal.rows)
        models = Counter(
            (provider, tier)
            for provider, tier, _ in {(r["provider"], r["service_tier"], r["model"]) for r in proposal.rows}
        )
        for (provider, tier), count in sorted(rows.items()):
            table.add_row(provider, tier, str(models[provider, tier]), str(count))
        console.print(table)
    for note in proposal.notes:
        console.print(f"note: {note}", markup=False, highlight=False)
    if write and proposal.rows:
        append_rows(book, proposal.rows)
    done = "appended" if write else "to append; --write appends them"
    console.print(f"{len(proposal.rows)} rows {done}.", highlight=False)


@prices.command("check")
@_home
@_book
def check(home: Path | None, book: Path) -> None:
    """Check the price book and the home's own cards; exit 1 on an error.

    Example: meterhouse prices check --home data
    """
    rows = load_book(resolve_home(home), seed=book)
    findings = find_problems(rows)
    console = _console()
    for found in findings:
        console.print(
            f"{found.severity}: {found.file}, line {found.line}, field {found.field}: {found.cause}.",
            markup=False,
            highlight=False,
        )
    errors = sum(found.severity == "error" for found in findings)
    console.print(
        f"{rows.num_rows} price rows, {errors} errors, {len(findings) - errors} warnings.",
        highlight=False,
    )
    if errors:
        click.get_current_context().exit(1)


@prices.command("list")
@_home
@_book
@click.option("--model", help="Only models whose id contains this text.")
@click.option("--provider", help="Only this provider.")
@click.option("--at", type=_INSTANT, help="Only prices in force at this instant (UTC).")
def list_(home: Path | None, book: Path, model: str | None, provider: str | None, at: datetime | None) -> None:
    """List prices per million tokens with the time they are in force.

    Example: meterhouse prices list --model gpt-3.5-turbo --at 2023-09-01T00:00:00Z
    """
    rows = load_book(resolve_home(home), seed=book)
    require_valid(rows)
    found = select_prices(rows, model=model, provider=provider, at=at)
    table = Table(
        "card", "provider", "model", "model tier", "service tier", "unit", "price", "from tokens",
        "valid from", "valid to",
    )  # fmt: skip
    for row in found:
        table.add_row(*row)
    console = _console()
    console.print(table)
    console.print(f"{len(found)} prices.", highlight=False)


def select_prices(
    rows: pa.Table,
    *,
    model: str | None = None,
    provider: str | None = None,
    at: datetime | None = None,
) -> list[tuple[str, ...]]:
    """Rows of a checked book as `list` shows them: all text, with the ends that are in force."""
    with duckdb.connect() as connection:
        connection.register("rows", rows)
        return connection.execute(
            f"""
            select
                card, provider, model, model_tier, service_tier, unit,
                price || ' ' || currency, cast(context_from as varchar),
                strftime(valid_from, '%Y-%m-%dT%H:%M:%SZ'),
                coalesce(strftime(ends_at, '%Y-%m-%dT%H:%M:%SZ'), 'open')
            from ({BOUNDED})
            where ($model is null or contains(model, $model))
                and ($provider is null or provider = $provider)
                and ($at is null or (valid_from <= $at and coalesce(ends_at > $at, true)))
            order by
                card, provider, model, model_tier, service_tier, unit, context_from, valid_from,
                currency
            """,
            {"model": model, "provider": provider, "at": at},
        ).fetchall()


def _console() -> Console:
    """A terminal's own width, else wide lines: what is piped is not cut."""
    console = Console()
    return console if console.is_terminal else Console(width=200)
