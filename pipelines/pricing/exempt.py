"""Rows that give a model whose cost is hours of GPUs a revenue: prices on a card that the cost side does not ask.

On the card of the hours they would be added to the cost. A mark-up over a cost that is spread after the day has no
price a token: a term without a percentage takes the model out of it. Which requests are concerned is found in
`lacking.py`; the shape of a line belongs in `missing.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pipelines.pricing.explain import rows
from pipelines.pricing.missing import rate_line, term_line

if TYPE_CHECKING:
    from collections.abc import Iterable

    import duckdb

Row = dict[str, Any]


class Exemption(NamedTuple):
    """Lines to paste: `terms` for prices/terms/, `rates` for prices/; the rates are those of `card`."""

    terms: tuple[str, ...]
    rates: tuple[str, ...]
    card: str


def exemption(con: duckdb.DuckDBPyConnection, gap: Row, units: Iterable[str]) -> Exemption:
    """What to write for a row of `lacking` whose cost is hours of GPUs, to give prices to the `units` that were used.

    Every mark-up that counted gets a term of its own scope and this model, which is more specific or takes its place.
    """
    (settings,) = rows(con, "select revenue_card, cost_card from run.settings")
    is_shared = settings["revenue_card"] == settings["cost_card"]
    card = _free_card(con) if is_shared else settings["revenue_card"]
    counted = rows(
        con,
        """
        select
            kind, organization_id, model, region,
            -- Not before the rates that price hours of GPUs: until then all stays as it is.
            greatest(min(valid_from), $rates_from, date_trunc('day', $first_at::timestamp)) as valid_from
        from run.terms
        where
            term_id in (select unnest(string_split(array_to_string($terms::varchar[], ','), ',')))
            and side = 'revenue' and kind in ('card', 'markup')
        -- A set that names the model is followed by its like; of wider ones the first is enough.
        group by kind, organization_id, model, region, case when model != '' then valid_from end
        order by organization_id, model, region, valid_from""",
        {"terms": gap["terms"] or [], "rates_from": gap["rates_from"], "first_at": gap["first_at"]},
    )
    markups = [term for term in counted if term["kind"] == "markup"]
    day = gap["first_at"].replace(hour=0, minute=0, second=0, microsecond=0)
    begins_at = min((term["valid_from"] for term in counted), default=max(gap["rates_from"], day))
    scope = {"side": "revenue", "provider": gap["provider"]}
    terms = [
        term_line(
            **scope, kind="markup", organization_id=m["organization_id"], model=m["model"] or gap["rate_model"],
            region=m["region"], valid_from=m["valid_from"],
        )
        for m in markups
    ]  # fmt: skip
    if is_shared or not markups:
        # Whoever has a card of his own is asked for that before everybody's.
        organizations = [term["organization_id"] for term in counted] + ([] if markups else ["*"])
        terms += [
            term_line(
                **scope, kind="card", organization_id=one, model=gap["rate_model"], card=card, valid_from=begins_at
            )
            for one in dict.fromkeys(organizations)
        ]
    key = {"card": card, **{name: gap[name] for name in ("provider", "model_tier", "service_tier")}}
    key["model"] = gap["rate_model"]
    rates = [
        rate_line(**key, region="", unit=unit, currency=None, context_from=0, valid_from=begins_at, valid_to=None)
        for unit in units
        if not _stands(con, key | {"unit": unit, "first_at": gap["first_at"]})
    ]
    return Exemption(tuple(terms), tuple(rates), card)


def _stands(con: duckdb.DuckDBPyConnection, key: Row) -> bool:
    """Whether the card has a price of that unit already."""
    return bool(
        rows(
            con,
            """
            select 1 from marts.price_rate_units
            where card = $card and provider = $provider and model = $model and model_tier = $model_tier
                and service_tier = $service_tier and region = '' and unit = $unit
                and valid_from <= $first_at and valid_to > $first_at""",
            key,
        )
    )


def _free_card(con: duckdb.DuckDBPyConnection) -> str:
    """A name that no card has yet."""
    known = {row["card"] for row in rows(con, "select distinct card from marts.price_rows")}
    names = ["revenue", *(f"revenue-{number}" for number in range(2, len(known) + 3))]
    return next(name for name in names if name not in known)
