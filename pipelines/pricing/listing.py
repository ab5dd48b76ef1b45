"""The price tables as people read them: rates and terms with the ends that are in force.

What differs between two books belongs in `diff.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

from pipelines.pricing.check_terms import term_sets
from pipelines.pricing.rules import bounded, typed
from pipelines.pricing.tables import RATES, TERMS

if TYPE_CHECKING:
    from datetime import datetime

    import pyarrow as pa

RATE_COLUMNS = (
    "card", "provider", "model", "model tier", "service tier", "region", "unit", "price", "per", "from tokens",
    "valid from", "valid to",
)  # fmt: skip
SOURCE_COLUMNS = ("known from", "checked on", "source")
TERM_COLUMNS = (
    "organisation", "kind", "side", "provider", "model", "region", "unit", "from quantity", "what", "valid from",
    "valid to", "term",
)  # fmt: skip

_SPAN = """
    strftime(valid_from, '%Y-%m-%dT%H:%M:%SZ'), coalesce(strftime(ends_at, '%Y-%m-%dT%H:%M:%SZ'), 'open')"""
_AT = "($at is null or (valid_from <= $at and coalesce(ends_at > $at, true)))"


def select_prices(
    rows: pa.Table,
    *,
    card: str | None = None,
    model: str | None = None,
    provider: str | None = None,
    at: datetime | None = None,
    known_at: datetime | None = None,
) -> list[tuple[str, ...]]:
    """Rows of a checked book as `list` shows them (RATE_COLUMNS, SOURCE_COLUMNS), all text.

    `known_at` leaves out later knowledge.
    """
    with duckdb.connect() as con:
        con.register("rates", rows)
        con.execute(f"create temp table rates_typed as {typed(RATES, 'rates', known_at)}")
        return con.execute(
            f"""
            select
                card, provider, model, model_tier, service_tier, region, unit,
                price || ' ' || currency, per::varchar, context_from::varchar, {_SPAN},
                strftime(known_from, '%Y-%m-%dT%H:%M:%SZ'), coalesce(checked_on::varchar, ''), source
            from ({bounded(RATES.key, "rates_typed")}) as rates
            where ($model is null or contains(model, $model))
                and ($provider is null or provider = $provider)
                and ($card is null or card = $card)
                and {_AT}
            order by
                card, provider, model, model_tier, service_tier, region, unit, context_from, valid_from, currency
            """,
            {"model": model, "provider": provider, "card": card, "at": at},
        ).fetchall()


def select_terms(
    rows: pa.Table,
    *,
    organization: str | None = None,
    at: datetime | None = None,
    known_at: datetime | None = None,
) -> list[tuple[str, ...]]:
    """Terms as `terms` shows them (TERM_COLUMNS), all text, in the order of application.

    With an organisation: its own and those of everybody.
    """
    with duckdb.connect() as con:
        con.register("terms", rows)
        con.execute(f"create temp table terms_typed as {typed(TERMS, 'terms', known_at)}")
        con.execute(f"create temp table term_sets as {term_sets()}")
        con.execute("create temp macro plain(n) as rtrim(rtrim(n::varchar, '0'), '.')")
        return con.execute(
            f"""
            with shown as (
                select rows.* exclude (valid_from, valid_to), sets.valid_from, sets.ends_at
                from terms_typed as rows
                inner join term_sets as sets
                    using (organization_id, kind, side, provider, model, region, unit, valid_from, known_from)
            )
            select
                organization_id, kind, side, provider, model, region, unit,
                case when kind in ('allowance', 'graduated', 'volume') then plain(quantity) else '' end,
                case
                    when kind = 'card' then 'card ' || card
                    when kind = 'allowance' then 'free'
                    when kind = 'markup' and percent is null then 'no mark-up'
                    when price is not null then price || ' ' || currency || ' per ' || per
                    when kind in ('uplift', 'markup') then '+' || plain(percent) || ' %'
                    else '-' || plain(percent) || ' %'
                end,
                {_SPAN}, term_id
            from shown
            where ($organization is null or organization_id in ($organization, '*')) and {_AT}
            order by
                organization_id, side desc,
                list_position(['card', 'uplift', 'discount', 'markup', 'allowance', 'graduated', 'volume'], kind),
                provider, model, region, unit, valid_from, quantity
            """,
            {"organization": organization, "at": at},
        ).fetchall()
