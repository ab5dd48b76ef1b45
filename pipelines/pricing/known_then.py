"""What an explanation says of a book that is read as it was known at an instant: which later rows were left out.

How amounts came about belongs in `explain.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb

from pipelines.pricing.figures import FOREVER_YEAR, count, instant
from pipelines.pricing.tables import RATES

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    import pyarrow as pa

    from pipelines.pricing.explanation import Side


def known_then(
    con: duckdb.DuckDBPyConnection, book: pa.Table | None, rated: dict[str, Any], sides: Iterable[Side], at: datetime
) -> tuple[str, ...]:
    """Notes on `known_at`; none where everything that is known counts.

    A later row is told where it is for the request's model, tiers and instant, on a card that was asked.
    """
    if at.year >= FOREVER_YEAR:
        return ()
    notes = [f"The price tables are read as they were known at {instant(at)} (known_at in meterhouse.toml)."]
    asked = {
        (
            side.rate.card if side.rate else side.general_card,
            side.rate.priced_as if side.rate else side.stands_for or rated["base_model"] or rated["model"],
        )
        for side in sides
    }
    if book is not None:
        notes += [
            f"Known only later, so it does not count: {place}, known from {instant(known_from)} "
            f"({card}, {model}, {unit})."
            for place, known_from, card, model, unit in _later_rates(con, book, rated, asked, at)
        ]
    (terms,) = con.execute(
        """
        select count(*) from run.terms
        where known_from > $at and organization_id in ('*', $organization_id) and provider in ('', $provider)
            and model in ('', $asked, $base) and region in ('', $region)
            and valid_from <= $occurred_at and (valid_to is null or valid_to > $occurred_at)""",
        {name: rated[name] for name in ("organization_id", "provider", "occurred_at")}
        | {
            "at": at, "asked": rated["model"], "base": rated["base_model"] or rated["model"],
            "region": rated["region"] or "",
        },
    ).fetchone() or (0,)  # fmt: skip
    if terms:
        notes.append(f"{count(terms, 'row')} of the terms, known only later, would be for it too.")
    return tuple(notes)


def _later_rates(
    con: duckdb.DuckDBPyConnection, book: pa.Table, rated: dict[str, Any], asked: set[tuple[str, str]], at: datetime
) -> list[tuple[Any, ...]]:
    con.register("book_text", book)
    try:
        return con.execute(
            f"""
            select
                parse_filename(file) || ', line ' || line, known_from, card, model, unit
            from (
                select file, line, {RATES.typed} from (
                    select * from book_text
                    where (card, model) in (select unnest($cards::varchar[]), unnest($models::varchar[]))
                        and provider = $provider
                ) as rows
            ) as typed
            where known_from > $at and model_tier = $model_tier and service_tier = $service_tier
                and region in ('', $region)
                and valid_from <= $occurred_at and (valid_to is null or valid_to > $occurred_at)
            order by file, line""",
            {name: rated[name] for name in ("provider", "model_tier", "service_tier", "occurred_at")}
            | {
                "cards": [card for card, _ in sorted(asked)], "models": [model for _, model in sorted(asked)],
                "region": rated["region"] or "", "at": at,
            },
        ).fetchall()  # fmt: skip
    except duckdb.ConversionException:
        # A row has an error; `prices check` names it.
        return []
    finally:
        con.unregister("book_text")
