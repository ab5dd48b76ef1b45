"""`meterhouse prices import`: shows what a source would add to a book or a home's card, and appends it.

What is proposed is decided in `importer.py`; sources are read in `genai.py`, `litellm.py` and
`csv_rates.py`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipelines.pricing.book import SEED
from pipelines.pricing.shown import FILE, book_option, print_table, say, signed_percent

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from pipelines.pricing.importer import Proposal, Proposed
    from pipelines.pricing.series import LeftOut, Source

ORIGINS = ("genai-prices", "litellm", "csv")
# So many new prices, and examples of what is left out, are shown one by one without --all.
_SHORT, _EXAMPLES = 30, 3


@click.command("import")
@click.argument("file", type=FILE, required=False)
@click.option(
    "--from", "origin", type=click.Choice(ORIGINS), default=ORIGINS[0], show_default=True,
    help="The installed package, LiteLLM's price map FILE, or a CSV FILE with the header of the price book.",
)  # fmt: skip
@book_option
@click.option(
    "--to", type=click.Path(path_type=Path, dir_okay=False),
    help="Append to this file of a home's prices/ instead of the book; it is compared together with the book.",
)  # fmt: skip
@click.option("--card", help="Rate card of the rows; a CSV names its own. Default: list.")
@click.option("--provider", "providers", multiple=True, help="Only this provider, as we name it. May be repeated.")
@click.option(
    "--on", type=click.DateTime(formats=["%Y-%m-%d"]),
    help="Day of the import (UTC), from which undated prices are valid. Default: today.",
)  # fmt: skip
@click.option("--all", "every", is_flag=True, help="Show every row, however many there are.")
@click.option("--write", is_flag=True, help="Append the rows. Without it, only show them.")
def import_(
    file: Path | None,
    origin: str,
    book: Path,
    to: Path | None,
    card: str | None,
    providers: tuple[str, ...],
    on: datetime | None,
    *,
    every: bool,
    write: bool,
) -> None:
    """Compare list prices with the book: from the genai-prices package, LiteLLM's price map or a CSV.

    Shows what is new, what has changed and what is not taken, and why. With --write it appends what is
    new or changed; no row is ever changed. Nothing is fetched.

    Example: meterhouse prices import --from litellm model_prices_and_context_window.json
    """
    from pipelines.pricing.append import append_rows
    from pipelines.pricing.check import require_valid
    from pipelines.pricing.committed import record_seeds
    from pipelines.pricing.importer import propose
    from pipelines.pricing.tables import RATES, read_rows

    target, beside = (book, []) if to is None else (to, _beside(to, book))
    known = read_rows(RATES, [*beside, *([target] if target.exists() else [])])
    require_valid(known)
    source = read_source(origin, file, card=card, providers=providers)
    proposal = propose(known.to_pylist(), source, (on or datetime.now(UTC)).date())
    show(proposal, every=every)
    if write and proposal.rows:
        append_rows(target, proposal.rows, beside=beside)
    if write and target.resolve() == SEED.resolve():
        record_seeds()
    done = f"appended to {target}" if write else "to append; --write appends them"
    say(f"{len(proposal.rows)} rows {done}.")


def _beside(to: Path, book: Path) -> list[Path]:
    """What a home reads together with one of its cards: the book and the other cards of the folder."""
    return [book, *sorted(path for path in to.parent.glob("*.csv") if path.name != to.name)]


def read_source(origin: str, file: Path | None, *, card: str | None, providers: Collection[str]) -> Source:
    """The source as read, of the given card and providers."""
    from dataclasses import replace

    if origin == "genai-prices":
        from pipelines.pricing.genai import read_package

        if file is not None:
            raise click.UsageError("genai-prices is read from the installed package: give no FILE, or name --from.")
        source = read_package()
    elif file is None:
        raise click.UsageError(f"--from {origin} needs a FILE.")
    elif origin == "litellm":
        from pipelines.pricing.litellm import read_map

        source = read_map(file, providers)
    else:
        from pipelines.pricing.csv_rates import read_csv

        if card is not None:
            raise click.UsageError("A CSV names the card of each row: leave --card out.")
        source = read_csv(file)
    if card is not None:
        source.series = [replace(one, card=card) for one in source.series]
    if providers:
        source.series = [one for one in source.series if one.provider in providers]
    return source


def show(proposal: Proposal, *, every: bool) -> None:
    """The differences, the longest lists shortened unless `every` one is asked for."""
    _show_added(proposal.added, every=every)
    print_table(
        ("changed", "model tier", "service tier", "region", "unit", "from tokens", "since", "old", "new", "percent",
         "old source"),
        map(_changed, proposal.changed),
        title="Changed: the book has another price",
    )  # fmt: skip
    _show_left_out(proposal.left_out, every=every)
    say(
        f"{len(proposal.added)} prices added, {len(proposal.changed)} changed, {proposal.unchanged} unchanged, "
        f"{len(proposal.left_out)} not taken."
    )


def _show_added(added: list[Proposed], *, every: bool) -> None:
    if every or len(added) <= _SHORT:
        names = ("added", "model tier", "service tier", "region", "unit", "from tokens", "since", "price")
        print_table(names, map(_added, added), title="Added: the book has no price")
        return
    groups = ("card", "provider", "model_tier", "service_tier", "region")
    rows = Counter(tuple(one.row[name] for name in groups) for one in added)
    models = Counter(group for group, _ in {(tuple(o.row[n] for n in groups), o.row["model"]) for o in added})
    print_table(
        ("card", "provider", "model tier", "service tier", "region", "models", "rows"),
        [(*group, str(models[group]), str(count)) for group, count in sorted(rows.items())],
        title="Added: the book has no price (--all shows every row)",
    )


def _show_left_out(left_out: list[LeftOut], *, every: bool) -> None:
    by_reason: dict[str, list[str]] = defaultdict(list)
    for one in left_out:
        by_reason[one.reason].append(one.entry)
    for reason, entries in sorted(by_reason.items(), key=lambda item: (-len(item[1]), item[0])):
        shown = entries if every else entries[:_EXAMPLES]
        more = len(entries) - len(shown)
        say(f"not taken ({len(entries)}), {reason}: {', '.join(shown)}{f' and {more} more' if more else ''}")


def _place(one: Proposed) -> tuple[str, ...]:
    row = one.row
    card = f"{row['card']}: " if row["card"] != "list" else ""
    return (
        f"{card}{row['provider']} {row['model']}", row["model_tier"], row["service_tier"], row["region"], row["unit"],
        row["context_from"] if row["context_from"] != "0" else "",
    )  # fmt: skip


def _added(one: Proposed) -> tuple[str, ...]:
    return (*_place(one), _since(one), _price(one.row))


def _changed(one: Proposed) -> tuple[str, ...]:
    before = one.before or {}
    old, new = (Decimal(row["price"]) / Decimal(row["per"]) for row in (before, one.row))
    percent = ((new - old) * 100 / old).quantize(Decimal("0.01")) if old and not one.is_end else None
    new_text = "ends" if one.is_end else _price(one.row)
    since = one.row["valid_to"] if one.is_end else _since(one)
    return (*_place(one), since, _price(before), new_text, signed_percent(percent), before["source"])


def _since(one: Proposed) -> str:
    end = one.row["valid_to"]
    return one.row["valid_from"] + (f" to {end}" if end else "")


def _price(row: Mapping[str, str]) -> str:
    return f"{row['price']} {row['currency']} per {row['per']}"
